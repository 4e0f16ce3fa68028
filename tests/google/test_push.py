"""Being told of changes by Google: channels, what they bring, and what is done without them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.jobs.watching import CLAIMED_FOR, RENEW_BEFORE
from kalends.model.connection import Connection, ImportChoice
from kalends.providers.base import ChannelOpened
from kalends.providers.errors import Unavailable
from kalends.providers.google.channels import watch
from tests.google.stage import ANN, Stage, staged
from tests.push import is_told, is_wanted, kept, reachable, shows_while_a_worker_runs, until


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which Google reaches Kalends."""
    async with reachable(staged, database_url, tmp_path) as one:
        yield one


async def watched(stage: Stage) -> Connection:
    """Connect, and have a channel opened, whose first notification has come."""
    connection = await stage.connect()
    assert await stage.world.kalends.watching.once() == 1
    await until(lambda: is_told(stage, connection))
    return connection


async def at_google(stage: Stage) -> list[str]:
    """Return the ids of the channels that Google has."""
    said = await stage.press("/push", verb="GET")
    return [one["id"] for one in said["channels"]]


async def notify(stage: Stage, channel_id: str, resource_id: str | None, token: str, state: str = "exists") -> int:
    headers = {
        "X-Goog-Channel-ID": channel_id,
        "X-Goog-Resource-ID": resource_id or "",
        "X-Goog-Channel-Token": token,
        "X-Goog-Resource-State": state,
    }
    return (await stage.browser.post("/hooks/google", headers=headers)).status_code


async def test_a_change_is_told_and_read(stage: Stage) -> None:
    connection = await watched(stage)
    assert not await is_wanted(stage, connection)
    await stage.put("Dentist", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")
    await until(lambda: is_wanted(stage, connection))
    await stage.world.sync(connection)
    assert await stage.world.titles() == ["Dentist"]


async def test_a_change_shows_while_the_worker_runs_without_a_poll(stage: Stage) -> None:
    await watched(stage)
    await shows_while_a_worker_runs(stage, "Dentist", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")


async def test_what_was_opened_is_asked_for_once(stage: Stage) -> None:
    await watched(stage)
    assert await stage.world.kalends.watching.once() == 0
    assert (await stage.requests()).count("POST /calendar/v3/calendars/ann@gmail.com/events/watch") == 1


async def test_with_push_polls_are_rare_and_never_none(stage: Stage) -> None:
    connection = await watched(stage)
    await stage.world.sync(connection)
    now = stage.world.clock.now()
    later = await stage.world.connection(connection.id)
    assert later.next_sync_at is not None
    assert timedelta(minutes=25) < later.next_sync_at - now < timedelta(minutes=35)
    stage.world.clock.advance(timedelta(days=8))
    await stage.world.sync(connection)
    sooner = await stage.world.connection(connection.id)
    assert sooner.next_sync_at is not None
    assert sooner.next_sync_at - stage.world.clock.now() < timedelta(minutes=20), "the channel has run out"


async def test_a_channel_is_replaced_before_it_runs_out_and_the_earlier_one_stopped(stage: Stage) -> None:
    connection = await watched(stage)
    (first,) = await kept(stage)
    stage.world.clock.advance(first.expires_at - stage.world.clock.now() - RENEW_BEFORE)
    await stage.world.sync(connection)
    assert await stage.world.kalends.watching.once() == 1
    (second,) = await kept(stage)
    assert second.id != first.id
    assert second.expires_at > first.expires_at
    assert await at_google(stage) == [second.id]
    await stage.world.sync(connection)
    await stage.put("Dentist", "2026-11-30T10:00:00Z", "2026-11-30T11:00:00Z")
    await until(lambda: is_wanted(stage, connection))


async def test_29_unknown_channels_and_wrong_tokens_are_answered_and_ignored(stage: Stage) -> None:
    connection = await watched(stage)
    (channel,) = await kept(stage)
    for said in (
        ("unknown", channel.resource_id, "token"),
        (channel.id, channel.resource_id, "wrong"),
        (channel.id, channel.resource_id, ""),
        (channel.id, "another", "token"),
        ("x" * 5_000, channel.resource_id, "token"),
    ):
        assert await notify(stage, *said) == 200
    assert (await stage.browser.post("/hooks/google")).status_code == 200
    assert not await is_wanted(stage, connection)


async def test_30_a_calendar_that_cannot_be_watched_is_polled(stage: Stage) -> None:
    holidays = "en.german#holiday@group.v.calendar.google.com"
    stage.state.add_calendar(stage.state.accounts[ANN.email], holidays, "Holidays", "Europe/Berlin")
    connection = await stage.connect()
    kalends = stage.world.kalends
    change = ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=(holidays,))
    await kalends.services.sync_configs.update(stage.world.admin, connection.id, SyncConfigChange(imports=change))
    await stage.world.sync(connection)
    assert await kalends.watching.once() == 0
    assert await kalends.watching.once() == 0
    assert len([one for one in await stage.requests() if one.endswith("/watch")]) == 1, "it is not asked again at once"
    await stage.world.sync(connection)
    polled = await stage.world.connection(connection.id)
    assert polled.error_reason is None
    assert polled.next_sync_at is not None
    assert polled.next_sync_at - stage.world.clock.now() < timedelta(minutes=20)


async def test_who_disconnects_is_woken_no_more(stage: Stage) -> None:
    connection = await watched(stage)
    (channel,) = await kept(stage)
    await stage.world.kalends.disconnecting.disconnect(stage.world.admin, connection.id)
    assert await kept(stage) == []
    assert await notify(stage, channel.id, channel.resource_id, "token") == 200
    assert await at_google(stage) == [channel.id]
    assert await stage.world.kalends.watching.once() == 0
    assert await at_google(stage) == [], "it was stopped there too"
    await stage.connect()
    assert await stage.world.kalends.watching.once() == 1


async def test_who_connects_anew_is_told_by_a_channel_of_the_new_consent_alone(stage: Stage) -> None:
    await watched(stage)
    (first,) = await kept(stage)
    await stage.connect()
    assert await stage.world.kalends.watching.once() == 1
    (second,) = await kept(stage)
    assert second.id != first.id
    assert await at_google(stage) == [second.id]


async def test_a_calendar_that_is_chosen_is_watched_at_once_and_one_that_is_no_more_is_not(stage: Stage) -> None:
    connection = await watched(stage)
    (first,) = await kept(stage)
    team = "team@group.calendar.google.com"
    stage.state.add_calendar(stage.state.accounts[ANN.email], team, "Team", "Europe/Berlin")
    kalends = stage.world.kalends
    change = ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=(team,))
    await kalends.services.sync_configs.update(stage.world.admin, connection.id, SyncConfigChange(imports=change))
    await stage.world.sync(connection)
    assert await kalends.watching.once() == 1
    (second,) = await kept(stage)
    assert second.calendar_id != first.calendar_id
    assert await at_google(stage) == [second.id]
    change = ImportChange(enabled=False)
    await kalends.services.sync_configs.update(stage.world.admin, connection.id, SyncConfigChange(imports=change))
    assert await kalends.watching.once() == 0
    assert await at_google(stage) == []


