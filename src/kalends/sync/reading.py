"""Reading one calendar: a pass, page by page, from the provider into the store."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import structlog

from kalends.model.calendar import Page
from kalends.model.clock import Clock
from kalends.model.connection import SyncCounts
from kalends.model.occurrence import Expansion, Problem
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.store.calendars import Calendars
from kalends.store.database import Database
from kalends.store.items import GroupItems
from kalends.store.leases import Leases
from kalends.store.readings import Pass
from kalends.sync.applying import apply_page
from kalends.sync.expansion import Expander, Group
from kalends.sync.plan import Plan, plan_page
from kalends.sync.subject import ReadingLimits, Subject

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Versions:
    """What is stored of a calendar, as a provider may ask for it."""

    database: Database
    subject: Subject

    async def versions(self, keys: Collection[str] | None = None) -> Mapping[str, str]:
        """Return item key → version."""
        async with self.database.read() as reader:
            return await self.subject.contents(reader).items.versions(keys)


class CalendarReading:
    """Reads calendars into the store."""

    def __init__(self, database: Database, expander: Expander, clock: Clock, limits: ReadingLimits) -> None:
        self._database = database
        self._expander = expander
        self._clock = clock
        self._limits = limits

    async def read(self, subject: Subject) -> SyncCounts:
        """Bring a calendar up to date; raises `ProviderError` and `LeaseLost`.

        A cursor that the provider refuses leads to a full pass at once. What is stored stays until that pass closes.
        """
        try:
            return await self._pass(subject, subject.calendar.cursor)
        except CursorRefused:
            log.info("cursor_refused", connection=subject.connection.id, calendar=subject.calendar.id)
        async with self._database.write() as writer:
            await (await subject.fenced(writer)).readings.forget_cursor()
        try:
            return await self._pass(subject, None)
        except CursorRefused as error:
            raise Unavailable(f"a full reading was refused: {error}") from None

    async def _pass(self, subject: Subject, cursor: str | None) -> SyncCounts:
        current = await self._resume(subject, full=cursor is None)
        pages = subject.session.read(
            subject.calendar.calendar,
            cursor=cursor,
            continuation=current.continuation if current else None,
            stored=_Versions(self._database, subject),
            thorough=not subject.calendar.covers(self._limits.window(self._clock.now())),
        )
        counts = SyncCounts(calendars=1)
        closing: str | None = None
        async for page in pages:
            async with self._database.read() as reader:
                keys = {*(one.key for one in page.changed), *page.removed}
                plan = plan_page(page, await subject.contents(reader).items.stored(keys), full=cursor is None)
            if current is None and not (plan.is_empty and page.cursor is not None):
                current = await self._begin(subject, full=cursor is None)
            if current is not None:
                counts += await self._apply(subject, current, page, plan)
            closing = page.cursor
        if closing is None:
            raise Unavailable("the provider's answer ended before its end")
        return counts + SyncCounts(removed=await self._close(subject, current, closing))

    async def _resume(self, subject: Subject, *, full: bool) -> Pass | None:
        async with self._database.read() as reader:
            current = await subject.contents(reader).readings.current_pass()
        if current is not None and current.full == full:
            return current
        return await self._begin(subject, full=True) if full else None

    async def _begin(self, subject: Subject, *, full: bool) -> Pass:
        async with self._database.write() as writer:
            if full:
                await Leases(writer).started(subject.lease)
            contents = await subject.fenced(writer)
            return await contents.readings.begin_pass(full=full, at=self._clock.now())

    async def _close(self, subject: Subject, current: Pass | None, cursor: str) -> int:
        async with self._database.write() as writer:
            contents = await subject.fenced(writer)
            removed = await contents.close_pass(current, cursor=cursor, at=self._clock.now())
            if subject.calendar.gone_at is not None:
                await Calendars(writer, subject.lease.site_id).note_back(subject.calendar.id)
        return removed

    async def _apply(self, subject: Subject, current: Pass, page: Page, plan: Plan) -> SyncCounts:
        await self._check_size(subject, current, plan)
        expanded = await self._expand(subject, plan)
        await apply_page(self._database, subject, current, plan, expanded, page.continuation)
        return SyncCounts(
            pages=1,
            changed=len(plan.put),
            removed=len(plan.delete),
            quarantined=sum(bool(one.problems) for one in expanded.values()),
        )

    async def _expand(self, subject: Subject, plan: Plan) -> Mapping[str, Expansion]:
        """Return the expansions of the groups that the plan changes and that have items afterwards."""
        async with self._database.read() as reader:
            groups = dict(await subject.contents(reader).items.of_groups(list(plan.groups)))
        _carry_out(plan, groups)
        context = subject.context(self._limits.window(self._clock.now()), self._limits)
        readable = [
            Group(key, tuple(payload for _, payload in sorted(items.payloads.items())))
            for key, items in groups.items()
            if items.payloads
        ]
        expanded = {**await self._expander.expand(subject.kind, readable, context)}
        for key, items in groups.items():
            if items.problems:
                whole = expanded.get(key, Expansion())
                unreadable = (Problem(None, why or "it could not be read") for why in items.problems.values())
                expanded[key] = replace(whole, problems=(*whole.problems, *unreadable))
        return expanded

    async def _check_size(self, subject: Subject, current: Pass, plan: Plan) -> None:
        """Raise `Unavailable` where the calendar is larger than it may be; a full pass counts what it has seen."""
        if not plan.added:
            return
        async with self._database.read() as reader:
            items = subject.contents(reader).items
            if current.full:
                count = await items.count(seen_in=current.id) + len(plan.put) + len(plan.stamp)
            else:
                count = await items.count() + plan.added - len(plan.delete)
        if count > self._limits.max_items:
            raise Unavailable(f"the calendar holds more than {self._limits.max_items} items")


def _carry_out(plan: Plan, groups: dict[str, GroupItems]) -> None:
    """Turn the items that groups have into those that they will have."""
    last_known: dict[str, bytes] = {}
    leaving = {*plan.delete, *(change.key for change, _ in plan.put)}
    for items in groups.values():
        for key in leaving & items.payloads.keys():
            last_known[key] = items.payloads.pop(key)
        for key in leaving & items.problems.keys():
            del items.problems[key]
    for change, _ in plan.put:
        items = groups.setdefault(change.group_key, GroupItems())
        if change.payload is not None:
            items.payloads[change.key] = change.payload
            continue
        items.problems[change.key] = change.problem or ""
        if change.key in last_known:
            # what cannot be read now was there before: better taken for busy than for free
            items.payloads[change.key] = last_known[change.key]
