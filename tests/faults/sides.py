"""One Kalends under test with all its processes, and what is known of it from outside while it works."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from kalends.app import Kalends, assemble
from kalends.connections.queries import EventQuery
from kalends.model.connection import Connection, Lease, Status
from kalends.model.errors import ProviderUnavailable
from kalends.model.schedule import Schedule
from kalends.model.time import Window
from kalends.store.runs import Run
from kalends.store.tables import items, readings
from tests.faults.entries import ZONE, Taking
from tests.faults.people import Person
from tests.faults.proxy import Choice, FaultProxy, no_fault, running_proxy
from tests.world import ManualClock, World, populate, settings_for

HURRIED: Mapping[str, float] = {
    "poll_interval": 0.6,
    "longest_poll_interval": 1,
    "longest_retry_interval": 1.5,
    "host_rest": 0.5,
    "doubt_wait": 2,
    "lease_time": 6,
    "request_timeout": 4,
}
"""Settings, in seconds, under which everything that takes minutes takes seconds."""
PAGE = 1_000
LOOK_EVERY = timedelta(seconds=0.2)
"""How often workers look for what is due; as a rule it is every 2 seconds."""


class RunningClock(ManualClock):
    """The system's clock, which a test can put forward."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, span: timedelta) -> None:
        self._ahead += span


@dataclass
class Watched:
    """A person's connection, and which occurrences of events that nobody touches were listed of it before."""

    person: Person
    schedule: Schedule
    connection: Connection
    proxy: FaultProxy
    seen: Counter[Taking] = field(default_factory=Counter)

    @property
    def was_lied_to(self) -> bool:
        """Whether an answer about the account's calendars was wrong without looking so."""
        return any(target.startswith(self.person.login.home) for target in self.proxy.lied_about)


