"""Reading one calendar: a pass, page by page, from the provider into the store."""

from collections.abc import AsyncIterable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from kalends.model.calendar import Page
from kalends.model.clock import Clock
from kalends.model.connection import SyncCounts
from kalends.model.occurrence import Expansion
from kalends.providers.base import Delivery
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.store.calendars import Calendars
from kalends.store.database import Database
from kalends.store.items import GroupItems
from kalends.store.leases import Leases
from kalends.store.readings import Doubt, Pass
from kalends.sync.ahead import read_ahead
from kalends.sync.applying import apply_page
from kalends.sync.behind import Behind
from kalends.sync.expansion import Group, with_unreadable
from kalends.sync.failpoints import FailPoints, Point
from kalends.sync.guards import Endlessness, is_ripe, is_sudden
from kalends.sync.plan import Plan, plan_page
from kalends.sync.recognition import Recognition
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

    async def in_groups(self, group_keys: Collection[str]) -> Collection[str]:
        """Return the keys of the items of groups."""
        async with self.database.read() as reader:
            return await self.subject.contents(reader).items.in_groups(group_keys)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading came to.

    `cursor` is the new one where nothing was found and nothing is written yet; it is None where it is stored already.
    """

    counts: SyncCounts
    cursor: str | None = None


@dataclass(slots=True)
class _Come:
    """How far a reading has come.

    `current` is the pass that it belongs to, None as long as nothing was found. `writing` is what still goes on:
    whoever looks at what is stored waits for it first. `closing` is the new cursor, once the provider has named it, and
    `leaving` are the removals that it told of. `items` is how many there are, in a full pass of those that it has seen;
    they are counted once, and it is None as long as nobody had to know. `noted` is where the pass would go on. Where
    nothing was stored when the reading began, `first_keys` are those that it has stored since, else it is None.
    """

    full: bool
    current: Pass | None
    writing: Behind
    counts: SyncCounts = field(default_factory=lambda: SyncCounts(calendars=1))
    closing: str | None = None
    leaving: dict[str, None] = field(default_factory=dict)
    items: int | None = None
    noted: str | None = None
    first_keys: set[str] | None = None

    def knows_nothing_of(self, keys: Collection[str]) -> bool:
        """Tell whether none of the keys, of items and groups, can be stored, and remember that they will be."""
        if self.first_keys is None:
            return False
        unknown = self.first_keys.isdisjoint(keys)
        self.first_keys.update(keys)
        return unknown


class CalendarReading:
    """Reads calendars into the store."""

    def __init__(
        self,
        database: Database,
        recognition: Recognition,
        clock: Clock,
        limits: ReadingLimits,
        doubt_wait: timedelta,
        points: FailPoints,
    ) -> None:
        self._database = database
        self._recognition = recognition
        self._clock = clock
        self._limits = limits
        self._doubt_wait = doubt_wait
        self._points = points

    async def read(self, subject: Subject) -> Reading:
        """Bring a calendar up to date; raises `ProviderError` and `LeaseLost`.

        A cursor that the provider refuses leads to a full pass at once. What is stored stays until that pass closes.
        Where most of it is missing then, it stays until a full pass says so too, `doubt_wait` later or more. Nothing
        is written where nothing changed.
        """
        if is_ripe(subject.calendar.doubt, self._clock.now(), self._doubt_wait):
            return await self._whole(subject, anew=True, doubted=True)
        try:
            return await self._pass(subject, subject.calendar.cursor)
        except CursorRefused:
            log.info("cursor_refused", connection=subject.connection.id, calendar=subject.calendar.id)
        async with self._database.write() as writer:
            await (await subject.fenced(writer)).readings.forget_cursor()
        return await self._whole(subject, anew=True)

    async def _whole(self, subject: Subject, *, anew: bool, doubted: bool = False) -> Reading:
        try:
            return await self._pass(subject, None, anew=anew, doubted=doubted)
        except CursorRefused as error:
            raise Unavailable(f"a full reading was refused: {error}") from None

    async def _pass(
        self, subject: Subject, cursor: str | None, *, anew: bool = False, doubted: bool = False
    ) -> Reading:
        full = cursor is None
        current = await self._resume(subject, full=full, anew=anew)
        window = self._limits.window(self._clock.now())
        pages = subject.session.read(
            subject.calendar.calendar,
            cursor=cursor,
            continuation=current.continuation if current else None,
            stored=_Versions(self._database, subject),
            since=window.start,
            until=window.end,
            thorough=not subject.calendar.covers(window),
            doubted=doubted,
        )
        async with Behind() as writing:
            come = await self._come(subject, current, writing, full=full)
            async with aclosing(pages), aclosing(read_ahead(pages)) as coming:
                await self._take(subject, coming, come)
            await writing.done()
            return await self._finish(subject, come, doubted=doubted)

    async def _come(self, subject: Subject, current: Pass | None, writing: Behind, *, full: bool) -> _Come:
        """Return how far a reading has come that begins, or goes on with a pass."""
        come = _Come(full, current, writing, noted=current.continuation if current else None)
        if current is not None and current.full:
            async with self._database.read() as reader:
                is_empty = await subject.contents(reader).are_empty()
            come.first_keys = set() if is_empty else None
        return come

    async def _take(self, subject: Subject, pages: AsyncIterable[Page], come: _Come) -> None:
        """Take the pages, and have them written."""
        endlessness = Endlessness()
        async for page in pages:
            endlessness.check(page)
            self._points.reach(Point.AFTER_PAGE_READ)
            await subject.place.give_way()
            staying = _without_removals(page, come.leaving)
            plan = await self._plan(subject, staying, come)
            if come.current is None and not plan.is_empty:
                come.current = await self._begin(subject, full=come.full)
            if come.current is not None:
                await self._apply(subject, come.current, staying, plan, come)
            come.closing = page.cursor

    async def _finish(self, subject: Subject, come: _Come, *, doubted: bool) -> Reading:
        """Carry out the removals, where they are believed, and end the pass."""
        if come.closing is None:
            raise Unavailable("the provider's answer ended before its end")
        if come.current is None and not come.leaving and subject.calendar.gone_at is None:
            return Reading(come.counts, come.closing)
        missing = 0 if doubted else await self._missing_suddenly(subject, come.current, come.leaving)
        if missing:
            return Reading(come.counts + await self._keep(subject, missing))
        if come.leaving:
            come.current = come.current or await self._begin(subject, full=come.full)
            gone = Page(removed=tuple(come.leaving))
            await self._apply(subject, come.current, gone, await self._plan(subject, gone, come), come)
            await come.writing.done()
        if come.current is not None and come.current.full:
            await self._recognition.see_missing(subject, come.current.id, self._clock.now())
        self._points.reach(Point.BEFORE_CLOSE)
        removed = await self._close(subject, come.current, come.closing)
        self._points.reach(Point.AFTER_CLOSE)
        return Reading(come.counts + SyncCounts(removed=removed))

    async def _plan(self, subject: Subject, page: Page, come: _Come) -> Plan:
        if page.is_empty:
            return Plan()
        keys = {*(one.key for one in page.changed), *page.removed}
        if come.knows_nothing_of(keys | {one.group_key for one in page.changed}):
            plan = plan_page(page, {}, full=come.full)
            plan.fresh = True
            return plan
        await come.writing.done()
        async with self._database.read() as reader:
            return plan_page(page, await subject.contents(reader).items.stored(keys), full=come.full)

    async def _resume(self, subject: Subject, *, full: bool, anew: bool) -> Pass | None:
        """Return the pass to go on with; `anew` begins one whatever there is, as what settles a doubt has to."""
        current = subject.calendar.begun
        if current is not None and current.full == full and not anew:
            await subject.place.take()
            return current
        return await self._begin(subject, full=True) if full else None

    async def _begin(self, subject: Subject, *, full: bool) -> Pass:
        await subject.place.take()
        async with self._database.write() as writer:
            if full:
                await Leases(writer).started(subject.lease)
            contents = await subject.fenced(writer)
            begun = await contents.readings.begin_pass(full=full, at=self._clock.now())
        self._points.reach(Point.AFTER_BEGIN)
        return begun

    async def _missing_suddenly(self, subject: Subject, current: Pass | None, leaving: Collection[str]) -> int:
        """Return how many groups the reading misses, where these are so many that it is not believed, else 0.

        Groups are counted, for a person who deletes a series deletes one event, however many exceptions it has.
        """
        full = current is not None and current.full
        if not full and not leaving:
            return 0
        async with self._database.read() as reader:
            items = subject.contents(reader).items
            total = await items.count_groups()
            if current is not None and current.full:
                gone = total - await items.count_groups(seen_in=current.id)
            else:
                gone = len({one.group_key for one in (await items.stored(leaving)).values()})
        return gone if is_sudden(gone, total - gone) else 0

    async def _keep(self, subject: Subject, missing: int) -> SyncCounts:
        """End a pass whose deletions are not believed yet, and keep what it would have deleted."""
        now = self._clock.now()
        before = subject.calendar.doubt
        since = before.since if before is not None and before.since <= now else now
        async with self._database.write() as writer:
            contents = await subject.fenced(writer)
            await contents.readings.note_doubt(Doubt(since, missing), now)
        log.warning("sudden_emptiness", connection=subject.connection.id, calendar=subject.calendar.id, missing=missing)
        return SyncCounts(doubted=missing)

    async def _close(self, subject: Subject, current: Pass | None, cursor: str) -> int:
        async with self._database.write() as writer:
            contents = await subject.fenced(writer)
            removed = await contents.close_pass(current, cursor=cursor, at=self._clock.now())
            if subject.calendar.gone_at is not None:
                await Calendars(writer, subject.lease.site_id).note_back(subject.calendar.id)
            self._points.reach(Point.INSIDE_CLOSE)
        return removed

    async def _apply(self, subject: Subject, current: Pass, page: Page, plan: Plan, come: _Come) -> None:
        """Have a page written, behind what is done next."""
        await self._check_size(subject, current, plan, come)
        expanded = await self._expand(subject, plan, come)
        await self._recognition.see(subject, plan, self._clock.now())
        self._points.reach(Point.BEFORE_APPLY)
        goes_on = page.continuation if page.continuation != come.noted else None
        await come.writing.begin(self._write(subject, current, plan, expanded, goes_on))
        come.noted = goes_on or come.noted
        come.counts += SyncCounts(
            pages=1,
            changed=len(plan.put),
            removed=len(plan.delete),
            quarantined=sum(bool(one.problems) for one in expanded.values()),
        )

    async def _write(
        self,
        subject: Subject,
        current: Pass,
        plan: Plan,
        expanded: Mapping[str, Expansion],
        goes_on: str | None,
    ) -> None:
        await apply_page(self._database, subject, current, plan, expanded, goes_on, self._points)
        self._points.reach(Point.AFTER_APPLY)

    async def _expand(self, subject: Subject, plan: Plan, come: _Come) -> Mapping[str, Expansion]:
        """Return the expansions of the groups that the plan changes and that have items afterwards."""
        groups: dict[str, GroupItems] = {}
        if others := [] if plan.fresh else _with_other_items(plan, subject.kind.delivers):
            await come.writing.done()
            async with self._database.read() as reader:
                groups |= await subject.contents(reader).items.of_groups(others)
        _carry_out(plan, groups)
        context = subject.context(self._limits.window(self._clock.now()), self._limits)
        readable = [
            Group(key, tuple(payload for _, payload in sorted(items.payloads.items())))
            for key, items in groups.items()
            if items.payloads
        ]
        expanded = await self._recognition.expand(subject.lease.site_id, subject.kind, readable, context)
        return with_unreadable(expanded, groups)

    async def _check_size(self, subject: Subject, current: Pass, plan: Plan, come: _Come) -> None:
        """Raise `Unavailable` where the calendar is larger than it may be."""
        if come.items is None and not plan.added:
            return
        if come.items is None:
            await come.writing.done()
            async with self._database.read() as reader:
                come.items = await subject.contents(reader).items.count(seen_in=current.id if current.full else None)
        if current.full:
            come.items += len(plan.put) + len(plan.set_version) + len(plan.stamp)
        else:
            come.items += plan.added - len(plan.delete)
        if plan.added and come.items > self._limits.max_items:
            raise Unavailable(f"the calendar holds more than {self._limits.max_items} items")


def _without_removals(page: Page, leaving: dict[str, None]) -> Page:
    """Return a page without its removals, which go to `leaving`: how much is missing shows only at the end.

    From the first of them on nothing is noted to go on from: what goes on there would not be told of them again.
    """
    for change in page.changed:
        leaving.pop(change.key, None)
    leaving |= dict.fromkeys(page.removed)
    return replace(page, removed=(), continuation=None) if leaving else page


def _with_other_items(plan: Plan, delivers: Delivery) -> list[str]:
    """Return the groups that hold more than what a plan puts there, as far as can be told without looking.

    Where an item is a group by itself, that is none that is handed over whole.
    """
    if delivers is not Delivery.RESOURCES:
        return list(plan.groups)
    whole = {change.group_key for change, _ in plan.put if change.payload is not None}
    return [key for key in plan.groups if key not in whole]


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
