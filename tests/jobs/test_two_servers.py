"""Two worker processes on one PostgreSQL, with accounts of Radicale and of Xandikos."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from kalends.model.errors import ProviderUnavailable
from tests.jobs.crew import Crew
from tests.jobs.test_worker import until
from tests.servers import CalDavServer, Login
from tests.world import World, ics, settings_for, world_on

SCHEDULES = 3
"""To each of them the account of either server is connected."""


@dataclass(frozen=True)
class Work:
    """A calendar on a server, for the tests to change."""

    server: CalDavServer
    login: Login

    def put(self, name: str, title: str) -> None:
        uid = f"{name}-{self.login.home}"
        self.server.put(f"{self.login.home}crew/{name}.ics", ics(uid, title, "20261201T090000Z"))

    def delete(self, name: str) -> None:
        self.server.delete(f"{self.login.home}crew/{name}.ics")


@pytest.fixture
def both(radicale: CalDavServer, xandikos: CalDavServer) -> Iterator[list[Work]]:
    made = [Work(server, server.login()) for server in (radicale, xandikos)]
    for one in made:
        one.server.make_calendar(f"{one.login.home}crew/")
    yield made
    for one in made:
        one.server.forget_calendars()


async def connect_everywhere(world: World, both: list[Work]) -> list[str]:
    """Connect both accounts to some schedules, and return these."""
    schedules = []
    for number in range(SCHEDULES):
        world.schedule = await world.kalends.schedules.create(world.site, name=f"Room {number}")
        schedules.append(world.schedule.id)
        for one in both:
            await world.connect(one.server, one.login, sync=False)
    return schedules


async def shows(world: World, *titles: str) -> None:
    """See that each connection comes to show these events, and no others."""
    expected = sorted(titles * SCHEDULES * 2)

    async def shown() -> bool:
        with suppress(ProviderUnavailable):  # some were not read yet
            return sorted(one or "" for one in await world.titles()) == expected
        return False

    await until(shown)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_workers_keep_accounts_of_two_servers_in_step_together(
    database_url: str, tmp_path: Path, both: list[Work]
) -> None:
    for one in both:
        for name in ("Stays", "Changes", "Goes"):
            one.put(name, name)
    crew = Crew(database_url, tmp_path)
    async with AsyncExitStack() as stack, world_on(settings_for(database_url, tmp_path)) as world:
        workers = await asyncio.gather(*(stack.enter_async_context(crew.started(name, "worker")) for name in "ab"))
        schedules = await connect_everywhere(world, both)
        await shows(world, "Stays", "Changes", "Goes")

        async def ask() -> None:
            async with world.kalends.database.write() as writer:
                await world.kalends.wanting.syncs(writer, world.site.id, schedules)

        for one in both:
            one.put("Changes", "Changed")
            one.delete("Goes")
        await ask()
        await shows(world, "Stays", "Changed")

        async def both_took_part() -> bool:
            await ask()
            return all(worker.log("synced") for worker in workers)

        await until(both_took_part)
        for worker in workers:
            worker.signal(signal.SIGTERM)
        assert [await worker.ended() for worker in workers] == [0, 0]
        assert all("Traceback" not in worker.errors for worker in workers)
