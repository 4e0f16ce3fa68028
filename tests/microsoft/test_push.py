"""Being told of changes by Microsoft: subscriptions, what they bring, and what is done without them."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.jobs.watching import RENEW_BEFORE
from kalends.model.connection import Connection
from kalends.providers.microsoft.subscriptions import client_state
from tests.microsoft.stage import Stage, staged
from tests.push import is_told, is_wanted, kept, reachable, shows_while_a_worker_runs, until


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which Microsoft reaches Kalends."""
    async with reachable(staged, database_url, tmp_path) as one:
        yield one


async def watched(stage: Stage) -> Connection:
    """Connect, and have a subscription opened."""
    connection = await stage.connect()
    assert await stage.world.kalends.watching.once() == 1
    return connection


async def at_microsoft(stage: Stage) -> list[Mapping[str, Any]]:
    """Return the subscriptions that Microsoft has."""
    return list((await stage.press("/push", verb="GET"))["subscriptions"])


async def notify(stage: Stage, body: object) -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (await stage.browser.post("/hooks/microsoft", content=content)).status_code


async def test_a_change_shows_while_the_worker_runs_without_a_poll(stage: Stage) -> None:
    await watched(stage)
    await shows_while_a_worker_runs(stage, "Dentist", "2026-11-24T10:00:00", "2026-11-24T11:00:00")


async def test_what_was_opened_is_proven_by_its_echo_and_makes_polls_rare(stage: Stage) -> None:
    connection = await watched(stage)
    assert await is_told(stage, connection)
    assert await stage.world.kalends.watching.once() == 0
    await stage.world.sync(connection)
    later = await stage.world.connection(connection.id)
    assert later.next_sync_at is not None
    assert timedelta(minutes=25) < later.next_sync_at - stage.world.clock.now() < timedelta(minutes=35)


async def test_what_nobody_tells_of_is_read_within_the_safety_interval(stage: Stage) -> None:
    connection = await watched(stage)
    await stage.world.sync(connection)
    await stage.press("/push", {"drop": True})
    await stage.put("Dentist", "2026-11-24T10:00:00", "2026-11-24T11:00:00")
    kalends = stage.world.kalends
    stage.world.clock.advance(timedelta(minutes=20))
    assert await kalends.leased.claim_due(10) == []
    stage.world.clock.advance(timedelta(minutes=15))
    (lease,) = await kalends.leased.claim_due(10)
    assert await kalends.leased.run(lease) is not None
    assert await stage.world.titles() == ["Dentist"]


async def test_a_subscription_is_renewed_before_it_runs_out(stage: Stage) -> None:
    connection = await watched(stage)
    (first,) = await kept(stage)
    stage.world.clock.advance(first.expires_at - stage.world.clock.now() - RENEW_BEFORE)
    await stage.world.sync(connection)
    assert await stage.world.kalends.watching.once() == 1
    (renewed,) = await kept(stage)
    assert (renewed.id, renewed.resource_id) == (first.id, first.resource_id)
    assert renewed.expires_at > first.expires_at
    assert len(await at_microsoft(stage)) == 1
    assert await is_told(stage, connection)


@pytest.mark.parametrize("event", ["subscriptionRemoved", "reauthorizationRequired"])
async def test_a_subscription_that_ends_is_seen_to_at_once(stage: Stage, event: str) -> None:
    connection = await watched(stage)
    (before,) = await at_microsoft(stage)
    await stage.press(f"/subscriptions/{before['id']}/lifecycle", {"event": event})
    await until(lambda: is_wanted(stage, connection))
    assert not await is_told(stage, connection)
    await stage.world.sync(connection)
    assert await stage.world.kalends.watching.once() == 1
    (after,) = await at_microsoft(stage)
    assert (after["id"] == before["id"]) is (event == "reauthorizationRequired")
    assert await is_told(stage, connection)


async def test_what_was_missed_is_looked_for(stage: Stage) -> None:
    connection = await watched(stage)
    (subscription,) = await at_microsoft(stage)
    await stage.press(f"/subscriptions/{subscription['id']}/lifecycle", {"event": "missed"})
    await until(lambda: is_wanted(stage, connection))


async def test_who_disconnects_is_told_no_more_and_the_subscription_is_deleted(stage: Stage) -> None:
    connection = await watched(stage)
    await stage.world.kalends.disconnecting.disconnect(stage.world.admin, connection.id)
    assert await stage.world.kalends.watching.once() == 0
    assert await at_microsoft(stage) == []


async def test_wrong_notifications_are_answered_and_ignored(stage: Stage) -> None:
    connection = await watched(stage)
    (channel,) = await kept(stage)
    named = {"subscriptionId": channel.resource_id, "changeType": "updated"}
    for body in (
        b"",
        b"[",
        b"[1]",
        {"value": [1, {}]},
        {"value": [{**named, "clientState": client_state(channel.id, "wrong")}]},
        {"value": [{**named, "clientState": channel.id}]},
        {"value": [{**named, "clientState": None}]},
        {"value": [{**named, "clientState": "x" * 5_000}]},
        {"value": [{"subscriptionId": "another", "clientState": client_state(channel.id, "wrong")}]},
    ):
        assert await notify(stage, body) == 202
    assert not await is_wanted(stage, connection)


async def test_the_echo_is_plain_text_and_no_page(stage: Stage) -> None:
    answer = await stage.browser.post("/hooks/microsoft", params={"validationToken": "<script>a b&c</script>"})
    assert (answer.status_code, answer.text) == (200, "<script>a b&c</script>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
