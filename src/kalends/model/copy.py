"""Copies: what an export wants to stand in an external calendar. A schedule event has one for each of its segments."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kalends.model.schedule_event import EventTimes, WeeklyRule


class Privacy(StrEnum):
    """How much of an event its copies show: everything, the title, or only that the time is taken."""

    FULL = "full"
    TITLE = "title"
    BUSY = "busy"


class CopyChanges(StrEnum):
    """What becomes of it when the owner of a calendar changes or deletes a copy."""

    RESTORE = "restore"
    """The copy is written again as it was."""
    ACCEPT = "accept"
    """The schedule event follows, where it can."""


@dataclass(frozen=True, slots=True)
class CopyText:
    """What a copy, or one instance of it, says. `url` leads to the booking or the meeting, None where there is none.

    `busy` tells whether it blocks the time of whoever owns the calendar, `private` whether others may read it there.
    """

    title: str
    notes: str = ""
    location: str = ""
    url: str | None = None
    busy: bool = True
    private: bool = False


@dataclass(frozen=True, slots=True)
class ChangedInstance:
    """An instance of a recurring copy that differs. `original` is the naive wall time, in the copy's zone, of its rule.

    `times` are in the zone that they name, which may be another one; an all-day instance is so in an all-day copy
    alone.
    """

    original: datetime
    times: EventTimes
    text: CopyText


@dataclass(frozen=True, slots=True)
class WantedCopy:
    """A copy as it should be.

    `key` identifies it for ever: 52 characters of base32hex in lower case (`0`–`9`, `a`–`v`). `tag` says whose it is,
    in at most 100 characters of the same and `.`; it comes back with whatever is read of the copy. `times` are those of
    the first instance. `cancelled` are the naive wall times, in the copy's zone, of instances that there are none of;
    with those of `changed` they are instances that the rule makes. Neither guests nor reminders are ever part of it.
    """

    key: str
    tag: str
    times: EventTimes
    text: CopyText
    rule: WeeklyRule | None = None
    cancelled: tuple[datetime, ...] = ()
    changed: tuple[ChangedInstance, ...] = ()