async def test_a_channel_whose_notifications_do_not_reach_us_does_not_make_polls_rare(stage: Stage) -> None:
    await stage.press("/push", {"drop": True})
    connection = await stage.connect()
    assert await stage.world.kalends.watching.once() == 1
    await stage.world.sync(connection)
    polled = await stage.world.connection(connection.id)
    assert polled.next_sync_at is not None
    assert polled.next_sync_at - stage.world.clock.now() < timedelta(minutes=20)
    assert not await is_told(stage, connection)


async def test_a_channel_whose_opening_was_not_answered_is_stopped_once_it_is_known(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google has opened it, and its first notification has come; the answer has not."""
    connection = await stage.connect()

    async def unanswered(*asked: Any) -> ChannelOpened:
        await watch(*asked)
        await until(has_come)
        raise Unavailable("the answer was lost")

    async def has_come() -> bool:
        return any(one.proven_at for one in await kept(stage))

    kalends = stage.world.kalends
    with monkeypatch.context() as patched:
        patched.setattr("kalends.providers.google.session.watch", unanswered)
        assert await kalends.watching.once() == 0
    assert len(await at_google(stage)) == 1
    assert await kept(stage) == []
    assert not await is_told(stage, connection)
    stage.world.clock.advance(CLAIMED_FOR)
    await stage.world.sync(connection)
    assert await kalends.watching.once() == 1
    (channel,) = await kept(stage)
    assert await at_google(stage) == [channel.id]


async def test_nobody_is_watched_where_google_cannot_reach_us(stage: Stage) -> None:
    google = stage.world.kalends.directory.kind(
        await stage.world.kalends.directory.named(stage.world.site.id, "google")
    )
    for public_url, api_url, reached in (
        ("https://calendar.example.com", "https://www.googleapis.com", True),
        ("http://calendar.example.com", "https://www.googleapis.com", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:9000", True),
    ):
        assert google.reaches({"api_url": api_url}, public_url) is reached  # type: ignore[attr-defined] # Google's kind has it
