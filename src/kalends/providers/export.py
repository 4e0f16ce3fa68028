"""The port's write side: what a session may offer besides reading, for copies of schedule events in people's calendars.

Nobody is ever notified of a copy. Whatever is done twice has the effect of doing it once: a copy is created under a key
that can be used once, found again by it, and changed and deleted only as the version that is known.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from kalends.model.calendar import ExternalCalendar
from kalends.model.copy import WantedCopy
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
    """

    ref: str
    version: str
    echo: str


@runtime_checkable
class Exports(Protocol):
    """A session that keeps copies. All methods raise `ProviderError`; `calendar_id` is that of an `ExternalCalendar`.

    They raise `CalendarGone` where the calendar is no more, `NotSupported` where the account may not write there.
    """

    async def create_calendar(self, name: str, marker: str) -> ExternalCalendar:
        """Make a calendar for copies, or return the one that carries the marker; raises `CalendarRefused`.

        `marker` is of at most 100 characters of base32hex and `.`; a calendar is found again by it, never by its name.
        """
        ...

    async def find_calendar(self, marker: str) -> ExternalCalendar | None:
        """Return the calendar that carries a marker, None where there is none."""
        ...

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar that was made for copies, with all that is in it; one that is no more is fine."""
        ...

    async def look_up(self, calendar_id: str, key: str) -> StoredCopy | None:
        """Return the copy under a key, None where there is none; raises `KeyUsedUp` where it was deleted for good."""
        ...

    async def create(self, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
        """Make a copy with all its instances; raises `CopyThere`, `KeyUsedUp`.

        Where it is not known how it ended, `Unavailable` is raised, and the copy may be there, in part even: it is to
        be looked up.
        """
        ...

    async def update(self, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        """Make a copy what it should be, its instances included; raises `CopyChanged`, `CopyGone`.

        Instances that are neither wanted as changed nor as cancelled are as the rule has them afterwards.
        """
        ...

    async def delete(self, calendar_id: str, ref: str) -> None:
        """Delete a copy, whatever its version; one that is no more is fine."""
        ...
