"""Seeing what becomes of copies: whether somebody has changed or deleted one in the calendar that it is in.

Where the calendar is imported too, its reading sees it. Otherwise it is read for this alone, and nothing of it is kept.
"""

from collections.abc import Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

from kalends.model.calendar import ExternalCalendar, ItemChange, Page
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.store.copies import Copies
from kalends.store.intentions import Intentions
from kalends.store.leases import Leases
from kalends.store.standings import Standings
from kalends.sync.export.account import ExportAccount
from kalends.sync.guards import Endlessness

BACK = timedelta(days=1)
AHEAD = timedelta(days=400)
"""Which copies are watched, where a provider wants to know: those that are not over, as far as people plan."""


@dataclass(frozen=True, slots=True)
class _Versions:
    """The versions of copies, as a provider may ask for what is stored."""

    of: Mapping[str, str]

    async def versions(self, keys: Collection[str] | None = None) -> Mapping[str, str]:
        """Return ref → version."""
        return self.of if keys is None else {key: self.of[key] for key in keys if key in self.of}

    async def in_groups(self, group_keys: Collection[str]) -> Collection[str]:
        """Return the refs among groups: a copy is what its group is called by."""
        return [key for key in group_keys if key in self.of]


@dataclass(slots=True)
class _Seen:
    """What a reading saw: the groups there, those of them that are not as they were, and what is gone."""

    there: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    cursor: str | None = None

    def take(self, page: Page, versions: Mapping[str, str]) -> None:
        """Take note of a page."""
        for change in page.changed:
            self.there.add(change.group_key)
            if is_touched(change, versions):
                self.touched.add(change.group_key)
        self.there.update(page.unchanged)
        self.touched.update(page.removed)
        self.cursor = page.cursor


def is_touched(change: ItemChange, versions: Mapping[str, str]) -> bool:
    """Tell whether an item is a copy, or belongs to one, that is not in the version that it was left in."""
    if change.group_key not in versions:
        return False
    return change.key != change.group_key or change.version != versions[change.group_key]


async def watch(account: ExportAccount, calendar: ExternalCalendar) -> None:
    """Have copies looked at that somebody has touched since the last time.

    Raises `ProviderError`, `LeaseLost`.
    """
    async with account.database.read() as reader:
        there = await Copies(reader, account.site_id).there(account.connection.id, calendar.id)
        cursor = await Standings(reader, account.lease).copies_cursor(calendar.id)
    versions = {ref: version for ref, (_, version) in there.items()}
    try:
        seen = await _read(account, calendar, versions, cursor)
    except CursorRefused:
        seen, cursor = await _read(account, calendar, versions, None), None
    touched = seen.touched if cursor is not None else seen.touched | (versions.keys() - seen.there)
    events = {there[ref][0] for ref in touched if ref in there}
    if not events and (seen.cursor is None or seen.cursor == cursor):
        return
    async with account.database.write() as writer:
        await Leases(writer).check(account.lease)
        await Intentions(writer, account.site_id).look(account.connection.id, events, account.since)
        if seen.cursor is not None:
            await Standings(writer, account.lease).watched(calendar.id, seen.cursor)


async def _read(
    account: ExportAccount, calendar: ExternalCalendar, versions: Mapping[str, str], cursor: str | None
) -> _Seen:
    seen, endlessness = _Seen(), Endlessness()
    pages = account.reading.read(
        calendar,
        cursor=cursor,
        continuation=None,
        stored=_Versions(versions),
        since=account.since - BACK,
        until=account.since + AHEAD,
    )
    async with aclosing(pages):
        async for page in pages:
            endlessness.check(page)
            seen.take(page, versions)
    if seen.cursor is None:
        raise Unavailable("the provider's answer ended before its end")
    return seen
