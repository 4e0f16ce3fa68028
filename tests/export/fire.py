"""What befalls an export under way: it is cut off, the answer to what it asked is lost, the provider is down."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from kalends.connections.sync_config import ExportChange, SyncConfigChange
from kalends.model.connection import Connection
from kalends.net.client import GuardedClient, Response
from kalends.net.errors import Unreachable
from kalends.store.copies import CopyState, KnownCopy
from kalends.store.tables import copies
from kalends.sync.failpoints import FailPoints, Point
from tests.export.accounts import WRITING, Account
from tests.export.steps import settle

EXPORT_POINTS = (Point.BEFORE_COPY_WRITTEN, Point.AFTER_COPY_WRITTEN)
EACH_PROVIDER = pytest.mark.parametrize(
    "place", ["radicale", "xandikos-postgresql", "google-postgresql", "microsoft"], indirect=True
)
"""Each provider once, and both engines."""


class Cut(BaseException):
    """The process is gone; no `Exception`, so that nothing of the product takes it for one."""


def _cut() -> None:
    raise Cut


@contextmanager
def cut_at(account: Account, point: Point, times: int = 1) -> Iterator[None]:
    """Cut exports off at a point, the so-manieth time that it is reached."""
    convergence: Any = account.world.kalends.leased._turn._exporting._convergence
    with patch.object(convergence, "_points", FailPoints(point, times=times, end=_cut)):
        yield


async def is_cut_off(account: Account, connection: Connection, point: Point, times: int = 1) -> bool:
    """Export until a point is reached so often, and leave the lease to run out; tell whether it was."""
    with cut_at(account, point, times):
        try:
            await account.world.sync(connection)
        except Cut:
            account.world.clock.advance(account.world.kalends.settings.lease_time + timedelta(seconds=1))
            return True
    return False


async def cut_off_everywhere(account: Account, connection: Connection, point: Point, most: int = 20) -> int:
    """Export what is due; whoever goes on is cut off one step later. Return how often that was, and settle."""
    for number in range(1, most):
        # what was written down once is not written down again, but what was written at the provider may be
        times = number if point is Point.AFTER_COPY_WRITTEN else 1
        if not await is_cut_off(account, connection, point, times):
            await settle(account, connection)
            return number - 1
    raise AssertionError("it never ends")


@dataclass
class Wire:
    """What Kalends has asked of providers: method, URL and body; and whether it is heard, or hears anything."""

    down: bool = False
    deaf: int = 0
    """To how many requests that write the answers are still to be lost."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def wrote(self) -> Sequence[tuple[str, str, str]]:
        """The requests that write events and calendars."""
        return [one for one in self.asked if _writes(*one[:2])]


def _writes(method: str, url: str) -> bool:
    return method in WRITING and not any(word in url for word in ("token", "$batch", "/watch", "/subscriptions"))


@contextmanager
def wire() -> Iterator[Wire]:
    """Stand between Kalends and all providers."""
    found, request = Wire(), GuardedClient.request

    async def heard(client: GuardedClient, method: str, url: str, **options: Any) -> Response:
        if found.down:
            raise Unreachable("it is down", host="127.0.0.1")
        found.asked.append((method, url, (options.get("content") or b"").decode()))
        answer = await request(client, method, url, **options)
        if found.deaf and _writes(method, url):
            found.deaf -= 1
            raise Unreachable("the answer was lost", host="127.0.0.1")
        return answer

    with patch.object(GuardedClient, "request", heard):
        yield found


async def known(account: Account, *, gone: bool = False) -> list[KnownCopy]:
    """Return what is known of copies, by default of those that are, or may be, there."""
    query = copies.select().order_by(copies.c.event_id, copies.c.generation)
    async with account.world.kalends.database.read() as reader:
        rows = [row._asdict() for row in await reader.execute(query)]
    found = [KnownCopy(**{name: row[name] for name in KnownCopy.__dataclass_fields__}) for row in rows]
    return [one for one in found if gone or one.state != CopyState.GONE]


async def settle_slowly(account: Account, connection: Connection, rounds: int = 12) -> None:
    """Sync for as long as something is to be exported, whatever fails in between."""
    for _ in range(rounds):
        await account.world.sync(connection)
        if (await account.world.connection(connection.id)).export.due_at is None:
            return
        account.world.clock.advance(timedelta(hours=1))
    raise AssertionError("it never ends")


async def configure(account: Account, connection: Connection, **config: Any) -> None:
    """Turn the export on, or change what is exported, and leave it to others to do it."""
    change = SyncConfigChange(exports=ExportChange(**{"enabled": True, **config}))
    await account.world.kalends.services.sync_configs.update(account.world.admin, connection.id, change)
