"""Google: group e, push, and line 7 of group a: what is doubled, lost, late, or comes from a channel of no more use."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from kalends.api.application import create_api
from kalends.model.connection import Connection, ConnectionKey, Status
from kalends.sandbox.google.serving import listen, serving
from tests.google.stage import ANN, Stage, staged
from tests.push import is_wanted, until

HOOK = "/hooks/google"


@dataclass
class Hook:
    """Kalends' own address for notifications; `headers` are those of each that came."""

    app: ASGIApp
    headers: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take note, and go on."""
        if scope["type"] == "http" and scope["path"] == HOOK:
            given = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.headers.append({name: value for name, value in given.items() if name.startswith("x-goog-")})
        await self.app(scope, receive, send)


@dataclass
class Reached(Stage):
    """A stage on which Google reaches Kalends."""

    hook: Hook = field(default_factory=lambda: Hook(Starlette()))


@pytest.fixture
async def stage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Reached]:
    bound = listen()
    public_url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with staged(sqlite_url, tmp_path, public_url=public_url) as one:
        hook = Hook(create_api(one.world.kalends.services))
        async with serving(hook, bound):
            yield Reached(**vars(one), hook=hook)


async def push(stage: Stage) -> Any:
    return await stage.press("/push", verb="GET")


async def watched(stage: Stage) -> Connection:
    """Connect, have a channel opened, wait until Google has said that it is, and read what that asks for."""
    connection = await stage.connect()
    assert await stage.world.kalends.watching.once() == 1
    await until_delivered(stage, 1)
    await stage.world.sync(connection)
    return await stage.world.connection(connection.id)


async def until_delivered(stage: Stage, number: int) -> None:
    async def delivered() -> bool:
        return len((await push(stage))["deliveries"]) >= number

    await until(delivered)


async def wanted(stage: Stage, connection: Connection) -> int:
    """Return how many askings have not been answered yet, which one sync answers together."""
    now = await stage.world.connection(connection.id)
    return now.wanted_rev - now.done_rev


async def put(stage: Stage, title: str = "Dentist") -> None:
    await stage.put(title, "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")


async def work(stage: Stage) -> int:
    """Do what a worker does in one turn; return how many syncs there were."""
    kalends = stage.world.kalends
    leases = await kalends.leased.claim_due(10)
    return len([run for lease in leases if (run := await kalends.leased.run(lease))])


async def work_on_what_is_wanted(stage: Stage, connection: Connection) -> bool:
    """Do what a worker does when it is woken; tell whether there was anything to do."""
    leased = stage.world.kalends.leased
    lease = await leased.claim_wanted(ConnectionKey(connection.site_id, connection.id))
    return lease is not None and await leased.run(lease) is not None


async def listings(stage: Stage) -> int:
    asked = f"GET /calendar/v3/calendars/{ANN.email}/events"
    return (await stage.requests()).count(asked)


async def test_line_7_doubled_notifications_are_one_sync_and_apply_once(stage: Reached) -> None:
    connection = await watched(stage)
    sent = len((await push(stage))["deliveries"])
    await stage.press("/push", {"double": True})
    await put(stage)
    await until_delivered(stage, sent + 2)
    asked = await listings(stage)
    assert await work_on_what_is_wanted(stage, connection)
    assert not await work_on_what_is_wanted(stage, connection)
    assert await listings(stage) == asked + 1
    assert await stage.world.titles() == ["Dentist"]


async def test_line_7_of_two_workers_that_are_woken_at_once_one_reads(stage: Reached) -> None:
    connection = await watched(stage)
    await put(stage)
    await until(lambda: is_wanted(stage, connection))
    asked = await listings(stage)
    both = await asyncio.gather(*(work_on_what_is_wanted(stage, connection) for _ in range(2)))
    assert sorted(both) == [False, True]
    assert await listings(stage) == asked + 1
    assert await stage.world.titles() == ["Dentist"]


async def test_line_28_what_is_told_is_where_to_look_whatever_state_and_body_say(stage: Reached) -> None:
    await put(stage)
    connection = await watched(stage)
    for state in ("exists", "not_exists", "", "update", "sync"):
        headers = {**stage.hook.headers[-1], "x-goog-resource-state": state}
        answer = await stage.browser.post(HOOK, headers=headers, content=b'{"kind": "drive#change"')
        assert answer.status_code == 200
        looked = await work_on_what_is_wanted(stage, connection)
        assert looked is (state != "sync"), f"{state}: the first of a channel says only that it is open"
        assert await stage.world.titles() == ["Dentist"], "nothing is made or deleted for what a notification says"
    assert (await stage.world.connection(connection.id)).status is Status.SYNCED


async def test_line_29_dropped_notifications_cost_one_safety_interval_and_no_event(stage: Reached) -> None:
    connection = await watched(stage)
    await stage.press("/push", {"drop": True})
    sent = len((await push(stage))["deliveries"])
    await put(stage)
    await until_delivered(stage, sent + 1)
    assert await wanted(stage, connection) == 0, "nobody was told"
    assert await work(stage) == 0, "and nothing is due"
    settings, clock = stage.world.kalends.settings, stage.world.clock
    due = (await stage.world.connection(connection.id)).next_sync_at
    assert due is not None
    assert due - clock.now() <= settings.safety_interval * 1.2
    clock.advance(due - clock.now())
    assert await work(stage) == 1
    assert await stage.world.titles() == ["Dentist"]


async def test_line_29_after_a_channel_has_run_out_it_is_polled_as_without_and_then_watched_again(
    stage: Reached,
) -> None:
    connection = await watched(stage)
    ((first,), clock) = ((await push(stage))["channels"], stage.world.clock)
    clock.advance(timedelta(days=31))
    assert (await push(stage))["channels"] == [], "Google has forgotten it"
    await put(stage, "Untold")
    assert await work(stage) == 1
    polled = await stage.world.connection(connection.id)
    assert polled.next_sync_at is not None
    assert polled.next_sync_at - clock.now() < timedelta(minutes=20), "without a channel it is polled often"
    assert await stage.world.kalends.watching.once() == 1
    ((second,),) = ((await push(stage))["channels"],)
    assert second["id"] != first["id"]
    assert (await stage.world.connection(connection.id)).status is Status.SYNCED


async def test_line_29_a_channel_that_was_stopped_and_keeps_on_is_answered_and_ignored(stage: Reached) -> None:
    connection = await watched(stage)
    headers = stage.hook.headers[-1]
    await stage.world.kalends.disconnecting.disconnect(stage.world.admin, connection.id)
    for _ in range(3):
        assert (await stage.browser.post(HOOK, headers=headers)).status_code == 200
    assert await wanted(stage, connection) == 0
    assert await work(stage) == 0


async def test_a_late_notification_finds_everything_read_and_changes_nothing(stage: Reached) -> None:
    connection = await watched(stage)
    await stage.press("/push", {"drop": True})
    await put(stage)
    await stage.world.sync(connection)
    headers = {**stage.hook.headers[-1], "x-goog-resource-state": "exists"}
    assert (await stage.browser.post(HOOK, headers=headers)).status_code == 200
    assert await work_on_what_is_wanted(stage, connection)
    assert await stage.world.titles() == ["Dentist"]
