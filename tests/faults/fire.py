"""Exporting under fire: random changes to what is booked, while answers are lost and workers are killed.

What comes of it is compared with what the events say by themselves, and with what people put into their calendars.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from structlog.testing import capture_logs

from kalends.app import assemble
from kalends.connections.queries import EventQuery
from kalends.connections.sync_config import ExportChange
from kalends.model.connection import ExportTarget, Status
from kalends.model.time import Window
from kalends.store.database import Transaction
from kalends.store.tables import connections, copies, intentions
from kalends.sync.failpoints import Point
from tests.faults.bookings import TITLE, Bookings, Exported
from tests.faults.faults import LIES, Fault
from tests.faults.owners import Owner, Seen, together
from tests.faults.processes import Workers
from tests.faults.providers import Providers, providers_on
from tests.faults.proxy import at_random, no_fault
from tests.faults.sides import HURRIED, RunningClock
from tests.faults.storm import UNFORGIVABLE
from tests.servers import CalDavServer
from tests.world import World, populate, settings_for

SHARE = 0.2
"""Of the answers that are lost or spoiled."""
FEWEST_ENDS = 8
"""How many processes end at least before the faults do."""
LONGEST_FIRE = 600.0
ENDS_WITHIN = 240.0
"""Seconds from the end of the faults until nothing is due any more; it takes some twenty."""
DEATH = f"{Point.AFTER_COPY_WRITTEN}:12"
HONEST = sorted(frozenset(Fault) - LIES)
UNEXPECTED = UNFORGIVABLE | {"export_failed_unexpectedly", "copy_failed_unexpectedly", "export_stopped"}


@dataclass
class FireFigures:
    """What there was to be seen; spans in seconds."""

    seed: int
    connections: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    burning: float = 0.0
    """How long there were faults."""
    recovery: float = 0.0
    """From the end of the faults until nothing was due."""
    kills: int = 0
    deaths: int = 0
    """Of processes that ended themselves right before or after they wrote a copy."""
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    copies: int = 0
    """In all accounts in the end, as occurrences."""
    keys: int = 0
    """How many copies were ever asked for."""


@dataclass
class Fire:
    """A site with its bookings, everybody's accounts, and the workers in between."""

    bookings: Bookings
    providers: Providers
    workers: Workers
    seed: int
    wild: bool

    @property
    def world(self) -> World:
        return self.bookings.world

    async def burn(self, changes: int, seconds: float) -> None:
        """Make so many changes while everything goes wrong, in about so many seconds."""
        ending, workers = asyncio.Event(), self.workers
        workers.deadly = self.wild
        await self.providers.spoil(SHARE, at_random(SHARE, HONEST))
        async with asyncio.TaskGroup() as group:
            if self.wild:
                group.create_task(workers.replacing(ending))
            group.create_task(self.providers.disturb(ending, random.Random(self.seed)))
            begun = time.monotonic()
            for number in range(changes):
                await self.bookings.change()
                await asyncio.sleep(max(0.0, begun + (number + 1) * seconds / changes - time.monotonic()))
            while self.wild and workers.kills + workers.deaths < FEWEST_ENDS:
                assert time.monotonic() - begun < LONGEST_FIRE, "workers do not end"
                await asyncio.sleep(0.2)
            ending.set()
        await self.providers.spoil(0.0, no_fault)
        await (workers.renew() if self.wild else workers.bury())

    async def settle(self) -> None:
        """Wait until nothing is due; what was put off is due at once, for nothing is amiss any more."""
        begun = time.monotonic()
        while amiss := await self._amiss():
            assert time.monotonic() - begun < ENDS_WITHIN, amiss
            await asyncio.sleep(0.2)

    async def _amiss(self) -> list[str]:
        now = datetime.now(UTC)
        async with self.world.kalends.database.write() as writer:
            await _hurry(writer, now)
            waiting = (await writer.execute(select(func.count()).select_from(intentions))).scalar_one()
            unfinished = or_(
                connections.c.export_due_at.is_not(None),
                connections.c.export_failures > 0,
                connections.c.wanted_rev > connections.c.done_rev,
                connections.c.status != Status.SYNCED.value,
                connections.c.failures > 0,
            )
            found = (await writer.execute(select(connections).where(unfinished))).all()
        said = [
            f"{one.id} {one.status} {one.error_reason} failures {one.failures} {one.last_error}, "
            f"export {one.export_due_at} {one.export_failures} {one.export_problem} {one.export_error}"
            for one in found
        ]
        return [*said, *([f"{waiting} intentions"] if waiting else [])]

    async def import_from_all(self) -> None:
        """Have everything read that there is, copies too, and wait until that is done."""
        for one in self.bookings.exports:
            await self.bookings.import_from_all(one)
        await self.read_all()

    async def read_all(self) -> None:
        """Have everything read, and wait until that is done."""
        kalends = self.world.kalends
        for one in self.bookings.exports:
            async with kalends.database.write() as writer:
                await kalends.wanting.sync(writer, one.key)
        await self.settle()

    async def export_all(self) -> None:
        """Have everything exported anew, and wait until that is done."""
        kalends = self.world.kalends
        for one in self.bookings.exports:
            async with kalends.database.write() as writer:
                await kalends.wanting.export(writer, one.key)
        await self.settle()

    # What is compared

    async def see_accounts(self) -> int:
        """Compare every account with what should be in it; return how many occurrences of copies there are."""
        wrong: list[str] = []
        count = 0
        for owner in dict.fromkeys(one.owner for one in self.bookings.exports):
            exports = [one for one in self.bookings.exports if one.owner is owner]
            wanted = sum([await self.bookings.copies(one) for one in exports], Counter[Seen]())
            count += wanted.total()
            wrong += await self._compare(owner, exports, wanted)
        assert not wrong, "\n".join(wrong)
        return count

    async def _compare(self, owner: Owner, exports: Sequence[Exported], wanted: Counter[Seen]) -> list[str]:
        found = await owner.calendars(self.bookings.window)
        # on a server with one user there may be others, of other tests
        calendars = {one: seen for one, seen in found.items() if one not in owner.before or one == owner.own_calendar}
        there, own = together(calendars), Counter(owner.own.values())
        wrong = []
        if missing := (wanted + own) - there:
            wrong.append(f"{owner.name} lacks {missing.total()}: {list(missing.items())[:3]}")
        if left := there - (wanted + own):
            wrong.append(f"{owner.name} has {left.total()} too many: {list(left.items())[:3]}")
        dedicated = [one for one in exports if one.enabled and one.target is ExportTarget.DEDICATED]
        made = calendars.keys() - owner.before
        if len(made) != len(dedicated):
            wrong.append(f"{owner.name} has {len(made)} calendars for copies, not {len(dedicated)}")
        elsewhere = [one for one in exports if one.enabled and one.target is ExportTarget.PRIMARY]
        if not elsewhere and Counter(calendars[owner.own_calendar]) != own:
            wrong.append(f"{owner.name} has copies in their own calendar")
        return wrong

    async def see_listings(self) -> None:
        """See that *list events* names what people put into their calendars, and no copy."""
        wrong = []
        for schedule in {one.schedule.id: one.schedule for one in self.bookings.exports}.values():
            owners = [one.owner for one in self.bookings.exports if one.schedule.id == schedule.id]
            own = Counter(seen for owner in owners for seen in owner.own.values())
            listed = await self._listed(schedule.id)
            if listed != own:
                wrong.append(f"{schedule.id}: {list((listed - own).items())[:3]} more, {list(own - listed)[:3]} less")
        assert not wrong, "\n".join(wrong)

    async def _listed(self, schedule_id: str) -> Counter[Seen]:
        world = self.world
        span = Window(self.bookings.window.start - timedelta(days=2), self.bookings.window.end)
        query = EventQuery(span, schedule_ids=(schedule_id,), personal=True, limit=1_000)
        page = await world.kalends.events.first(world.admin, query)
        assert page.next_cursor is None
        return Counter((event.title or "", event.start, event.end) for event in page.events)

    async def see_nothing_is_written(self) -> None:
        """See that all of it once more writes nothing anywhere."""
        await self.providers.forget_written()
        await self.read_all()
        await self.export_all()
        written = await self.providers.written()
        assert not written, f"{len(written)} requests that write: {written[:5]}"

    async def see_everything_goes(self) -> None:
        """See that nothing is left of it once it is switched off."""
        for one in self.bookings.exports:
            if one.enabled:
                await self.bookings.configure(one, ExportChange(enabled=False))
                one.enabled = False
        await self.settle()
        await self.see_accounts()


