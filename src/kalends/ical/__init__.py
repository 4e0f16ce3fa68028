"""iCalendar text → occurrences, without I/O.

`expand_resource` is the way through: `lines` and `read` turn text into events, `expand` turns events into the
occurrences inside a window. A provider that delivers events in another form makes `event.Event`s of them and calls
`expand_events`. `is_tame` tells which resources may be expanded in place, on a small allowance of steps; all others
belong in a worker process with a time limit.

The reader and the expansion are our own. The `icalendar` package remembers a text's VTIMEZONEs under their TZID for the
whole process, so that one account's zone would move another's events, and expanding with the packages that build on it
cannot be stopped: there is no bound on a rule that never matches. Here every rule, those
of time zones included, is paid for in steps of one allowance per group.
"""

from kalends.ical.expand import expand_events
from kalends.ical.resource import expand_resource
from kalends.ical.tame import is_tame

__all__ = ["expand_events", "expand_resource", "is_tame"]
