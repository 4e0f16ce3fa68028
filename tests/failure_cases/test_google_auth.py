"""Group d, auth, and line 48 of group j: consent that ends, is partial, is renewed twice, or brought by a stranger."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from kalends.model.connection import ErrorReason, Status
from kalends.model.errors import Invalid, ProviderUnavailable
from tests.google.stage import ANN, GOOGLE_ID, HERE, Stage, staged


@pytest.fixture
async def stage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(sqlite_url, tmp_path) as one:
        yield one


async def test_22_a_grant_that_dies_after_a_week_of_testing_is_an_error_and_no_storm(stage: Stage) -> None:
    await stage.press("/oauth/testing", {"on": True})
    connection = await stage.connect()
    stage.world.clock.advance(timedelta(days=6))
    assert (await stage.world.sync(connection)).error is None
    stage.world.clock.advance(timedelta(days=2))
    asked = (await stage.requests()).count("POST /token")
    run = await stage.world.sync_under_lease(connection)
    assert run is not None
    assert run.error is not None
    broken = await stage.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    assert (await stage.requests()).count("POST /token") == asked + 1
    assert broken.next_sync_at is None or broken.next_sync_at - stage.world.clock.now() >= timedelta(minutes=1)


async def test_24_a_grant_that_is_no_more_never_shows_the_person_as_free(stage: Stage) -> None:
    await stage.put("Dentist", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")
    connection = await stage.connect()
    await stage.withdraw()
    await stage.world.sync_under_lease(connection)
    with pytest.raises(ProviderUnavailable) as failed:
        await stage.world.titles()
    assert failed.value.data["failedConnectionIds"] == [connection.id]


async def test_24_a_token_endpoint_that_fails_for_a_while_leaves_what_is_stored(stage: Stage) -> None:
    await stage.put("Dentist", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")
    connection = await stage.connect()
    stage.world.clock.advance(timedelta(hours=2))
    await stage.press("/oauth/fail-token-requests", {"status": 503, "error": "unavailable", "times": 10})
    run = await stage.world.sync_under_lease(connection)
    assert run is not None
    assert run.error is not None
    kept = await stage.world.connection(connection.id)
    assert kept.status is Status.SYNCED
    assert await stage.world.titles() == ["Dentist"]


async def test_25_syncs_and_listings_that_renew_at_once_do_not_kill_the_grant(stage: Stage) -> None:
    connection = await stage.connect()
    stage.world.clock.advance(timedelta(hours=2))
    asked = (await stage.requests()).count("POST /token")
    calendars = stage.world.kalends.services.calendars
    await asyncio.gather(
        stage.world.sync(connection), *(calendars.list(stage.world.admin, connection.id) for _ in range(10))
    )
    assert (await stage.requests()).count("POST /token") == asked + 1
    assert (await stage.world.connection(connection.id)).status is Status.SYNCED


async def test_27_who_unticks_what_reading_needs_is_told_so_and_nothing_is_connected(stage: Stage) -> None:
    assert await stage.told(untick=["calendar.events"]) == {"error": "unsupported"}
    listed = await stage.world.kalends.connections.list(stage.world.admin, schedule_ids=None, partial_failure=False)
    assert listed.connections == []


async def test_48_a_state_of_one_browser_is_of_no_use_in_another(stage: Stage) -> None:
    brought = await stage.consent(await stage.leave(), account=ANN)
    own = dict(stage.browser.cookies)
    stage.browser.cookies.clear()
    assert (await stage.browser.get(brought)).status_code == 400
    assert "connectionId" not in (await stage.browser.get(brought)).text
    stage.browser.cookies.update(own)
    assert (await stage.come_back(brought)).keys() == {"connectionId"}
    assert (await stage.browser.get(brought)).status_code == 400, "and once only"


async def test_48_nobody_is_sent_on_to_where_a_made_up_state_says(stage: Stage) -> None:
    for query in ("state=https://evil.example", "state=&code=c", "code=c&redirectUrl=https://evil.example"):
        answer = await stage.browser.get(f"{HERE}/connect/callback?{query}")
        assert answer.status_code == 400
        assert "location" not in answer.headers
    with pytest.raises(Invalid):
        await stage.world.kalends.authorizing.begin(
            stage.world.admin,
            provider_id=GOOGLE_ID,
            schedule_id=stage.world.schedule.id,
            redirect_url="https://evil.example/",
        )
