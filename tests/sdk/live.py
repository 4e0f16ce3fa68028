"""A whole Kalends behind a real HTTP server, with a site, a calendar account, and every way to call it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kalends.access.authentication import Headers
from kalends.access.clients import NewApp
from kalends.api.application import create_api
from kalends.app import Kalends, assemble
from kalends.model.identity import Role
from tests.api.serving import serving
from tests.servers import CalDavServer, Login
from tests.world import ics, settings_for


@dataclass(frozen=True)
class LiveServer:
    """Where the server is, and what a client needs to call it."""

    kalends: Kalends
    url: str
    site_id: str
    owner_id: str
    schedule_id: str
    provider_id: str
    app: NewApp
    app_token: str
    owner_token: str
    api_key: str
    login: Login

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the scripts (see docs/sdk.md)."""
        return {
            "KALENDS_TEST_URL": self.url,
            "KALENDS_TEST_TOKEN": self.app_token,
            "KALENDS_TEST_APP_ID": self.app.client_id,
            "KALENDS_TEST_APP_SECRET": self.app.client_secret,
            "KALENDS_TEST_INSTANCE_ID": self.app.instance_id,
            "KALENDS_TEST_API_KEY": self.api_key,
            "KALENDS_TEST_SITE_ID": self.site_id,
            "KALENDS_TEST_SCHEDULE_ID": self.schedule_id,
            "KALENDS_TEST_PROVIDER_ID": self.provider_id,
            "KALENDS_TEST_EMAIL": self.login.email,
            "KALENDS_TEST_PASSWORD": self.login.password,
        }

    async def connect(self) -> str:
        """Connect the account to the schedule; return the connection's id."""
        identity = await self.kalends.services.authentication.identify(Headers(self.app_token))
        view = await self.kalends.connecting.by_credentials(
            identity,
            provider_id=self.provider_id,
            schedule_id=self.schedule_id,
            email=self.login.email,
            password=self.login.password,
        )
        return view.connection.id


@asynccontextmanager
async def live_kalends(database_url: str, folder: Path, calendars: CalDavServer) -> AsyncIterator[LiveServer]:
    """Run everything: the API over HTTP, the worker, and a calendar account with two events."""
    settings = settings_for(database_url, folder, first_read_wait=timedelta(seconds=20))
    login = calendars.login()
    calendars.make_calendar(f"{login.home}work/", "<d:displayname>Work</d:displayname>")
    today = datetime.now(UTC)
    for days, title in ((1, "Dentist"), (2, "Lunch")):
        start = f"{today + timedelta(days=days):%Y%m%d}T100000Z"
        calendars.put(f"{login.home}work/{title}.ics", ics(title, title, start, lines="DURATION:PT1H\n"))
    async with assemble(settings) as kalends:
        live = await _populated(kalends, calendars, login)
        syncing = asyncio.create_task(kalends.worker.run(asyncio.Event()))
        try:
            async with serving(create_api(kalends.services)) as url:
                yield live(url)
        finally:
            syncing.cancel()
            await asyncio.gather(syncing, return_exceptions=True)


async def _populated(kalends: Kalends, calendars: CalDavServer, login: Login) -> Any:
    site = await kalends.sites.create("Salon", time_zone="Europe/Berlin")
    user = await kalends.users.create(site.id, email="ada@example.org", name="Ada", role=Role.STAFF)
    schedule = await kalends.schedules.create(site, name="Ada's chair", owner_id=user.id)
    provider = await kalends.installation.install(site.id, "caldav", name="Test server", config={"url": calendars.url})
    app = await kalends.clients.create_app(site.id, name="Booking product")
    api_key, _ = await kalends.clients.create_api_key(site.id)
    app_token = (await kalends.tokens.for_app(site.id, app.client_id)).token
    owner_token = (await kalends.tokens.for_user(site.id, user.id)).token
    return lambda url: LiveServer(
        kalends=kalends,
        url=url,
        site_id=site.id,
        owner_id=user.id,
        schedule_id=schedule.id,
        provider_id=provider.id,
        app=app,
        app_token=app_token,
        owner_token=owner_token,
        api_key=api_key,
        login=login,
    )
