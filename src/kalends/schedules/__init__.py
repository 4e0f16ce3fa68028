"""The use cases around schedules and the events on them: make, read, change and cancel (Wix Calendar V3).

Modules that begin with `event_` are about events. What events show is worked out in `model/event_series.py`, what a
change makes of them in `model/event_revision.py`.

Each checks whether what is named exists on the site, and then whether it is in the right state. Whether the caller may
use the method at all was decided before; who may, reaches every schedule of the site.
"""
