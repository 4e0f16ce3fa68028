"""Kalends and a Microsoft that stands in, both whole: the browser of a person goes between them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from structlog.testing import capture_logs

from kalends.api.application import create_api
from kalends.providers.microsoft.kind import MICROSOFT
from kalends.sandbox.microsoft.application import create_application
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth import routes
from kalends.sandbox.microsoft.state import State
from kalends.sandbox.serving import serving
from tests.leaks import LISTENER
from tests.oauth_stage import HERE, SITE, OAuthStage, OneClock, check_log
from tests.world import ManualClock, settings_for, world_on

ANN = User.of("ann@salon.example", "Ann")
"""An account of work."""
BEN = User.of("ben@outlook.com", "Ben")
"""A personal account."""
MICROSOFT_ID = MICROSOFT.built_in_id or ""


@dataclass(kw_only=True)
class Stage(OAuthStage):
    """A world whose provider Microsoft is a sandbox at `url`, and somebody's browser."""

    grants: Grants
    state: State

    async def put(self, title: str, start: str, end: str, *, account: User = ANN, **fields: Any) -> str:
        """Make an event in somebody's default calendar, from and to times in UTC; return its id."""
        times = {name: {"dateTime": text, "timeZone": "UTC"} for name, text in (("start", start), ("end", end))}
        event = {"subject": title, **times, **fields}
        said = await self.press(f"/users/{account.email}/calendars/primary/events", event)
        return str(said["id"])

    async def change(self, event_id: str, account: User = ANN, **fields: Any) -> None:
        """Change an event, or an instance of a series."""
        await self.press(f"/users/{account.email}/calendars/primary/events/{event_id}", fields, "PATCH")

    async def delete(self, event_id: str, account: User = ANN) -> None:
        """Delete an event, an instance of a series, or the series."""
        await self.press(f"/users/{account.email}/calendars/primary/events/{event_id}", verb="DELETE")


def titles(state: State) -> set[str]:
    """Return the titles of all events of a sandbox."""
    events = (
        event
        for mailbox in state.mailboxes.values()
        for calendar in mailbox.calendars.values()
        for event in calendar.events
    )
    return {str(subject) for event in events if (subject := event.fields.get("subject"))}


@asynccontextmanager
async def staged(database_url: str, folder: Path, **settings: Any) -> AsyncIterator[Stage]:
    """Serve a sandbox, and assemble a Kalends that takes it for Microsoft."""
    clock = ManualClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    shared = OneClock(clock)
    state = State([ANN, BEN], shared)
    grants = Grants(shared, users=[ANN, BEN])
    client = grants.add_client("Salon")
    application = create_application(state, grants, routes=routes(grants), gather=0.02, pauses=(0.05, 0.05))
    async with AsyncExitStack() as stack:
        logged = stack.enter_context(capture_logs())
        url = await stack.enter_async_context(serving(application))
        microsoft = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        given = settings_for(
            database_url,
            folder,
            microsoft_client_id=client.id,
            microsoft_client_secret=client.secret,
            microsoft_login_url=url,
            microsoft_graph_url=url,
            **settings,
        )
        async with world_on(given, kinds={MICROSOFT.kind: MICROSOFT}, clock=clock) as world:
            await world.kalends.sites.update(world.site.id, redirect_origins=[SITE])
            transport = httpx2.ASGITransport(app=create_api(world.kalends.services))
            async with httpx2.AsyncClient(transport=transport, base_url=HERE) as browser:
                stage = Stage(
                    world=world,
                    url=url,
                    client_id=client.id,
                    provider_id=MICROSOFT_ID,
                    somebody=ANN,
                    there=microsoft,
                    browser=browser,
                    grants=grants,
                    state=state,
                )
                yield stage
        stage.secrets.add(client.secret)
        for title in titles(state):
            LISTENER.add_title(title)
        check_log(logged, stage.secrets | titles(state))
