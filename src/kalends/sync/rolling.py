"""Rolling the window: what is stored is expanded to new days, zones and rules of zones, without the provider."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from kalends.model.clock import Clock
from kalends.model.occurrence import Expansion
from kalends.model.time import Window
from kalends.store.calendars import StoredCalendar
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.readings import Coverage
from kalends.sync.applying import apply_expansions
from kalends.sync.expansion import Group, with_unreadable
from kalends.sync.recognition import Recognition
from kalends.sync.subject import ReadingLimits, StoredSubject

AT_ONCE = 500
"""Groups that are in memory together."""


class Rolling:
    """Keeps the occurrences of calendars up with the window, which moves once a day, and with what places them.

    `zone_rules` is the version of the zone database that this process goes by.
    """

    def __init__(
        self, database: Database, recognition: Recognition, clock: Clock, limits: ReadingLimits, zone_rules: str
    ) -> None:
        self._database = database
        self._recognition = recognition
        self._clock = clock
        self._limits = limits
        self._zone_rules = zone_rules

    def is_current(self, calendar: StoredCalendar) -> bool:
        """Tell whether a calendar's occurrences covered the present window when it was loaded."""
        return calendar.covers(self._limits.window(self._clock.now()))

    async def place(self, subject: StoredSubject) -> StoredCalendar:
        """Expand anew what other zones, or other rules of them, had placed than place it now.

        Return the calendar as it is then. That comes before anything is read, so that a calendar never holds events
        that different zones have placed while it says that one has. An event that takes too long is quarantined where
        a zone is another one: where it stood is wrong now. Where only rules are, it stays. Raises `LeaseLost`.
        """
        before = subject.calendar.coverage
        moved = before is None or before.zones != subject.zones
        # an older version counts as another one, too: where workers of both run for a while, all is by one of them
        outdated = before is not None and before.rules != self._zone_rules
        if not moved and not outdated:
            return subject.calendar
        await subject.place.take()
        window = self._limits.window(self._clock.now()) if before is None else before.window
        async with self._database.read() as reader:
            stored = subject.contents(reader).groups
            due = await (stored.placed_by_zones() if outdated else stored.placed_by_surroundings())
        if before is not None and moved:
            await self._note(subject, Coverage(window, None, before.rules))
        async for expanded in self._expanded(subject, due, window):
            placed = expanded if moved else {key: one for key, one in expanded.items() if not one.given_up}
            await apply_expansions(self._database, subject, placed)
        if before is None:
            return subject.calendar
        covers = Coverage(window, subject.zones, self._zone_rules)
        await self._note(subject, covers)
        return replace(subject.calendar, coverage=covers)

    async def roll(self, subject: StoredSubject) -> None:
        """Expand the groups that the present window concerns, and note what is covered; raises `LeaseLost`."""
        covers = Coverage(self._limits.window(self._clock.now()), subject.zones, self._zone_rules)
        if subject.calendar.coverage == covers:
            return
        await subject.place.take()
        async with self._database.read() as reader:
            due = await _due(subject.contents(reader), subject.calendar.coverage, covers)
        given_up: list[str] = []
        async for expanded in self._expanded(subject, due, covers.window):
            given_up += [key for key, one in expanded.items() if one.given_up]
            done = {key: one for key, one in expanded.items() if not one.given_up}
            await apply_expansions(self._database, subject, done)
        async with self._database.write() as writer:
            contents = await subject.fenced(writer)
            # what took too long this time keeps what it had, until the window moves on again
            await contents.groups.note_expanded(given_up, covers.window.end)
            await contents.readings.note_coverage(covers)

    async def _expanded(
        self, subject: StoredSubject, group_keys: Sequence[str], window: Window
    ) -> AsyncIterator[Mapping[str, Expansion]]:
        """Yield the expansions of groups, some at a time; those without anything that can be read stay as they are."""
        context = subject.context(window, self._limits)
        for start in range(0, len(group_keys), AT_ONCE):
            async with self._database.read() as reader:
                stored = await subject.contents(reader).items.of_groups(group_keys[start : start + AT_ONCE])
            readable = {key: items for key, items in stored.items() if items.payloads}
            groups = [Group(key, tuple(items.payloads.values())) for key, items in readable.items()]
            expanded = await self._recognition.expand(subject.lease.site_id, subject.kind, groups, context)
            yield with_unreadable(expanded, readable)

    async def _note(self, subject: StoredSubject, coverage: Coverage) -> None:
        async with self._database.write() as writer:
            await (await subject.fenced(writer)).readings.note_coverage(coverage)


async def _due(contents: Contents, before: Coverage | None, covers: Coverage) -> Sequence[str]:
    if before is not None and covers.window.start < before.window.start:
        return await contents.groups.all_keys()
    return await contents.groups.short_of(covers.window.end)
