"""Rolling the window: what is stored is expanded to new days, new limits and new zones, without the provider."""

from kalends.model.clock import Clock
from kalends.store.calendars import StoredCalendar
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.readings import Coverage
from kalends.sync.applying import apply_expansions
from kalends.sync.expansion import Expander, Group
from kalends.sync.subject import ReadingLimits, Subject


class Rolling:
    """Keeps the occurrences of calendars up with the window, which moves once a day."""

    def __init__(self, database: Database, expander: Expander, clock: Clock, limits: ReadingLimits) -> None:
        self._database = database
        self._expander = expander
        self._clock = clock
        self._limits = limits

    def is_current(self, calendar: StoredCalendar) -> bool:
        """Tell whether a calendar's occurrences covered the present window when it was loaded."""
        window = self._limits.window(self._clock.now())
        return calendar.coverage is not None and calendar.coverage.window == window

    async def roll(self, subject: Subject) -> None:
        """Expand the groups that the present window or zones concern, and note what is covered; raises `LeaseLost`."""
        covers = Coverage(self._limits.window(self._clock.now()), subject.zones)
        async with self._database.read() as reader:
            contents = subject.contents(reader)
            due = await _due(contents, subject.calendar.coverage, covers)
            if not due and subject.calendar.coverage == covers:
                return
            stored = await contents.items.of_groups(due)
        groups = [Group(key, tuple(items.payloads.values())) for key, items in stored.items() if items.payloads]
        expanded = await self._expander.expand(subject.kind, groups, subject.context(covers.window, self._limits))
        done = {key: one for key, one in expanded.items() if not one.given_up}
        await apply_expansions(self._database, subject, done)
        async with self._database.write() as writer:
            contents = await subject.fenced(writer)
            # what took too long this time keeps what it had, until the window moves on again
            given_up = [key for key, one in expanded.items() if one.given_up]
            await contents.groups.note_expanded(given_up, covers.window.end)
            await contents.readings.note_coverage(covers)


async def _due(contents: Contents, before: Coverage | None, covers: Coverage) -> list[str]:
    if before is not None and covers.window.start < before.window.start:
        return [*await contents.groups.all_keys()]
    due = dict.fromkeys(await contents.groups.short_of(covers.window.end))
    if before is not None and before.zones != covers.zones:
        due |= dict.fromkeys(await contents.groups.placed_by_surroundings())
    return list(due)
