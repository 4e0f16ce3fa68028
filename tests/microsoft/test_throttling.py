"""Mailboxes, two workers, and a Microsoft that is strict about how many requests it takes at once (line 33).

`make test` has a dozen mailboxes, `make soak` fifty (`KALENDS_TEST_MAILBOXES`).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.app import Kalends, assemble
from kalends.model.calendar import Account
from kalends.model.connection import Connection, Status
from kalends.model.errors import ProviderUnavailable
from kalends.providers.microsoft.kind import MICROSOFT
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.oauth_model import Consent
from tests.microsoft.stage import Stage, staged

MAILBOXES = int(os.environ.get("KALENDS_TEST_MAILBOXES", "12"))
LOOKS = 2
"""How many look at the calendars of each mailbox at once, at each of the two processes, beside the syncs."""
SCOPES = ("openid", "email", "offline_access", "Calendars.ReadWrite")
DEADLINE = 250
LATENCY = 0.4
TICK = 0.05
FASTER = 5
"""Time passes so many times as fast as it does: who failed is tried again after half a minute or so."""
KINDS = {MICROSOFT.kind: MICROSOFT}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_33_a_storm_of_mailbox_concurrency_loses_nothing(database_url: str, tmp_path: Path) -> None:
    async with staged(database_url, tmp_path) as stage, time_passes(stage):
        people = [User.of(f"person{number}@salon.example", f"Person {number}") for number in range(MAILBOXES)]
        connections = [await connected(stage, person) for person in people]
        await stage.press("/throttling", {"on": True, "latencySeconds": 0.03})
        await stage.press("/throttling", verb="DELETE")
        async with assemble(stage.world.kalends.settings, kinds=KINDS, clock=stage.world.clock) as other:
            both = (stage.world.kalends, other)
            async with working(*both):
                looking = asyncio.create_task(look_until(lambda seen: seen["peak"] > 1, stage, both, connections))
                await until(lambda: all_read(stage, connections))
                await looking
                kept = await stage.press("/throttling", verb="GET")
                assert kept["refused"] == 0
                assert kept["peak"] <= 4
                # and now Microsoft is stricter than it says, so that there is something to be refused
                await stage.press("/throttling", {"atATime": 1, "latencySeconds": 0.15})
                for person in people:
                    await stage.put("Late", "2026-11-25T10:00:00", "2026-11-25T11:00:00", account=person)
                looking = asyncio.create_task(look_until(lambda seen: seen["refused"] > 0, stage, both, connections))
                for connection in connections:
                    await stage.world.kalends.services.sync_requests.ask(stage.world.admin, connection.id)
                await until(lambda: all_read(stage, connections))
                await looking
        said = await stage.press("/throttling", verb="GET")
        assert said["peak"] <= 4
        assert said["refused"] > 0
        found = [str(title) for title, _, _ in await stage.world.events()]
        assert sorted(found) == ["Early"] * MAILBOXES + ["Late"] * MAILBOXES


async def connected(stage: Stage, person: User) -> Connection:
    """Connect a mailbox with an event in it, by tokens that its owner has consented to."""
    stage.grants.add_user(person)
    stage.state.add_user(person)
    await stage.put("Early", "2026-11-24T10:00:00", "2026-11-24T11:00:00", account=person)
    client = stage.grants.client(stage.client_id)
    assert client is not None
    code = stage.grants.consent(Consent(client, person, SCOPES, "http://127.0.0.1/", "common"))
    issued = stage.grants.redeem(client, code.value, redirect_uri="http://127.0.0.1/", verifier=None)
    world = stage.world
    account = Account(
        key=f"{stage.url}/{person.tenant_id}/v2.0 {person.id}",
        email=person.email,
        addresses=frozenset({person.email}),
        credentials={
            "access_token": issued.access_token.value,
            "expires_at": (world.clock.now() + timedelta(hours=1)).isoformat(),
            "refresh_token": issued.refresh_token,
            "addresses": [person.email],
        },
        scopes=frozenset(SCOPES),
    )
    provider = await world.kalends.directory.get(world.site.id, MICROSOFT.built_in_id or "")
    return await world.kalends.connecting.connect(world.admin, provider, world.schedule, account)


def looks(stage: Stage, both: Sequence[Kalends], connections: Sequence[Connection]) -> list[Coroutine[Any, Any, None]]:
    """Return looks at all mailboxes, by both processes."""
    return [look(stage, kalends, one) for one in connections for kalends in both for _ in range(LOOKS)]


async def look_until(
    seen: Callable[[Any], bool], stage: Stage, both: Sequence[Kalends], connections: Sequence[Connection]
) -> None:
    """Look at all mailboxes, again and again, until Microsoft has seen what the test is about.

    On a busy machine it may take more than once until two requests to one mailbox are under way together.
    """
    async with asyncio.timeout(DEADLINE):
        while True:
            ended = await asyncio.gather(*looks(stage, both, connections), return_exceptions=True)
            assert {type(one) for one in ended} <= {type(None), ProviderUnavailable}
            if seen(await stage.press("/throttling", verb="GET")):
                return


async def look(stage: Stage, kalends: Kalends, connection: Connection) -> None:
    """Look at the calendars of a mailbox, as whoever chooses among them does."""
    found = await kalends.services.calendars.list(stage.world.admin, connection.id)
    assert [one.name for one in found] == ["Calendar"]


async def all_read(stage: Stage, connections: Sequence[Connection]) -> bool:
    """Tell whether all was read well that was asked for; nothing may be in error meanwhile."""
    now = [await stage.world.connection(connection.id) for connection in connections]
    assert not [one for one in now if one.status is Status.ERROR]
    return all(one.status is Status.SYNCED and one.wanted_rev == one.done_rev and not one.failures for one in now)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await holds():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.2)


@asynccontextmanager
async def time_passes(stage: Stage) -> AsyncIterator[None]:
    """Let time pass: who is told to come again in a second has to find that it is over."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK)
            stage.world.clock.advance(timedelta(seconds=FASTER * TICK))

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


@asynccontextmanager
async def working(*both: Kalends) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    workers = [asyncio.create_task(one.worker.run(stopping)) for one in both]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*workers)
