"""Kalends and a Google that stands in, both whole: the browser of a person goes between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from kalends.providers.google.kind import GOOGLE
from kalends.sandbox.google.application import create_application
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from kalends.sandbox.google.state import State
from tests.oauth_stage import HERE, OAuthStage, OneClock, Sandbox, stage_at
from tests.sandbox.google.discovery import Validated
from tests.world import ManualClock

ANN = User("101", "ann@gmail.com", "Ann")
BEN = User("102", "ben@gmail.com", "Ben")
GOOGLE_ID = GOOGLE.built_in_id or ""
URLS = ("google_accounts_url", "google_oauth_url", "google_api_url")

__all__ = ["ANN", "BEN", "GOOGLE_ID", "HERE", "Stage", "staged", "titles"]


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
    clock = ManualClock()
    shared = OneClock(clock)
    state = State([ANN, BEN], shared)
    grants = Grants(shared, users=[ANN, BEN])
    client = grants.add_client("Salon")
    application = create_application(state, grants, routes=routes(grants), gather=0.02, pauses=(0.05, 0.05))
    validated = Validated(application)
    sandbox = Sandbox(GOOGLE, URLS, validated, client.id, client.secret, lambda: titles(state))
    make = partial(Stage, somebody=ANN, grants=grants, state=state)
    async with stage_at(sandbox, clock, make, database_url, folder, **settings) as stage:
        yield stage
    assert validated.of("request") == []
    assert validated.of("answer") == []
