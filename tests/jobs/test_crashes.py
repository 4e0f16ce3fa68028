"""Real processes that are killed, frozen, told to stop, or lose their database: others go on where they were.

How long a calendar is left alone after a kill is measured at the calendar server, with the settings that are there by
default; `--log-cli-level=info` shows it. `KALENDS_TEST_IMPORT` is the size of that calendar.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy.exc import DBAPIError

from kalends.model.connection import Connection
from kalends.store.servers import Servers
from tests.databases import new_database
from tests.jobs.crew import Crew, Member, connect, holds_exactly, is_done
from tests.jobs.test_worker import until
from tests.jobs.vast import Account, VastServer, vast_server
from tests.postgres import OwnServer, own_postgres_server
from tests.world import World, settings_for, world_on

pytestmark = pytest.mark.timeout(600)
log = logging.getLogger(__name__)

MANY = int(os.environ.get("KALENDS_TEST_IMPORT", "1000"))
TAKEN_OVER_WITHIN = 20.0
ENDS_WITHIN = 20.0


@pytest.fixture
async def vast() -> AsyncIterator[VastServer]:
    async with vast_server() as server:
        yield server


def in_the_middle(*accounts: Account) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return all(one.held for one in accounts)

    return check


def asked_again(account: Account, since: float) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return account.asked_after(since) is not None

    return check


async def beats(world: World) -> Mapping[str, datetime]:
    async with world.kalends.database.read() as reader:
        return await Servers(reader).beats()


async def wake_until_it_beats(world: World, worker: Member, server_id: str) -> None:
    """Let a frozen process go on until its next heartbeat."""
    before = (await beats(world)).get(server_id)
    worker.signal(signal.SIGCONT)

    async def beaten() -> bool:
        return (await beats(world)).get(server_id) != before

    await until(beaten)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_imports_that_workers_leave_when_killed_or_frozen_or_told_to_stop_are_finished_by_another(
    database_url: str, tmp_path: Path, vast: VastServer
) -> None:
    crew = Crew(database_url, tmp_path)
    to_freeze = vast.account("freeze", 80, calendars=2, free=40)
    to_kill = vast.account("kill", MANY, free=MANY // 2)
    to_stop = vast.account("stop", 80, calendars=2, free=40)
    accounts, connections = (to_freeze, to_kill, to_stop), list[Connection]()
    async with AsyncExitStack() as stack, world_on(settings_for(database_url, tmp_path)) as world:

        async def importing(account: Account) -> Member:
            """Start a worker and have it begin an import that comes to a halt in the middle."""
            worker = await stack.enter_async_context(crew.started(account.user, "worker"))
            connections.append(await connect(world, vast, account))
            await until(in_the_middle(account))
            return worker

        frozen = await importing(to_freeze)
        frozen.signal(signal.SIGSTOP)
        known = {*await beats(world)}
        doomed = await importing(to_kill)
        (doomed_id,) = {*await beats(world)} - known
        doomed.signal(signal.SIGSTOP)
        leaving = await importing(to_stop)
        heir = await stack.enter_async_context(crew.started("heir", "worker"))

        # just after a heartbeat nobody can know of it for the longest time
        await wake_until_it_beats(world, doomed, doomed_id)
        doomed.signal(signal.SIGKILL)
        leaving.signal(signal.SIGTERM)
        then = time.monotonic()
        to_kill.released.set()
        to_freeze.released.set()

        await until(asked_again(to_stop, then))
        to_stop.released.set()
        assert await leaving.ended() == 0
        assert time.monotonic() - then <= ENDS_WITHIN

        await until(asked_again(to_kill, then))
        left_alone = (to_kill.asked_after(then) or 0) - then
        log.info("left alone for %.1f s after a kill", left_alone)
        assert left_alone <= TAKEN_OVER_WITHIN
        await until(is_done(world, *connections), within=60 + MANY / 20)
        await holds_exactly(world, *accounts)

        frozen.signal(signal.SIGCONT)

        async def refused() -> bool:
            return bool(frozen.log("lease_lost"))

        await until(refused)
        await holds_exactly(world, *accounts)
        for worker in (frozen, heir):
            worker.signal(signal.SIGTERM)
        assert [await worker.ended() for worker in (frozen, heir)] == [0, 0]
        assert all("Traceback" not in one.errors for one in (frozen, leaving, heir))


async def test_an_embedded_service_that_was_killed_in_an_import_goes_on_with_it_as_soon_as_it_runs_again(
    sqlite_url: str, tmp_path: Path, vast: VastServer
) -> None:
    crew = Crew(sqlite_url, tmp_path)
    account = vast.account("a", 80, calendars=2, free=40)
    async with world_on(settings_for(sqlite_url, tmp_path)) as world:
        connection = await connect(world, vast, account)
        async with crew.started("first", "serve", "--port", "0") as first:
            await until(in_the_middle(account))
            first.signal(signal.SIGKILL)
            assert await first.ended() == -signal.SIGKILL
        account.released.set()
        async with crew.started("second", "serve", "--port", "0") as second:
            began = time.monotonic()
            await until(is_done(world, connection))
            assert time.monotonic() - began < world.kalends.settings.lease_time.total_seconds() / 4
            assert len(second.log("took_over")) == 1
            await holds_exactly(world, account)
            second.signal(signal.SIGTERM)
            assert await second.ended() == 0
            assert "Traceback" not in second.errors


@pytest.fixture
def own_postgres() -> Iterator[OwnServer]:
    with own_postgres_server() as server:
        yield server


async def test_a_crash_of_postgresql_under_workers_and_requests_costs_nothing_but_time(
    own_postgres: OwnServer, tmp_path: Path, vast: VastServer
) -> None:
    url = await new_database(own_postgres.url, f"kalends_{uuid4().hex}")
    crew = Crew(url, tmp_path)
    accounts = [vast.account(f"a{number}", 80, calendars=2, free=40) for number in range(4)]
    async with AsyncExitStack() as stack, world_on(settings_for(url, tmp_path)) as world:
        members = await asyncio.gather(
            stack.enter_async_context(crew.started("serve", "serve", "--no-worker", "--port", "0")),
            *(stack.enter_async_context(crew.started(f"worker{one}", "worker")) for one in range(2)),
        )
        connections = [await connect(world, vast, one) for one in accounts]
        key, _ = await world.kalends.clients.create_api_key(world.site.id)
        client = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=members[0].said["url"],
                headers={"Authorization": key, "wix-site-id": world.site.id},
                trust_env=False,
                timeout=30,
            )
        )

        async def ask(connection: Connection) -> int:
            return (await client.post(f"/kalends/v1/connections/{connection.id}/sync")).status_code

        async def health() -> set[int]:
            return {(await client.get(path)).status_code for path in ("/healthz", "/readyz")}

        async def well() -> bool:
            return await health() == {200}

        await until(in_the_middle(*accounts))
        # asked for while they are being read: to be done a second time
        assert {await ask(one) for one in connections} == {200}
        own_postgres.crash()
        for one in accounts:
            one.released.set()
        assert await health() == {503}
        refusals = {await ask(one) for one in connections}
        assert refusals <= {500, 503}, refusals
        own_postgres.start()
        back = time.monotonic()
        await until(well)
        assert {await ask(one) for one in connections} == {200}

        async def all_done() -> bool:
            with suppress(DBAPIError, OSError):  # this process has lost its connections too
                return await is_done(world, *connections)()
            return False

        await until(all_done)
        log.info("all was done %.1f s after PostgreSQL was back", time.monotonic() - back)
        await holds_exactly(world, *accounts)
        assert all(member.runs for member in members)
        for member in members:
            member.signal(signal.SIGTERM)
        assert [await member.ended() for member in members] == [0, 0, 0]
