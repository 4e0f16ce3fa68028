"""Reading one calendar: a pass, page by page, from the provider into the store."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from kalends.model.calendar import Page
from kalends.model.clock import Clock
from kalends.model.connection import Connection, Lease, SyncCounts
from kalends.model.occurrence import Expansion, ExpansionContext, ExpansionLimits, Problem
from kalends.model.time import Window
from kalends.providers.base import AccountSession, ProviderKind
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.contents import Contents, Pass
from kalends.store.database import Database
from kalends.store.leases import Leases
from kalends.sync.applying import Target, apply_expansions, apply_page
from kalends.sync.expansion import Expander, Group
from kalends.sync.plan import Plan, plan_page

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What is read of a calendar, at most, and for which window occurrences are kept."""

    window_back: timedelta
    window_ahead: timedelta
    max_items: int
    expansion: ExpansionLimits


@dataclass(frozen=True, slots=True)
class Subject:
    """What is read, for whom: a calendar of a connection, by an open session, under a lease."""

    lease: Lease
    connection: Connection
    calendar: StoredCalendar
    kind: ProviderKind
    session: AccountSession
    schedule_zone: str

    @property
    def floating_zone(self) -> str:
        """The zone of times that name none: the calendar's, else the schedule's."""
        return self.calendar.calendar.time_zone or self.schedule_zone

    @property
    def target(self) -> Target:
        """Where it is written."""
        return Target(self.lease, self.calendar.id, ZoneInfo(self.schedule_zone))


class _Versions:
    """What is stored of a calendar, as a provider may ask for it."""

    def __init__(self, database: Database, site_id: str, calendar_id: str) -> None:
        self._database = database
        self._site_id = site_id
        self._calendar_id = calendar_id

    async def versions(self, keys: Collection[str] | None = None) -> Mapping[str, str]:
        """Return item key → version."""
        async with self._database.read() as reader:
            return await Contents(reader, self._site_id, self._calendar_id).versions(keys)


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
            counts = await self._pass(subject, subject.calendar.cursor)
        except CursorRefused:
            log.info("cursor_refused", connection=subject.connection.id, calendar=subject.calendar.id)
            async with self._database.write() as writer:
                await (await subject.target.fenced(writer)).forget_cursor()
            try:
                counts = await self._pass(subject, None)
            except CursorRefused as error:
                raise Unavailable(f"a full reading was refused: {error}") from None
        await self._roll(subject)
        return counts

    async def _pass(self, subject: Subject, cursor: str | None) -> SyncCounts:
        site_id, calendar_id = subject.lease.site_id, subject.calendar.id
        current = await self._resume(subject, full=cursor is None)
        pages = subject.session.read(
            subject.calendar.calendar,
            cursor=cursor,
            continuation=current.continuation if current else None,
            stored=_Versions(self._database, site_id, calendar_id),
        )
        counts = SyncCounts(calendars=1)
        closing: str | None = None
        async for page in pages:
            async with self._database.read() as reader:
                contents = Contents(reader, site_id, calendar_id)
                keys = {*(one.key for one in page.changed), *page.removed}
                plan = plan_page(page, await contents.stored(keys), full=cursor is None)
            if current is None and not (plan.is_empty and page.cursor is not None):
                current = await self._begin(subject, full=cursor is None)
            if current is not None:
                counts += await self._apply(subject, current, page, plan)
            closing = page.cursor
        if closing is None:
            raise Unavailable("the provider's answer ended before its end")
        async with self._database.write() as writer:
            contents = await subject.target.fenced(writer)
            removed = await contents.end_pass(current, cursor=closing, at=self._clock.now())
            if subject.calendar.gone_at is not None:
                await Calendars(writer, site_id).note_back(calendar_id)
        return counts + SyncCounts(removed=removed)

    async def _resume(self, subject: Subject, *, full: bool) -> Pass | None:
        async with self._database.read() as reader:
            current = await Contents(reader, subject.lease.site_id, subject.calendar.id).current_pass()
        if current is not None and current.full == full:
            return current
        return await self._begin(subject, full=True) if full else None

    async def _begin(self, subject: Subject, *, full: bool) -> Pass:
        async with self._database.write() as writer:
            if full:
                await Leases(writer).started(subject.lease)
            contents = await subject.target.fenced(writer)
            return await contents.begin_pass(full=full, at=self._clock.now())

    async def _apply(self, subject: Subject, current: Pass, page: Page, plan: Plan) -> SyncCounts:
        groups = await self._affected(subject, plan)
        expanded = {**await self._expander.expand(subject.kind, groups, self._context(subject))}
        for change, _ in plan.put:
            if change.payload is None:
                expanded[change.group_key] = _unreadable(change.problem, expanded.get(change.group_key))
        await self._check_size(subject, plan)
        await apply_page(self._database, subject.target, current, plan, expanded, page.continuation)
        return SyncCounts(
            pages=1,
            changed=len(plan.put),
            removed=len(plan.delete),
            quarantined=sum(bool(one.problems) for one in expanded.values()),
        )

    async def _affected(self, subject: Subject, plan: Plan) -> list[Group]:
        """Return the groups that the plan changes, with the items that they will have."""
        async with self._database.read() as reader:
            contents = Contents(reader, subject.lease.site_id, subject.calendar.id)
            payloads = {key: dict(items) for key, items in (await contents.payloads(list(plan.groups))).items()}
        leaving = {*plan.delete, *(change.key for change, _ in plan.put)}
        for items in payloads.values():
            for key in leaving & items.keys():
                del items[key]
        for change, _ in plan.put:
            if change.payload is not None:
                payloads.setdefault(change.group_key, {})[change.key] = change.payload
        return [
            Group(key, tuple(payload for _, payload in sorted(items.items())))
            for key, items in payloads.items()
            if items
        ]

    async def _check_size(self, subject: Subject, plan: Plan) -> None:
        if not plan.put:
            return
        async with self._database.read() as reader:
            stored = await Contents(reader, subject.lease.site_id, subject.calendar.id).count_items()
        if stored + len(plan.put) > self._limits.max_items + len(plan.delete):
            raise Unavailable(f"the calendar holds more than {self._limits.max_items} items")

    async def _roll(self, subject: Subject) -> None:
        """Expand what reaches into the window's new days, which come once a day; asks the provider nothing."""
        context = self._context(subject)
        async with self._database.read() as reader:
            contents = Contents(reader, subject.lease.site_id, subject.calendar.id)
            due = await contents.groups_to_roll(context.window.end)
            if not due:
                return
            payloads = await contents.payloads(due)
        groups = [Group(key, tuple(payloads[key].values())) for key in due if key in payloads]
        expanded = await self._expander.expand(subject.kind, groups, context)
        done = {key: one for key, one in expanded.items() if not one.given_up}
        await apply_expansions(self._database, subject.target, done)
        # what took too long this time keeps what it had, until the window moves on again
        kept = [key for key in due if key not in done]
        if kept:
            async with self._database.write() as writer:
                await (await subject.target.fenced(writer)).note_expanded(kept, context.window.end)

    def _context(self, subject: Subject) -> ExpansionContext:
        window = Window.around(self._clock.now(), self._limits.window_back, self._limits.window_ahead)
        return ExpansionContext(window, subject.floating_zone, subject.connection.addresses, self._limits.expansion)


def _unreadable(problem: str | None, rest: Expansion | None) -> Expansion:
    whole = rest or Expansion()
    return replace(whole, problems=(*whole.problems, Problem(None, problem or "it could not be read")))
