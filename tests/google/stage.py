"""Kalends and a Google that stands in, both whole: the browser of a person goes between them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from structlog.testing import capture_logs

from kalends.api.application import create_api
from kalends.providers.google.kind import GOOGLE
from kalends.sandbox.google.application import create_application
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from kalends.sandbox.google.serving import serving
from kalends.sandbox.google.state import State
from tests.leaks import LISTENER
from tests.oauth_stage import BACK, HERE, SITE, OAuthStage, OneClock, check_log
from tests.sandbox.google.discovery import Validated
from tests.world import ManualClock, settings_for, world_on

ANN = User("101", "ann@gmail.com", "Ann")
BEN = User("102", "ben@gmail.com", "Ben")
GOOGLE_ID = GOOGLE.built_in_id or ""

__all__ = ["ANN", "BACK", "BEN", "GOOGLE_ID", "HERE", "SITE", "OneClock", "Stage", "check_log", "staged", "titles"]


@dataclass(kw_only=True)
class Stage(OAuthStage):
    """A world whose provider Google is a sandbox at `url`, and somebody's browser."""

    grants: Grants
    state: State

    @property
    def google(self) -> httpx2.AsyncClient:
        """Speaks to the sandbox: as a browser, and to its switches."""
        return self.there

    async def withdraw(self) -> None:
        """Have Ann take back what she consented to, on Google's own pages."""
        await self.press("/oauth/withdraw", {"user": ANN.email, "client_id": self.client_id})

    async def put(self, title: str, start: str, end: str, **fields: Any) -> str:
        """Make an event in Ann's primary calendar; return its id."""
        event = {"summary": title, "start": {"dateTime": start}, "end": {"dateTime": end}, **fields}
        said = await self.press(f"/users/{ANN.email}/calendars/primary/events", event)
        return str(said["id"])


def titles(state: State) -> set[str]:
    """Return the titles of all events of a sandbox."""
    events = (event for calendar in state.calendars.values() for event in calendar.events)
    return {str(summary) for event in events if (summary := event.fields.get("summary"))}


@asynccontextmanager
async def staged(database_url: str, folder: Path, **settings: Any) -> AsyncIterator[Stage]:
    """Serve a sandbox, and assemble a Kalends that takes it for Google; what is asked of it is held to the document."""
    clock = ManualClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    shared = OneClock(clock)
    state = State([ANN, BEN], shared)
    grants = Grants(shared, users=[ANN, BEN])
    client = grants.add_client("Salon")
    application = create_application(state, grants, routes=routes(grants), gather=0.02, pauses=(0.05, 0.05))
    validated = Validated(application)
    async with AsyncExitStack() as stack:
        logged = stack.enter_context(capture_logs())
        url = await stack.enter_async_context(serving(validated))
        google = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        given = settings_for(
            database_url,
            folder,
            google_client_id=client.id,
            google_client_secret=client.secret,
            google_accounts_url=url,
            google_oauth_url=url,
            google_api_url=url,
            **settings,
        )
        async with world_on(given, kinds={GOOGLE.kind: GOOGLE}, clock=clock) as world:
            await world.kalends.sites.update(world.site.id, redirect_origins=[SITE])
            transport = httpx2.ASGITransport(app=create_api(world.kalends.services))
            async with httpx2.AsyncClient(transport=transport, base_url=HERE) as browser:
                stage = Stage(
                    world=world,
                    url=url,
                    client_id=client.id,
                    provider_id=GOOGLE_ID,
                    somebody=ANN,
                    there=google,
                    browser=browser,
                    grants=grants,
                    state=state,
                )
                yield stage
        stage.secrets.add(client.secret)
        for title in titles(state):
            LISTENER.add_title(title)
        check_log(logged, stage.secrets | titles(state))
    assert validated.of("request") == []
    assert validated.of("answer") == []