@dataclass
class Side:
    """One database and everybody who works on it."""

    name: str
    world: World
    proxies: Mapping[str, FaultProxy]
    watched: list[Watched] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was seen that must never be."""
    listings: int = 0
    refused: int = 0
    syncs: Counter[str] = field(default_factory=Counter)
    longest_unread: timedelta = timedelta()
    _under_way: dict[str, float] = field(default_factory=dict)

    async def connect(self, person: Person) -> None:
        """Connect a person's account, through the proxy before their server, to a schedule of its own."""
        kalends, proxy = self.world.kalends, self.proxies[person.server.url]
        provider = await self.world.install(proxy.url)
        schedule = await kalends.schedules.create(self.world.site, name="A chair", owner_id=self.world.user.id)
        view = await kalends.connecting.by_credentials(
            self.world.admin,
            provider_id=provider.id,
            schedule_id=schedule.id,
            email=person.login.email,
            password=person.login.password,
        )
        self.watched.append(Watched(person, schedule, view.connection, proxy))

    def set_faults(self, choice: Choice) -> None:
        """Let answers be spoiled from now on as told."""
        for proxy in self.proxies.values():
            proxy.choice = choice

    def count_syncs(self, kalends: Kalends) -> None:
        """Have every sync of one process counted, and noted where two read the same connection at once."""
        run: Callable[..., Awaitable[Run]] = kalends.leased._turn.run
        read: Callable[..., Awaitable[None]] = kalends.leased._turn._sync._read_all

        async def counted(*args: Any) -> Run:
            done = await run(*args)
            self.syncs[done.outcome.value] += 1
            return done

        async def watched(lease: Lease, *args: Any) -> None:
            # the lease is given back after this and before `run` returns: another sync may begin in between
            begun = time.monotonic()
            if (other := self._under_way.get(lease.connection_id)) is not None:
                self.wrong.append(f"{self.name}: a sync beside one that is {begun - other:.1f} s old: {lease}")
            self._under_way[lease.connection_id] = begun
            try:
                await read(lease, *args)
            finally:
                self._under_way.pop(lease.connection_id, None)

        kalends.leased._turn.run = counted  # type: ignore[method-assign, assignment] # watched from outside
        kalends.leased._turn._sync._read_all = watched  # type: ignore[method-assign, assignment] # watched from outside

    async def look(self) -> None:
        """List everybody's events and see that nothing is missing or doubled that nobody touched."""
        for one in self.watched:
            connection = await self.world.connection(one.connection.id)
            if connection.status is Status.ERROR:
                self.wrong.append(f"{self.name}: {connection.id} in ERROR, {connection.last_error}")
            now = self.world.clock.now()
            self.longest_unread = max(
                self.longest_unread, now - (connection.last_good_read_at or connection.created_at)
            )
            self.listings += 1
            try:
                listed = await self.listed(one)
            except ProviderUnavailable:
                self.refused += 1
                continue
            standing = sum((calendar.standing_takings() for calendar in one.person.calendars), Counter[Taking]())
            there = Counter({taking: listed[taking] for taking in standing if listed[taking]})
            if one.seen - there:
                self.wrong.append(f"{self.name}: lost {list(one.seen - there)[:3]}, of {(one.seen - there).total()}")
            if there - standing:
                self.wrong.append(f"{self.name}: doubled {list(there - standing)[:3]}")
            one.seen = one.seen | there

    async def listed(self, one: Watched) -> Counter[Taking]:
        """Return what *list events* says of a person's schedule; raises `ProviderUnavailable`."""
        today = datetime.combine(one.person.today, datetime.min.time(), UTC)
        span = Window(today - timedelta(days=10), today + timedelta(days=120))
        query = EventQuery(span, schedule_ids=(one.schedule.id,), personal=True, limit=PAGE)
        page = await self.world.kalends.events.first(self.world.admin, query)
        found = Counter[Taking]()
        while True:
            found.update((event.title or "", event.start, event.end) for event in page.events)
            if page.next_cursor is None:
                return found
            page = await self.world.kalends.events.next(self.world.admin, page.next_cursor)

    async def amiss(self, among: Iterable[Watched]) -> list[str]:
        """Return what is not yet as it should be when all is well and nothing changes any more."""
        found = []
        for one in among:
            connection = await self.world.connection(one.connection.id)
            if connection.status is not Status.SYNCED or connection.failures:
                found.append(f"{self.name}: {one.person.login.email} {connection.status}, {connection.last_error}")
                continue
            try:
                listed, there = await self.listed(one), one.person.takings()
            except ProviderUnavailable:
                found.append(f"{self.name}: {one.person.login.email} is not readable")
                continue
            missing, left = there - listed, listed - there
            if missing or left:
                found.append(
                    f"{self.name}: {one.person.login.email} lacks {missing.total()} {list(missing)[:2]}, "
                    f"has {left.total()} too many {list(left)[:2]}"
                )
        return found

    async def unhealthy(self) -> Sequence[str]:
        """Return the items that are quarantined, with the reason, and the calendars that are in doubt."""
        async with self.world.kalends.database.read() as reader:
            problems = select(items.c.item_key, items.c.problem).where(items.c.problem.is_not(None))
            doubts = select(readings.c.calendar_id, readings.c.doubted_items).where(readings.c.doubted_at.is_not(None))
            return [
                f"{self.name}: {row[0]}: {row[1]}"
                for query in (problems, doubts)
                for row in (await reader.execute(query)).all()
            ]


@contextlib.asynccontextmanager
async def side(name: str, database_url: str, folder: Path, people: Sequence[Person], seed: int) -> AsyncIterator[Side]:
    """Make a Kalends that reaches everybody's server through a proxy of its own, and connect everybody."""
    async with contextlib.AsyncExitStack() as stack:
        proxies = {
            url: await stack.enter_async_context(running_proxy(url, seed, no_fault))
            for url in dict.fromkeys(person.server.url for person in people)
        }
        clock = RunningClock()
        kalends = await stack.enter_async_context(assemble(settings_for(database_url, folder, **HURRIED), clock=clock))
        one = Side(name, await populate(kalends, clock), proxies)
        assert one.world.schedule.time_zone == ZONE
        for person in people:
            await one.connect(person)
        yield one


@contextlib.asynccontextmanager
async def working(*workers: Kalends) -> AsyncIterator[None]:
    """Let processes do syncs; at the end each finishes what it has begun."""
    stopping = asyncio.Event()
    for one in workers:
        one.worker._look_every = LOOK_EVERY
    tasks = [asyncio.create_task(one.worker.run(stopping)) for one in workers]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)
