"""Connecting a Google account, from the site's first question to the events of its calendars."""

from datetime import timedelta

import pytest

from kalends.connections.sync_config import ExportChange, SyncConfigChange
from kalends.model.connection import ErrorReason, ExportTarget, Status
from kalends.model.errors import PreconditionFailed
from kalends.model.provider import ConnectScopes
from tests.google.stage import ANN, BEN, GOOGLE_ID, Stage

SCOPES = "https://www.googleapis.com/auth/"


async def test_a_person_who_consents_is_connected_and_their_events_block(stage: Stage) -> None:
    await stage.put("Dentist", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")
    connection = await stage.connect()
    assert connection.status is Status.SYNCED
    assert connection.account_email == ANN.email
    assert connection.account_key == f"{stage.url} {ANN.id}"
    assert connection.scopes is not None
    assert {f"{SCOPES}calendar.events", f"{SCOPES}calendar.app.created"} <= connection.scopes
    assert await stage.world.titles() == ["Dentist"]


async def test_declining_is_a_rejection(stage: Stage) -> None:
    assert await stage.told(button="cancel") == {"error": "reject"}


@pytest.mark.parametrize("needed", ["calendar.events", "calendar.calendarlist.readonly"])
async def test_what_reading_needs_has_to_be_consented_to(stage: Stage, needed: str) -> None:
    assert await stage.told(untick=[needed]) == {"error": "unsupported"}


async def test_a_calendar_of_our_own_need_not_be_consented_to_until_it_is_wanted(stage: Stage) -> None:
    connection = await stage.connect(untick=["calendar.app.created"])
    assert connection.status is Status.SYNCED
    change = SyncConfigChange(exports=ExportChange(enabled=True, target=ExportTarget.DEDICATED))
    with pytest.raises(PreconditionFailed) as refused:
        await stage.world.kalends.services.sync_configs.update(stage.world.admin, connection.id, change)
    assert (refused.value.code, refused.value.data["reason"]) == ("NOT_SUPPORTED_BY_PROVIDER", "CONSENT_REQUIRED")
    assert refused.value.data["reconnectUrl"].startswith("http://127.0.0.1:8080/connect/")


async def test_a_site_that_only_reads_asks_for_reading_alone(stage: Stage) -> None:
    await stage.world.kalends.sites.update(stage.world.site.id, connect_scopes=ConnectScopes.READ)
    connection = await stage.connect()
    assert connection.status is Status.SYNCED
    assert connection.scopes is not None
    assert f"{SCOPES}calendar.events.readonly" in connection.scopes
    assert f"{SCOPES}calendar.events" not in connection.scopes


async def test_reconnecting_is_the_same_connection_without_another_consent(stage: Stage) -> None:
    first = await stage.connect()
    again = await stage.connect()
    assert again.id == first.id
    assert again.status is Status.SYNCED
    stage.world.clock.advance(timedelta(hours=2))
    assert (await stage.world.sync(again)).error is None, "what lasted of the first consent still does"


async def test_another_account_beside_it_is_another_connection(stage: Stage) -> None:
    first = await stage.connect()
    second = await stage.connect(account=BEN)
    assert second.id != first.id
    assert second.account_email == BEN.email


async def test_the_access_token_is_renewed_shortly_before_it_runs_out(stage: Stage) -> None:
    connection = await stage.connect()
    asked = (await stage.requests()).count("POST /token")
    stage.world.clock.advance(timedelta(minutes=57))
    await stage.world.sync(connection)
    assert (await stage.requests()).count("POST /token") == asked
    stage.world.clock.advance(timedelta(minutes=1))
    assert (await stage.world.sync(connection)).error is None
    await stage.world.sync(connection)
    assert (await stage.requests()).count("POST /token") == asked + 1


async def test_a_token_that_is_refused_before_its_time_is_renewed_at_once(stage: Stage) -> None:
    connection = await stage.connect()
    await stage.press("/oauth/expire-access-tokens", {})
    assert (await stage.world.sync(connection)).error is None


async def test_a_withdrawn_consent_is_an_error_until_it_is_given_again(stage: Stage) -> None:
    await stage.put("Dentist", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")
    connection = await stage.connect()
    await stage.withdraw()
    asked = (await stage.requests()).count("POST /token")
    for _ in range(2):
        run = await stage.world.sync_under_lease(connection)
        assert run is not None
        assert run.error is not None
    broken = await stage.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    assert (await stage.requests()).count("POST /token") - asked <= 2, "no storm"
    healed = await stage.connect()
    assert (healed.id, healed.status) == (connection.id, Status.SYNCED)
    assert await stage.world.titles() == ["Dentist"]


async def test_google_is_offered_only_where_it_is_set_up(stage: Stage) -> None:
    listed = await stage.world.kalends.directory.list(stage.world.site.id)
    assert [one.id for one in listed] == [GOOGLE_ID]
    assert "secret" not in repr(listed).lower()
