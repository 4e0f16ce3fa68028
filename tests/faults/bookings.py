"""What a booking site and the people it books do at random, all by a seed; and what their accounts should hold then."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from kalends.connections.sync_config import ExportChange, ImportChange, SyncConfigChange
from kalends.model.connection import ConnectionKey, ExportTarget, ImportChoice
from kalends.model.copy import Privacy
from kalends.model.errors import Invalid, PreconditionFailed, ProviderUnavailable
from kalends.model.event_series import instances
from kalends.model.schedule import Schedule
from kalends.model.schedule_event import EventStatus, EventView
from kalends.model.time import Window
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange, EventDraft
from kalends.schedules.event_finding import find_event
from kalends.store.connections import Connections
from tests.faults.owners import Owner, Seen, inside
from tests.world import World

ZONES = ("Europe/Berlin",) * 4 + ("America/New_York", "UTC", "Asia/Kolkata")
TITLE = "Booking"
"""The first word of all titles but those of people's own events."""
AHEAD = 45
"""Events begin within so many days."""
SPAN = 120
"""So many days are compared."""


@dataclass
class Exported:
    """A connection of a schedule, and how it exports."""

    connection_id: str
    owner: Owner
    schedule: Schedule
    enabled: bool = True
    target: ExportTarget = ExportTarget.DEDICATED
    privacy: Privacy = Privacy.FULL

    @property
    def key(self) -> ConnectionKey:
        return ConnectionKey(self.schedule.site_id, self.connection_id)


