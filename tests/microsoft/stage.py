"""Kalends and a Microsoft that stands in, both whole: the browser of a person goes between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kalends.providers.microsoft.kind import MICROSOFT
from kalends.sandbox.microsoft.application import create_application
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth import routes
from kalends.sandbox.microsoft.state import State
from tests.oauth_stage import OAuthStage, OneClock, Sandbox, stage_at
from tests.world import ManualClock

ANN = User.of("ann@salon.example", "Ann")
"""An account of work."""
BEN = User.of("ben@outlook.com", "Ben")
"""A personal account."""
MICROSOFT_ID = MICROSOFT.built_in_id or ""
URLS = ("microsoft_login_url", "microsoft_graph_url")


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
    clock = ManualClock()
    shared = OneClock(clock)
    state = State([ANN, BEN], shared)
    grants = Grants(shared, users=[ANN, BEN])
    client = grants.add_client("Salon")
    application = create_application(state, grants, routes=routes(grants), gather=0.02, pauses=(0.05, 0.05))
    sandbox = Sandbox(MICROSOFT, URLS, application, client.id, client.secret, lambda: titles(state))
    make = partial(Stage, somebody=ANN, grants=grants, state=state)
    async with stage_at(sandbox, clock, make, database_url, folder, **settings) as stage:
        yield stage