async def _hurry(writer: Transaction, now: datetime) -> None:
    await writer.execute(update(intentions).where(intentions.c.due_at > now).values(due_at=now))
    soon = and_(connections.c.export_due_at.is_not(None), connections.c.export_due_at > now)
    await writer.execute(update(connections).where(soon).values(export_due_at=now))


@contextlib.asynccontextmanager
async def on_fire(
    postgres_url: str, folder: Path, radicale: CalDavServer, xandikos: CalDavServer, *, seed: int, each: int, wild: bool
) -> AsyncIterator[Fire]:
    """Connect so many accounts at each of the four providers, two to a schedule, and have all of them export.

    It is `wild` where workers are killed again and again; else one ends itself once.
    """
    clock = RunningClock()
    today = clock.now().date()
    async with contextlib.AsyncExitStack() as stack:
        providers = await stack.enter_async_context(providers_on(radicale, xandikos, seed, each))
        given = settings_for(postgres_url, folder, **{**HURRIED, "log_level": "error", **providers.settings})
        kalends = await stack.enter_async_context(assemble(given, clock=clock))
        world = await populate(kalends, clock)
        owners = await stack.enter_async_context(providers.owners(world))
        bookings = Bookings(world, [], today, random.Random(seed))
        workers = Workers(postgres_url, folder, seed, environment=providers.environment, doomed=None if wild else DEATH)
        fire = Fire(bookings, providers, workers, seed, wild)
        for owner in dict.fromkeys(one for pair in owners for one in pair):
            await owner.begin(bookings.window)
        bookings.exports = [
            Exported(await owner.connect(world, schedule), owner, schedule, target=_target(owner, number))
            for number, pair in enumerate(owners)
            for schedule in [await kalends.schedules.create(world.site, name="A chair", owner_id=world.user.id)]
            for owner in pair
        ]
        async with workers.running():
            await fire.settle()
            await bookings.begin()
            for one in bookings.exports:
                await bookings.configure(one, ExportChange(enabled=True, target=one.target))
            await fire.settle()
            yield fire


