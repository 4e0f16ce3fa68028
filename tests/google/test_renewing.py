"""Credentials that several processes renew at once."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.accounts.keeping import LOOK_AGAIN, RENEWAL, StoredCredentials, credentials_row
from kalends.app import assemble
from kalends.model.connection import Connection
from kalends.providers.errors import CredentialsRefused, Unavailable
from kalends.store.connections import Connections
from kalends.vault.keys import Keyring
from kalends.vault.sealing import Vault
from tests.google.stage import Stage


class OneUse:
    """A server whose refresh tokens are good for one use: a second use kills the grant."""

    def __init__(self) -> None:
        self.good = 0
        self.uses: list[int] = []
        self.going_on = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def renew(self, kept: Mapping[str, Any]) -> Mapping[str, Any]:
        self.uses.append(kept["refresh_token"])
        self.going_on.set()
        await self.go_on.wait()
        if kept["refresh_token"] != self.good:
            raise CredentialsRefused("used before")
        self.good += 1
        return {"refresh_token": self.good}


class Keepers:
    """A connection whose credentials are the first refresh token of a server, and processes that keep them."""

    def __init__(self, stage: Stage, connection: Connection) -> None:
        self.world = stage.world
        self.connection = connection
        self.vault = Vault(Keyring.of(stage.world.kalends.settings))
        self.row = credentials_row(connection.site_id, connection.id)

    def keeper(self) -> StoredCredentials:
        database, clock = self.world.kalends.database, self.world.clock
        return StoredCredentials(database, self.vault, clock, self.connection.site_id, self.connection.id)

    async def put(self, credentials: Mapping[str, Any]) -> None:
        async with self.world.kalends.database.write() as writer:
            await Connections(writer, self.connection.site_id).set_account(
                self.connection.id,
                email=self.connection.account_email,
                addresses=self.connection.addresses,
                credentials=self.vault.seal(credentials, row=self.row),
            )

    async def kept(self) -> Mapping[str, Any]:
        async with self.world.kalends.database.read() as reader:
            sealed = await Connections(reader, self.connection.site_id).sealed_credentials(self.connection.id)
        assert sealed is not None
        return self.vault.open(sealed, row=self.row)


@pytest.fixture
async def keepers(stage: Stage) -> Keepers:
    keepers = Keepers(stage, await stage.connect(sync=False))
    await keepers.put({"refresh_token": 0})
    return keepers


async def test_of_many_that_renew_at_once_one_does_and_the_others_adopt(keepers: Keepers) -> None:
    server = OneUse()
    used = {"refresh_token": 0}
    got = await asyncio.gather(*(keepers.keeper().renew(used, server.renew) for _ in range(8)))
    assert got == [{"refresh_token": 1}] * 8
    assert server.uses == [0]
    assert await keepers.kept() == {"refresh_token": 1}


async def test_what_was_renewed_is_kept_though_nobody_waits_for_it_any_more(keepers: Keepers) -> None:
    server = OneUse()
    server.go_on.clear()

    async def then_is_cancelled(kept: Mapping[str, Any]) -> Mapping[str, Any]:
        renewed = await server.renew(kept)
        asyncio.get_running_loop().call_soon(renewing.cancel)
        return renewed

    renewing = asyncio.create_task(keepers.keeper().renew({"refresh_token": 0}, then_is_cancelled))
    await server.going_on.wait()
    server.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await renewing
    async with asyncio.timeout(10):
        while await keepers.kept() != {"refresh_token": 1}:  # noqa: ASYNC110 - a row is looked at, with a deadline
            await asyncio.sleep(0.01)


async def test_who_died_over_it_is_not_waited_for_for_ever(keepers: Keepers) -> None:
    world, now = keepers.world, keepers.world.clock.now()
    async with world.kalends.database.write() as writer:
        connections = Connections(writer, keepers.connection.site_id)
        sealed = await connections.sealed_credentials(keepers.connection.id)
        assert sealed is not None
        assert await connections.claim_renewal(keepers.connection.id, sealed, now=now, until=now + RENEWAL)
    server = OneUse()
    waiting = asyncio.create_task(keepers.keeper().renew({"refresh_token": 0}, server.renew))
    await asyncio.wait([waiting], timeout=3 * LOOK_AGAIN)
    assert not waiting.done()
    assert server.uses == []
    world.clock.advance(RENEWAL)
    assert await waiting == {"refresh_token": 1}


async def test_who_was_too_slow_and_is_refused_adopts_what_is_kept_by_then(keepers: Keepers) -> None:
    async def refused(kept: Mapping[str, Any]) -> Mapping[str, Any]:
        await keepers.put({"refresh_token": 1})
        raise CredentialsRefused(f"{kept} was used before")

    assert await keepers.keeper().renew({"refresh_token": 0}, refused) == {"refresh_token": 1}


async def test_a_renewal_that_fails_leaves_everything_to_the_next(keepers: Keepers) -> None:
    async def fails(kept: Mapping[str, Any]) -> Mapping[str, Any]:
        del kept
        raise Unavailable("down")

    with pytest.raises(Unavailable):
        await keepers.keeper().renew({"refresh_token": 0}, fails)
    assert await keepers.keeper().renew({"refresh_token": 0}, OneUse().renew) == {"refresh_token": 1}


async def test_who_connected_again_meanwhile_keeps_what_they_brought(keepers: Keepers) -> None:
    server = OneUse()
    server.go_on.clear()
    renewing = asyncio.create_task(keepers.keeper().renew({"refresh_token": 0}, server.renew))
    await server.going_on.wait()
    await keepers.put({"refresh_token": "of the new consent"})
    server.go_on.set()
    assert await renewing == {"refresh_token": "of the new consent"}
    assert await keepers.kept() == {"refresh_token": "of the new consent"}


async def test_erased_credentials_are_renewed_by_nobody(keepers: Keepers) -> None:
    await keepers.world.kalends.disconnecting.disconnect(keepers.world.admin, keepers.connection.id)
    with pytest.raises(CredentialsRefused):
        await keepers.keeper().renew({"refresh_token": 0}, OneUse().renew)


async def test_two_processes_that_sync_and_list_at_once_refresh_google_s_token_once(
    stage: Stage, tmp_path: Path
) -> None:
    connection = await stage.connect()
    stage.world.clock.advance(timedelta(hours=2))
    asked = (await stage.requests()).count("POST /token")
    world = stage.world
    async with AsyncExitStack() as stack:
        settings = world.kalends.settings.model_copy(update={"data_dir": tmp_path})
        kinds = {"google": world.kalends.directory.kind(await world.kalends.directory.named(world.site.id, "google"))}
        other = await stack.enter_async_context(assemble(settings, kinds=kinds, clock=world.clock))
        await asyncio.gather(
            world.sync(connection), *(other.services.calendars.list(world.admin, connection.id) for _ in range(5))
        )
    assert (await stage.requests()).count("POST /token") == asked + 1
