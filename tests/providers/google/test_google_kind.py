"""The contract that every provider keeps, kept by the kind itself: connected by a code, read with tokens it kept.

Google is the sandbox, what it is asked is held to Google's document, and what changes is changed as by its switches.
An account's access token has run out each time that its calendars are read, so that all of this goes by renewed ones.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from kalends.providers.google.config import check_config
from kalends.providers.google.kind import GOOGLE, GoogleKind
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.application import create_application
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from kalends.sandbox.google.serving import serving
from kalends.sandbox.google.state import State
from tests.providers.consenting import ConsentedWorld, Keeping
from tests.providers.contract import ConnectingContract, CountingClient, ReadingContract, TellsReadOnly
from tests.providers.google.test_google_sandbox import named, spoil
from tests.sandbox.google.discovery import Validated
from tests.sandbox.google.oauth_app import shared_keys
from tests.servers import LOOPBACK

ANN = User("101", "Ann@gmail.com", "Ann")
BEN = User("102", "ben@gmail.com", "Ben")
NOWHERE = "Etc/Nowhere"
"""A zone that nobody knows: Google always names one."""


@dataclass
class KeptKind(Keeping, GoogleKind):
    """The kind, for a contract that knows of no keeper."""

    itself = GOOGLE


@dataclass
class _World(ConsentedWorld[KeptKind, State]):
    async def press(self, verb: str, path: str, body: Mapping[str, Any] | None = None, user: User = ANN) -> Any:
        url = f"{self.config['api_url']}/_sandbox/users/{user.email}/calendars{path}"
        answer = await self.http.request(verb, url, json=body)
        return answer.json() if answer.status_code == 200 else None

    async def create_calendar(
        self, name: str, *, color: str | None = None, time_zone: str | None = None, owner: User = ANN
    ) -> str:
        key = str((await self.press("POST", "", {"summary": name, "timeZone": time_zone or "UTC"}, owner))["id"])
        shown = self.state.accounts[owner.email].entries[key].fields
        shown |= {"backgroundColor": color} if color else {}
        shown |= {} if time_zone else {"timeZone": NOWHERE}
        return key

    async def create_read_only_calendar(self, name: str) -> str:
        key = await self.create_calendar(name, owner=BEN)
        await self.press("POST", f"/{quote(key)}/share", {"email": ANN.email, "role": "reader"}, BEN)
        return key

    async def delete_calendar(self, calendar: str) -> None:
        assert await self.press("DELETE", f"/{quote(calendar)}") is not None

    def written(self, calendar: str) -> EventWriter:
        kept = self.state.calendars[calendar]
        return EventWriter(self.state, kept, kept.owner)

    async def put_event(self, calendar: str, event: str, *, title: str, **more: Any) -> None:
        times = {"start": {"dateTime": "2026-12-01T10:00:00Z"}, "end": {"dateTime": "2026-12-01T11:00:00Z"}}
        writer, body = self.written(calendar), {"summary": title, **times, **more}
        if writer.calendar.events.get(named(event)) is None:
            writer.insert({"id": named(event), **body})
        else:
            writer.update(named(event), body)

    async def rename_event(self, calendar: str, event: str, new_name: str) -> None:
        title = self.written(calendar).find(named(event)).fields["summary"]
        await self.put_event(calendar, new_name, title=title)
        await self.delete_event(calendar, event)

    async def break_event(self, calendar: str, event: str) -> None:
        await self.put_event(calendar, event, title="Broken-bad")
        spoil(self.state, calendar, event)

    async def delete_event(self, calendar: str, event: str) -> None:
        self.written(calendar).delete(named(event))

    def damaged(self, cursor: str) -> str:
        return cursor.replace('"token":"', '"token":"x')


@pytest.fixture
async def world() -> AsyncIterator[_World]:
    clock = SandboxClock()
    state, grants = State([ANN, BEN], clock), Grants(clock, users=[ANN, BEN], keys=shared_keys())
    app = grants.add_client("Salon")
    validated = Validated(create_application(state, grants, routes=routes(grants)))
    async with (
        serving(validated) as url,
        CountingClient(LOOPBACK) as client,
        httpx2.AsyncClient(trust_env=False) as http,
    ):
        places = dict.fromkeys(("accounts_url", "oauth_url", "api_url"), url)
        config = check_config({"client_id": app.id, "client_secret": app.secret, **places})
        made = _World(KeptKind(clock=clock), config, client, state, http, ANN.email, ANN.id)
        yield made
    assert validated.violations == []
    assert all(keeper.renewed == 1 for keeper in made.kind.keepers), "nothing was read by a token that had run out"


class TestGoogleKind(ConnectingContract, ReadingContract, TellsReadOnly):
    """Connected and read as any other provider is."""
