"""The port's write side: what a session may offer besides reading, for copies of schedule events in people's calendars.

Nobody is ever notified of a copy. Whatever is done twice has the effect of doing it once: a copy is created under a key
that can be used once, found again by it, and changed and deleted only as the version that is known.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from kalends.model.calendar import ExternalCalendar
from kalends.model.copy import WantedCopy
from kalends.model.schedule_event import EventTimes
from kalends.providers.errors import ProviderError


class CopyThere(ProviderError):
    """There is a copy under this key already: it is to be looked up, and changed where it differs."""


class KeyUsedUp(ProviderError):
    """There was a copy under this key, it was deleted, and the provider does not take the key again."""


class CopyChanged(ProviderError):
    """The copy is in another version than the one that was named: somebody has changed it."""


class CopyGone(ProviderError):
    """The copy is no more."""


class CalendarRefused(ProviderError):
    """The account may not make calendars, or has as many as it may."""


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """A copy as the provider has it.

    `ref` is how it is addressed there (an event's id, a resource's path), `version` its etag, empty where the provider
    gives none. `echo` is a digest of what the provider stores of the wanted content, in one spelling: as long as it is
    the same, nothing of what was wanted has changed there, whatever the provider makes of what it was sent.
    `times` are those of the first instance as the provider has them, in whichever zone it has them; None where they
    cannot be said. Those of an all-day copy are dates: the provider knows no zone of them, and the one that is named
    means nothing.
    """

    ref: str
    version: str
    echo: str
    times: EventTimes | None = None


@runtime_checkable
class Exports(Protocol):
    """A session that keeps copies. All methods raise `ProviderError`; `calendar_id` is that of an `ExternalCalendar`.

    They raise `CalendarGone` where the calendar is no more, `NotSupported` where the account may not write there.

    Of `create` and `update`, `NotSupported` and a `ProviderError` that is none of its kinds say that this one copy
    cannot be written as it is wanted: that lasts, and says nothing of other copies. `Unavailable` says that nobody
    knows whether it was written, or that it was not and may be later.
    """

    async def create_calendar(self, name: str, marker: str) -> ExternalCalendar:
        """Make a calendar for copies, or return the one that carries the marker; raises `CalendarRefused`.

        However often it is asked for with one marker, one after the other, there is one calendar: also where an answer
        was lost, for which `Unavailable` is raised.
        `marker` is of at most 100 characters of base32hex and `.`; a calendar is found again by it, never by its name.
        """
        ...

    async def find_calendar(self, marker: str) -> ExternalCalendar | None:
        """Return the calendar that carries a marker, None where there is none."""
        ...

    async def is_empty(self, calendar_id: str) -> bool:
        """Tell whether nothing at all is in a calendar, however long ago or far ahead; raises `CalendarGone`."""
        ...

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar that was made for copies, with all that is in it; one that is no more is fine."""
        ...

    async def look_up(self, calendar_id: str, key: str) -> StoredCopy | None:
        """Return the copy under a key, None where there is none.

        Raises `KeyUsedUp` where it was deleted for good, and `CalendarGone`: None says that the calendar is there.
        """
        ...

    async def create(self, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
        """Make a copy with all its instances; raises `CopyThere`, `KeyUsedUp`.

        Where it is not known how it ended, `Unavailable` is raised, and the copy may be there, in part even: it is to
        be looked up.
        """
        ...

    async def update(self, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        """Make a copy what it should be, its instances included; raises `CopyChanged`, `CopyGone`.

        It is `CopyChanged` where the copy is not in the version of `stored`; an empty version is any. Instances that
        are neither wanted as changed nor as cancelled are as the rule has them afterwards. Where it is not known how it
        ended, `Unavailable` is raised, and a part of it may be done.
        """
        ...

    async def delete(self, calendar_id: str, ref: str) -> None:
        """Delete a copy, whatever its version; one that is no more is fine.

        Raises `CalendarGone` where it is no more with its calendar, `NotSupported` where it is not for us to delete.
        """
        ...


@runtime_checkable
class Moves(Protocol):
    """A session that can move a copy to another calendar of the account; its key and its `ref` stay the same."""

    async def move(self, calendar_id: str, stored: StoredCopy, target_id: str) -> StoredCopy:
        """Move a copy with all its instances, and return it as it is in the target.

        It is moved whatever its version: whether its owner has changed it before, the echo tells. Raises `CopyGone`
        where it is not in the first calendar any more, `CopyThere` where the target has it already, `KeyUsedUp` where
        the target had it and does not take it again, `CalendarGone` where either calendar is no more, `NotSupported`
        where it cannot be moved. Where it is not known how it ended, `Unavailable` is raised: it is in one of the two.
        """
        ...


@runtime_checkable
class TellsCopies(Protocol):
    """What a kind of provider may offer besides: telling copies from other events by what is read of them."""

    def tag_of(self, payload: bytes) -> str | None:
        """Return the tag (`WantedCopy.tag`) that an item's stored payload carries, None where it carries none.

        It takes a few microseconds for what is no copy, and raises nothing, whatever the payload holds. Of a series,
        one item of its group carries it, and others may. That a tag is ours is for others to check.
        """
        ...
