"""Budgets in the assembled service: over several processes, and between accounts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from kalends.app import assemble
from kalends.model.calendar import Account
from kalends.net.allowance import Allowance, Scope
from kalends.net.client import GuardedClient
from kalends.net.errors import BudgetSpent
from kalends.providers.caldav import CalDavKind, members
from tests.jobs.test_worker import until
from tests.net.loopback import Asked, raw, serve
from tests.rules.conftest import EMAIL
from tests.scripted_provider import GUID, ScriptedKind
from tests.servers import CalDavServer, Login
from tests.world import World, ics, settings_for, world_on

LIMIT = Allowance(Scope.ACCOUNT, 10, timedelta(seconds=1), 1)
PROCESSES = 2


@dataclass
class AskingKind(ScriptedKind):
    """A provider that is asked over HTTP when an account connects, as often as the test says."""

    url: str = ""
    times: int = 1

    def budgets(self, config: Mapping[str, str]) -> tuple[Allowance, ...]:
        del config
        return (LIMIT,)

    async def connect_with_credentials(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, password: str
    ) -> Account:
        for _ in range(self.times):
            await client.request("GET", self.url)
        return await super().connect_with_credentials(client, config, email=email, password=password)


async def ask(world: World, email: str = EMAIL) -> None:
    """Have an account asked for, as connecting it does."""
    provider = await world.kalends.directory.get(world.site.id, GUID)
    await world.kalends.connecting._accounts.find(provider, email=email, password="right")


@asynccontextmanager
async def two_processes(database_url: str, folder: Path, kind: ScriptedKind) -> AsyncIterator[tuple[World, World]]:
    settings, kinds = settings_for(database_url, folder), {kind.kind: kind}
    async with (
        world_on(settings, kinds=kinds) as one,
        assemble(settings, kinds=kinds, clock=one.clock) as kalends,
    ):
        yield one, World(kalends, one.clock, one.site, one.user, one.schedule)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_processes_ask_a_server_no_more_often_than_one_may(database_url: str, tmp_path: Path) -> None:
    loop, came = asyncio.get_running_loop(), list[float]()

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        came.append(loop.time())
        writer.write(raw(200))

    async with serve(answer) as server:
        kind = AskingKind(url=f"http://{server.place}/", times=15)
        async with two_processes(database_url, tmp_path, kind) as worlds:
            began = loop.time()
            await asyncio.gather(*(ask(world) for world in worlds for _ in range(2)))
            async with worlds[0].kalends.database.read() as reader:
                kept = str((await reader.execute(text("SELECT * FROM budgets"))).all())
    assert len(came) == 60
    for number, moment in enumerate(came, 1):
        # from the beginning on, so that what a busy machine delivers late is not taken for too much at once
        seconds = moment - began
        assert number <= LIMIT.burst + 10 * (seconds + 1) + PROCESSES * LIMIT.free * (1 + seconds / 60)
    assert "account:" in kept, "the right table was looked at"
    assert "example" not in kept
    assert GUID not in kept


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_a_server_told_one_process_another_minds_for_that_account_alone(
    database_url: str, tmp_path: Path
) -> None:
    asked = list[str]()

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        asked.append("asked")
        writer.write(raw(429, b"", {"Retry-After": "600"}))

    async with serve(answer) as server:
        kind = AskingKind(url=f"http://{server.place}/")
        async with two_processes(database_url, tmp_path, kind) as (here, there):
            await ask(here)
            for world in (here, there):
                with pytest.raises(BudgetSpent) as refused:
                    await ask(world)
                assert refused.value.wait == 600
            assert len(asked) == 1
            here.clock.advance(timedelta(minutes=10))
            await ask(there)
            assert len(asked) == 2


@dataclass
class BoundedKind(CalDavKind):
    """CalDAV with a limit that the test sets."""

    allowance: Allowance | None = None

    def budgets(self, config: Mapping[str, str]) -> tuple[Allowance, ...]:
        del config
        return () if self.allowance is None else (self.allowance,)


@pytest.fixture
async def bounded(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[World, BoundedKind]]:
    monkeypatch.setattr(members, "_FIRST_BATCH", 5)
    monkeypatch.setattr(members, "_LARGEST_BATCH", 5)
    kind = BoundedKind()
    async with world_on(settings_for(sqlite_url, tmp_path), kinds={kind.kind: kind}) as world:
        yield world, kind


def fill(server: CalDavServer, login: Login, count: int) -> None:
    calendar = f"{login.home}work/"
    server.make_calendar(calendar)
    texts = {f"{one}.ics": ics(f"{one}", f"{one}", "20261201T090000Z") for one in range(count)}
    server.put_many(calendar, texts)


def of_a_user(server: CalDavServer, login: Login) -> int:
    """Return how many requests a server has had for what belongs to a user."""
    return sum(path.startswith(login.home) for _, path in server.requests())


async def test_a_large_import_under_a_limit_leaves_the_other_accounts_of_the_server_prompt(
    bounded: tuple[World, BoundedKind], radicale: CalDavServer
) -> None:
    world, kind = bounded
    large, small = radicale.login(), radicale.login()
    fill(radicale, large, 100)
    fill(radicale, small, 3)
    importing = await world.connect(radicale, large, sync=False)
    connection = await world.connect(radicale, small, sync=False)
    kind.allowance = Allowance(Scope.ACCOUNT, 6, timedelta(minutes=1), 5)
    syncing = asyncio.create_task(world.sync_under_lease(importing))
    await until(partial(is_waiting, world))
    before = of_a_user(radicale, large)
    assert (await world.sync(connection)).error is None
    assert of_a_user(radicale, large) <= before + 1
    assert not syncing.done()
    syncing.cancel()
    await asyncio.gather(syncing, return_exceptions=True)


async def is_waiting(world: World) -> bool:
    """Tell whether somebody waits for a turn."""
    budgets = world.kalends.connecting._accounts._budgets
    return any(bucket.waiting for bucket in budgets._buckets.values())


async def test_an_import_that_has_spent_its_budget_goes_on_later_from_where_it_was(
    bounded: tuple[World, BoundedKind], radicale: CalDavServer
) -> None:
    world, kind = bounded
    login = radicale.login()
    fill(radicale, login, 40)
    connection = await world.connect(radicale, login, sync=False)
    kind.allowance = Allowance(Scope.ACCOUNT, 1, timedelta(hours=2), 8)
    first = await world.sync(connection)
    assert first.error is not None
    assert "this account may be asked again" in first.error
    due = (await world.connection(connection.id)).next_sync_at
    assert due is not None
    assert due - world.clock.now() > timedelta(minutes=110)
    kind.allowance = None
    second = await world.sync(connection)
    assert second.error is None
    assert 0 < second.counts.changed < 40, "what was fetched before was not fetched again"
    assert len(await world.titles()) == 40
