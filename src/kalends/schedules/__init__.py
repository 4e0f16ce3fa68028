"""The use cases around schedules: make, read, change and cancel them (Wix Calendar V3, *Schedules*).

Each checks whether what is named exists on the site, and then whether it is in the right state. Whether the caller may
use the method at all was decided before; who may, reaches every schedule of the site.
"""
