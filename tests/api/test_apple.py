"""Connecting an Apple account through the API: above all, what a person is told who gives the wrong password."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from kalends.api.application import create_api
from kalends.providers.apple import APPLE
from tests.api.conftest import BASE
from tests.icloud.account import ICloudAccount, Throttle
from tests.icloud.running import RunningICloud
from tests.world import World, settings_for, world_on


@pytest.fixture
async def world(sqlite_url: str, tmp_path: Path, kalends_reaches_icloud: RunningICloud) -> AsyncIterator[World]:
    assert kalends_reaches_icloud.port
    async with world_on(settings_for(sqlite_url, tmp_path)) as made:
        yield made


@pytest.fixture
def account(icloud: RunningICloud) -> ICloudAccount:
    made = icloud.account()
    icloud.behind.make_calendar(f"{made.login.home}home/")
    return made


async def connect(world: World, account: ICloudAccount, password: str) -> httpx2.Response:
    key, _ = await world.kalends.clients.create_api_key(world.site.id)
    headers = {"Authorization": key, "wix-site-id": world.site.id}
    transport = httpx2.ASGITransport(app=create_api(world.kalends.services))
    async with httpx2.AsyncClient(
        transport=transport, base_url=f"http://kalends.test{BASE}", headers=headers
    ) as client:
        (provider,) = [
            one for one in (await client.get("/providers")).json()["providers"] if one["id"] == APPLE.built_in_id
        ]
        assert provider["features"]["connectMethods"] == ["CREDENTIALS"]
        body = {
            "providerId": provider["id"],
            "scheduleId": world.schedule.id,
            "email": account.login.email,
            "password": password,
        }
        return await client.post("/connections:connectByCredentials", json=body)


async def test_the_password_of_an_apple_account_is_refused_with_the_way_to_an_app_specific_one(
    world: World, account: ICloudAccount
) -> None:
    answer = await connect(world, account, "the password of the Apple Account")
    assert answer.status_code == 401
    error = answer.json()["details"]["applicationError"]
    assert error["code"] == "BAD_CREDENTIALS"
    assert "app-specific password" in error["description"]
    assert "account.apple.com under Sign-In and Security" in error["description"]
    assert "www-authenticate" not in answer.headers, "what Apple offers is not offered on"


async def test_an_app_specific_password_connects(world: World, account: ICloudAccount) -> None:
    answer = await connect(world, account, account.login.password)
    assert answer.status_code == 200
    assert answer.json()["connection"]["providerId"] == APPLE.built_in_id
    assert account.login.password not in answer.text


async def test_a_throttled_account_is_no_wrong_password(world: World, account: ICloudAccount) -> None:
    account.throttle = Throttle(retry_after="60")
    answer = await connect(world, account, account.login.password)
    assert answer.status_code == 503
    assert answer.json()["details"]["applicationError"]["code"] == "PROVIDER_UNAVAILABLE"
