"""Rolling the window: what is stored is expanded to new days, new limits and new zones, without the provider."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kalends.model.clock import Clock
from kalends.model.occurrence import Expansion
from kalends.model.time import Window
from kalends.store.calendars import StoredCalendar
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.readings import Coverage
from kalends.sync.applying import apply_expansions
from kalends.sync.expansion import Expander, Group
from kalends.sync.subject import ReadingLimits, StoredSubject


class Rolling:
    """Keeps the occurrences of calendars up with the window, which moves once a day."""

    def __init__(self, database: Database, expander: Expander, clock: Clock, limits: ReadingLimits) -> None:
        self._database = database
        self._expander = expander
        self._clock = clock
        self._limits = limits

    def is_current(self, calendar: StoredCalendar) -> bool:
        """Tell whether a calendar's occurrences covered the present window when it was loaded."""
        return calendar.covers(self._limits.window(self._clock.now()))

    async def place(self, subject: StoredSubject) -> StoredCalendar:
        """Expand anew what other zones had placed than place it now, and return the calendar as it is then.

        That comes before anything is read, so that a calendar never holds events that different zones have placed while
        it says that one has. An event that takes too long is quarantined: where it stood is wrong now. Raises
        `LeaseLost`.
        """
        before = subject.calendar.coverage
        if before is not None and before.zones == subject.zones:
            return subject.calendar
        window = self._limits.window(self._clock.now()) if before is None else before.window
        async with self._database.read() as reader:
            due = await subject.contents(reader).groups.placed_by_surroundings()
        if before is not None:
            await self._note(subject, Coverage(window, None))
        await apply_expansions(self._database, subject, await self._expanded(subject, due, window))
        if before is None:
            return subject.calendar
        covers = Coverage(window, subject.zones)
        await self._note(subject, covers)
        return replace(subject.calendar, coverage=covers)

    async def roll(self, subject: StoredSubject) -> None:
        """Expand the groups that the present window concerns, and note what is covered; raises `LeaseLost`."""
        covers = Coverage(self._limits.window(self._clock.now()), subject.zones)
        async with self._database.read() as reader:
            due = await _due(subject.contents(reader), subject.calendar.coverage, covers)
        if not due and subject.calendar.coverage == covers:
            return
        expanded = await self._expanded(subject, due, covers.window)
        done = {key: one for key, one in expanded.items() if not one.given_up}
        await apply_expansions(self._database, subject, done)
        async with self._database.write() as writer:
            contents = await subject.fenced(writer)
            # what took too long this time keeps what it had, until the window moves on again
            given_up = [key for key, one in expanded.items() if one.given_up]
            await contents.groups.note_expanded(given_up, covers.window.end)
            await contents.readings.note_coverage(covers)

    async def _expanded(
        self, subject: StoredSubject, group_keys: Sequence[str], window: Window
    ) -> Mapping[str, Expansion]:
        if not group_keys:
            return {}
        async with self._database.read() as reader:
            stored = await subject.contents(reader).items.of_groups(group_keys)
        groups = [Group(key, tuple(items.payloads.values())) for key, items in stored.items() if items.payloads]
        return await self._expander.expand(subject.kind, groups, subject.context(window, self._limits))

    async def _note(self, subject: StoredSubject, coverage: Coverage) -> None:
        async with self._database.write() as writer:
            await (await subject.fenced(writer)).readings.note_coverage(coverage)


async def _due(contents: Contents, before: Coverage | None, covers: Coverage) -> Sequence[str]:
    if before is not None and covers.window.start < before.window.start:
        return await contents.groups.all_keys()
    return await contents.groups.short_of(covers.window.end)
