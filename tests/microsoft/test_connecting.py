"""Connecting Microsoft accounts, of work and personal, the whole way through a browser."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.model.connection import ErrorReason, Status
from kalends.model.provider import ConnectScopes
from kalends.sandbox.microsoft.bearer import User
from tests.microsoft.stage import ANN, BEN, Stage, staged


@pytest.mark.parametrize("account", [ANN, BEN], ids=["work", "personal"])
async def test_a_person_connects_and_their_calendar_is_listed(stage: Stage, account: Any) -> None:
    await stage.put("Dentist", "2026-11-24T10:00:00", "2026-11-24T11:00:00", account=account)
    connection = await stage.connect(account=account)
    assert connection.status is Status.SYNCED
    assert connection.account_email == account.email
    assert connection.account_key == f"{stage.url}/{account.tenant_id}/v2.0 {account.id}"
    assert await stage.world.titles() == ["Dentist"]


async def test_the_same_account_again_is_the_same_connection(stage: Stage) -> None:
    first = await stage.connect()
    assert (await stage.connect()).id == first.id


async def test_who_declines_is_sent_back_with_reject(stage: Stage) -> None:
    assert await stage.told(button="cancel") == {"error": "reject"}


async def test_where_an_administrator_has_to_consent_first_it_is_unsupported(stage: Stage) -> None:
    await stage.press("/oauth/admin-consent", {"tenant": ANN.tenant_id})
    assert await stage.told() == {"error": "unsupported"}


async def test_an_account_without_a_mailbox_is_unsupported(stage: Stage) -> None:
    await stage.press(f"/users/{ANN.email}/mailbox", {"on": False})
    assert await stage.told() == {"error": "unsupported"}


@pytest.mark.parametrize(
    ("switch", "body"),
    [
        ("withdraw", {"user": ANN.email}),
        ("revoke-refresh-tokens", {"user": ANN.email}),
        ("conditional-access", {"user": ANN.email, "on": True}),
    ],
    ids=["consent withdrawn", "password changed", "conditional access"],
)
async def test_22_access_that_is_no_more_ends_in_an_error_and_no_storm_and_connecting_again_mends_it(
    stage: Stage, switch: str, body: dict[str, Any]
) -> None:
    connection = await stage.connect()
    named = {"client_id": stage.client_id} if switch == "withdraw" else {}
    await stage.press(f"/oauth/{switch}", body | named)
    await stage.press("/oauth/expire-access-tokens", {})
    await stage.forget_requests()
    await stage.world.sync(connection)
    broken = await stage.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    asked = await stage.requests()
    assert len([one for one in asked if one.endswith("/token")]) == 1, asked
    mended = await stage.connect()
    assert (mended.id, mended.status) == (connection.id, Status.SYNCED)


async def test_26_tokens_are_for_what_the_site_asks_for_and_less_is_asked_where_it_only_reads(stage: Stage) -> None:
    await stage.world.kalends.sites.update(stage.world.site.id, connect_scopes=ConnectScopes.READ)
    connection = await stage.connect()
    assert connection.scopes is not None
    assert "Calendars.Read" in connection.scopes
    assert "Calendars.ReadWrite" not in connection.scopes
    await stage.world.kalends.sites.update(stage.world.site.id, connect_scopes=ConnectScopes.FULL)
    wider = await stage.connect()
    assert wider.scopes is not None
    assert "Calendars.ReadWrite" in wider.scopes


async def test_each_renewal_brings_a_new_refresh_token_and_the_one_before_is_never_used_again(stage: Stage) -> None:
    await stage.press("/oauth/rotation", {"graceSeconds": 0})
    connection = await stage.connect()
    for _ in range(3):
        stage.world.clock.advance(timedelta(hours=2))
        await stage.world.sync(connection)
        assert (await stage.world.connection(connection.id)).status is Status.SYNCED
    said = await stage.press(f"/oauth/refreshes?user={ANN.email}&client_id={stage.client_id}", verb="GET")
    assert said == {"refreshes": 3}


async def test_25_two_workers_that_renew_at_once_lose_nothing(stage: Stage) -> None:
    await stage.press("/oauth/rotation", {"graceSeconds": 0})
    connection = await stage.connect()
    await stage.press("/oauth/expire-access-tokens", {})
    listing = stage.world.kalends.services.calendars
    lists = await asyncio.gather(*(listing.list(stage.world.admin, connection.id) for _ in range(4)))
    assert [[one.name for one in found] for found in lists] == [["Calendar"]] * 4
    said = await stage.press(f"/oauth/refreshes?user={ANN.email}&client_id={stage.client_id}", verb="GET")
    assert said == {"refreshes": 1}


@pytest.mark.parametrize(("tenant", "account"), [("consumers", BEN), ("organizations", ANN)])
async def test_people_are_sent_to_the_page_for_their_kind_of_accounts(
    database_url: str, tmp_path: Path, tenant: str, account: User
) -> None:
    async with staged(database_url, tmp_path, microsoft_tenant=tenant) as stage:
        url = await stage.leave()
        assert f"/{tenant}/oauth2/v2.0/authorize" in url
        assert "connectionId" in await stage.told(account=account)


async def test_an_account_of_another_tenant_than_the_one_wanted_is_not_connected(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever Microsoft's page let through, the ID token says whose the account is."""
    back = await stage.consent(await stage.leave())
    monkeypatch.setattr("kalends.providers.microsoft.auth._is_wanted", lambda tenant, _: tenant == BEN.tenant_id)
    assert await stage.come_back(back) == {"error": "unsupported"}