def _target(owner: Owner, number: int) -> ExportTarget:
    """Have every other account that can take copies in its own calendar do so at first."""
    return ExportTarget.PRIMARY if owner.has_primary and number % 2 == 0 else ExportTarget.DEDICATED


async def under_fire(
    postgres_url: str,
    folder: Path,
    radicale: CalDavServer,
    xandikos: CalDavServer,
    *,
    seed: int,
    each: int,
    changes: int,
    seconds: float,
    wild: bool,
) -> FireFigures:
    """Go through all of it: see `on_fire`, `Fire.burn`. Raises `AssertionError`, which names the seed."""
    figures = FireFigures(seed, connections=4 * each)
    with capture_logs() as logs:
        try:
            async with on_fire(postgres_url, folder, radicale, xandikos, seed=seed, each=each, wild=wild) as fire:
                begun = time.monotonic()
                await fire.burn(changes, seconds)
                figures.burning = time.monotonic() - begun
                await fire.settle()
                figures.recovery = time.monotonic() - begun - figures.burning
                figures.copies = await fire.see_accounts()
                await fire.import_from_all()
                await fire.see_listings()
                await fire.see_nothing_is_written()
                await fire.see_everything_goes()
                await _fill(figures, fire)
            _see_logs([*logs, *fire.workers.logged()])
        except BaseException as error:
            error.add_note(f"The seed was {seed}: `--seed {seed}` plays the same changes and faults again.")
            raise
    return figures


def _see_logs(logs: Sequence[Mapping[str, Any]]) -> None:
    unexpected = [one for one in logs if one["event"] in UNEXPECTED]
    assert not unexpected, unexpected[:3]
    telling = [one for one in logs if TITLE in repr(one)]
    assert not telling, telling[:3]


async def _fill(figures: FireFigures, fire: Fire) -> None:
    figures.changes = fire.bookings.done
    figures.kills, figures.deaths = fire.workers.kills, fire.workers.deaths
    figures.requests, figures.faults = fire.providers.figures()
    async with fire.world.kalends.database.read() as reader:
        figures.keys = int((await reader.execute(select(func.count()).select_from(copies))).scalar_one())
