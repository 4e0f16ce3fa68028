"""Kalends on SQLite: a sync under its lease, as `kalends serve` does it, into an empty database or since the last."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

import uvloop

from bench.sync.clients.serving import Account, serve, told
from kalends.app import Kalends, assemble
from kalends.cli.process import tune_the_interpreter
from kalends.logs import set_up
from kalends.model.connection import Connection
from kalends.model.identity import Identity, IdentityKind, Permission
from kalends.model.ids import new_id
from kalends.settings import load


class Synced:
    """A Kalends with one connection."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._stack = AsyncExitStack()
        self._kalends: Kalends | None = None
        self._connection: Connection | None = None

    async def prepare(self) -> None:
        """Make a service with an account that is connected and not read yet."""
        await self._stack.aclose()
        folder = Path(mkdtemp(dir=self._account.folder))
        place = urlsplit(self._account.url).netloc
        settings = load({}, data_dir=folder, net_allow=place, log_level="error")
        set_up(settings)
        kalends = self._kalends = await self._stack.enter_async_context(assemble(settings))
        await kalends.database.upgrade()
        site = await kalends.sites.create("Bench", time_zone="Europe/Berlin")
        schedule = await kalends.schedules.create(site, name="Bench")
        admin = Identity(IdentityKind.APP, site.id, new_id(), frozenset(Permission))
        at = await kalends.installation.install(site.id, "caldav", name="Bench", config={"url": f"http://{place}/"})
        view = await kalends.connecting.by_credentials(
            admin,
            provider_id=at.id,
            schedule_id=schedule.id,
            email=self._account.user,
            password=self._account.password,
        )
        self._connection = view.connection

    async def sync(self) -> int:
        """Sync, and return how many items changed; raises `RuntimeError` where it failed."""
        assert self._kalends is not None
        assert self._connection is not None
        lease = await self._kalends.leased.claim(self._connection.site_id, self._connection.id)
        assert lease is not None
        run = await self._kalends.leased.run(lease)
        if run is None or run.error:
            raise RuntimeError(run and run.error)
        return run.counts.changed


if __name__ == "__main__":
    synced = Synced(told())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(synced.prepare())
        tune_the_interpreter()
        serve(lambda: runner.run(synced.sync()), lambda: runner.run(synced.sync()))