@dataclass
class Bookings:
    """A site whose schedules are exported, and on which something happens each time that `change` is called."""

    world: World
    exports: Sequence[Exported]
    today: date
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    singles: list[str] = field(default_factory=list)
    series: list[str] = field(default_factory=list)
    schedules: dict[str, list[str]] = field(default_factory=dict)
    """Schedule → its events, cancelled ones too."""
    _made: int = 0

    @property
    def window(self) -> Window:
        """What is compared: everything begins in it, but for what series go on with."""
        begin = datetime.combine(self.today, time(), UTC)
        return Window(begin, begin + timedelta(days=SPAN))

    async def change(self) -> None:
        """Change something; what turns out to be impossible is left, and something else is changed."""
        kinds: Sequence[tuple[int, Callable[[], Awaitable[bool]]]] = (
            (9, self._book),
            (5, self._book_weekly),
            (8, self._retime),
            (6, self._retitle),
            (5, self._cancel),
            (8, self._move_instance),
            (4, self._retitle_instance),
            (5, self._cancel_instance),
            (6, self._follow),
            (2, self._switch_on_or_off),
            (2, self._switch_target),
            (1, self._show),
            (2, self._import_from_all),
            (6, self._own),
        )
        for _ in range(100):
            (doing,) = self.chance.choices([one for _, one in kinds], [weight for weight, _ in kinds])
            try:
                if not await doing():
                    continue
            except (Invalid, PreconditionFailed):
                continue
            self.done[doing.__name__.lstrip("_").replace("_", " ")] += 1
            return
        raise AssertionError("nothing can be changed any more")

    # What the site does

    async def begin(self) -> None:
        """Make what is there before anything is exported: of each schedule an event and two series."""
        for schedule in {one.schedule.id: one.schedule for one in self.exports}.values():
            self.singles.append(await self._create(self._times(all_day=False), None, schedule))
            for _ in range(2):
                self.series.append(await self._create(self._times(all_day=False), AskedRule(), schedule))

    async def _book(self) -> bool:
        self.singles.append(await self._create(self._times(), None))
        return True

    async def _book_weekly(self) -> bool:
        times = self._times(all_day=self.chance.random() < 0.1)
        assert times.start is not None
        until = times.start + timedelta(weeks=self.chance.randint(1, 9)) if self.chance.random() < 0.8 else None
        self.series.append(await self._create(times, AskedRule(self.chance.choice([1, 1, 1, 2]), until=until)))
        return True

    async def _create(self, times: AskedTimes, rule: AskedRule | None, schedule: Schedule | None = None) -> str:
        schedule = schedule or self.chance.choice([one.schedule for one in self.exports])
        draft = EventDraft(schedule.id, times, rule=rule, content={"title": self._title()})
        view = (await self.world.kalends.event_creating.create(schedule.site_id, draft)).view
        self.schedules.setdefault(schedule.id, []).append(view.id)
        return view.id

    async def _retime(self) -> bool:
        event = await self._any(self.singles + self.series)
        if event is None:
            return False
        if not event.event.recurs:
            return await self._update(event, EventChange(times=self._times()))
        shift = timedelta(minutes=30 * self.chance.randint(-4, 4))
        times = AskedTimes(event.times.start + shift, event.times.end + shift)
        if event.times.all_day or (event.times.start + shift).date() != event.times.start.date():
            return False
        return await self._update(event, EventChange(times=times))

    async def _retitle(self) -> bool:
        event = await self._any(self.singles + self.series)
        return event is not None and await self._update(event, EventChange(content={"title": self._title()}))

    async def _cancel(self) -> bool:
        event = await self._any(self.singles + self.series)
        if event is None:
            return False
        await self.world.kalends.event_cancelling.cancel(event.event.site_id, event.id)
        return True

    async def _move_instance(self) -> bool:
        one = await self._any_instance()
        if one is None or one.times.all_day:
            return False
        start = one.times.start + timedelta(minutes=30 * self.chance.randint(-100, 100))
        if start.date() <= self.today:
            return False
        end = start + timedelta(minutes=15 * self.chance.randint(1, 12))
        return await self._update(one, EventChange(times=AskedTimes(start, end)))

    async def _retitle_instance(self) -> bool:
        one = await self._any_instance()
        return one is not None and await self._update(one, EventChange(content={"title": self._title()}))

    async def _cancel_instance(self) -> bool:
        one = await self._any_instance()
        if one is None:
            return False
        await self.world.kalends.event_cancelling.cancel(one.event.site_id, one.id)
        return True

    async def _follow(self) -> bool:
        """Change an instance and those that follow it."""
        one = await self._any_instance()
        if one is None or one.original is None:
            return False
        shift = timedelta(minutes=30 * self.chance.randint(-10, 10), days=self.chance.choice([0, 0, 0, 1, -1]))
        if one.times.all_day:
            shift = timedelta(days=self.chance.choice([0, 1]))
        start = one.times.start + shift
        if start.date() <= self.today:
            return False
        content = {"title": self._title()} if self.chance.random() < 0.5 else {}
        zone = self.chance.choice(ZONES) if self.chance.random() < 0.2 else None
        change = EventChange(times=AskedTimes(start, one.times.end + shift, zone=zone), content=content)
        await self.world.kalends.event_changing.update_following(
            one.event.site_id, one.id, change, revision=one.revision
        )
        return True

    # What concerns connections

    async def _switch_on_or_off(self) -> bool:
        one = self.chance.choice(self.exports)
        await self.configure(one, ExportChange(enabled=not one.enabled))
        one.enabled = not one.enabled
        return True

    async def _switch_target(self) -> bool:
        one = self.chance.choice(self.exports)
        if not one.owner.has_primary:
            return False
        others = {ExportTarget.PRIMARY: ExportTarget.DEDICATED, ExportTarget.DEDICATED: ExportTarget.PRIMARY}
        await self.configure(one, ExportChange(target=others[one.target]))
        one.target = others[one.target]
        return True

    async def configure(self, one: Exported, change: ExportChange) -> None:
        """Change how a connection exports."""
        configs = self.world.kalends.services.sync_configs
        await configs.update(self.world.admin, one.connection_id, SyncConfigChange(exports=change))

    async def _show(self) -> bool:
        """Have copies show more or less."""
        one = self.chance.choice(self.exports)
        one.privacy = self.chance.choice([privacy for privacy in Privacy if privacy is not one.privacy])
        async with self.world.kalends.database.write() as writer:
            connections = Connections(writer, one.schedule.site_id)
            await connections.lock(one.connection_id)
            before = await connections.get(one.connection_id)
            assert before is not None
            await connections.set_export(one.connection_id, replace(before.export_config, privacy=one.privacy))
            await self.world.kalends.wanting.export(writer, one.key)
        return True

    async def _import_from_all(self) -> bool:
        """Have copies read too; whether that can be done at this moment makes no difference to what follows."""
        with suppress(ProviderUnavailable, Invalid):
            await self.import_from_all(self.chance.choice(self.exports))
        return True

    async def import_from_all(self, one: Exported) -> None:
        """Import from the owner's calendar and from those that were made for copies; raises `ProviderUnavailable`."""
        services, admin = self.world.kalends.services, self.world.admin
        listed = [calendar.id for calendar in await services.calendars.list(admin, one.connection_id)]
        chosen = tuple(each for each in listed if each not in one.owner.before or each == one.owner.own_calendar)
        change = SyncConfigChange(ImportChange(True, ImportChoice.CALENDARS, chosen))
        await services.sync_configs.update(admin, one.connection_id, change)

    async def _own(self) -> bool:
        """Have somebody change their own calendar."""
        owner = self.chance.choice([one.owner for one in self.exports])
        if owner.own and self.chance.random() < 0.3:
            await owner.remove(self.chance.choice(sorted(owner.own)))
            return True
        self._made += 1
        title = f"Own-{self._made}"
        if owner.own and self.chance.random() < 0.4:
            title = self.chance.choice(sorted(owner.own))
        start = datetime.combine(self._day(), time(self.chance.randint(6, 18)), UTC)
        await owner.put(title, start, start + timedelta(minutes=15 * self.chance.randint(1, 12)))
        return True

    # By chance

    def _day(self) -> date:
        return self.today + timedelta(days=self.chance.randint(5, AHEAD))

    def _title(self) -> str:
        self._made += 1
        return f"{TITLE} {self._made}"

    def _times(self, *, all_day: bool | None = None) -> AskedTimes:
        zone, day = self.chance.choice(ZONES), self._day()
        if self.chance.random() < 0.1 if all_day is None else all_day:
            start = datetime.combine(day, time())
            return AskedTimes(start, start + timedelta(days=self.chance.randint(1, 3)), zone, all_day=True)
        start = datetime.combine(day, time(self.chance.randint(7, 19), self.chance.choice([0, 15, 30])))
        return AskedTimes(start, start + timedelta(minutes=15 * self.chance.randint(1, 12)), zone, all_day=False)

    async def _any(self, among: Sequence[str]) -> EventView | None:
        """Return one of these events, unless it is cancelled."""
        view = await self._look(self.chance.choice(among)) if among else None
        return None if view is None or view.status is EventStatus.CANCELLED else view

    async def _any_instance(self) -> EventView | None:
        """Return an instance of a series, to come and not cancelled."""
        view = await self._any(self.series)
        if view is None:
            return None
        begin = datetime.combine(self.today + timedelta(days=3), time(), UTC)
        there = instances(view.event, Window(begin, begin + timedelta(days=AHEAD + 30)))
        there = [one for one in there if one.status is not EventStatus.CANCELLED and one.times.start_at >= begin]
        return self.chance.choice(there) if there else None

    async def _look(self, event_id: str) -> EventView:
        async with self.world.kalends.database.read() as reader:
            return await find_event(reader, self.world.site.id, event_id)

    async def _update(self, event: EventView, change: EventChange) -> bool:
        await self.world.kalends.event_changing.update(event.event.site_id, event.id, change, revision=event.revision)
        return True

    # What should be there

    async def copies(self, one: Exported) -> Counter[Seen]:
        """Return what a connection should have put into its account."""
        if not one.enabled:
            return Counter()
        views = [view for event_id in self.schedules.get(one.schedule.id, ()) for view in await self._shown(event_id)]
        return Counter(inside([_seen(view, one.privacy) for view in views], self.window))

    async def _shown(self, event_id: str) -> Sequence[EventView]:
        view = await self._look(event_id)
        found = instances(view.event, self.window) if view.event.recurs else [view]
        return [one for one in found if one.status is not EventStatus.CANCELLED]


def _seen(view: EventView, privacy: Privacy) -> Seen:
    title = "Busy" if privacy is Privacy.BUSY else str(view.content["title"])
    if view.times.all_day:
        return title, view.times.start.date(), view.times.end.date()
    return title, view.times.start_at, view.times.end_at
