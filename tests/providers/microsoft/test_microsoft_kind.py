"""The contract that every provider keeps, kept by the kind for Microsoft: connected by a code, read by renewed tokens.

Microsoft is the sandbox, which refuses parameters and fields that Graph does not know. An account's access token has
run out each time that its calendars are read.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kalends.providers.microsoft.config import check_config
from kalends.providers.microsoft.kind import MICROSOFT, MicrosoftKind
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.microsoft.application import create_application
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth import routes
from kalends.sandbox.microsoft.state import State
from kalends.sandbox.serving import serving
from tests.leaks import LISTENER
from tests.providers.consenting import ConsentedWorld, Keeping
from tests.providers.contract import CountingClient, ReadingContract, TellsReadOnly
from tests.sandbox.google.oauth_app import shared_keys
from tests.servers import LOOPBACK

ANN = User.of("Ann@salon.example", "Ann")
BEN = User.of("ben@salon.example", "Ben")
SPOILT = "Broken-bad"


class Spoiling:
    """A Graph that lists events of one title with a start that nobody can read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def spoilt(message: Message) -> None:
            if message["type"] == "http.response.body" and SPOILT.encode() in message.get("body", b""):
                said = json.loads(message["body"])
                for event in said.get("value", []):
                    if event.get("subject") == SPOILT:
                        event["start"]["dateTime"] = "never"
                body = json.dumps(said, separators=(",", ":")).encode()
                # what was announced as the length stands in a message before
                message = {**message, "body": body.ljust(len(message["body"]))}
            await send(message)

        await self._app(scope, receive, spoilt)


@dataclass
class KeptKind(Keeping, MicrosoftKind):
    """The kind, for a contract that knows of no keeper."""

    itself = MICROSOFT


@dataclass
class _World(ConsentedWorld[KeptKind, State]):
    ids: dict[str, str] = field(default_factory=dict)

    async def press(self, verb: str, path: str, body: Mapping[str, Any] | None = None, user: User = ANN) -> Any:
        url = f"{self.config['graph_url']}/_sandbox/users/{user.email}/calendars{path}"
        answer = await self.http.request(verb, url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create_calendar(
        self, name: str, *, color: str | None = None, time_zone: str | None = None, owner: User = ANN
    ) -> str:
        del color, time_zone
        return str((await self.press("POST", "", {"name": name}, owner))["id"])

    async def create_read_only_calendar(self, name: str) -> str:
        theirs = await self.create_calendar(name, owner=BEN)
        return str((await self.press("POST", f"/{quote(theirs)}/share", {"email": ANN.email}, BEN))["id"])

    async def delete_calendar(self, calendar: str) -> None:
        await self.press("DELETE", f"/{quote(calendar)}")

    async def put_event(self, calendar: str, event: str, *, title: str) -> None:
        LISTENER.add_title(title)
        times = {
            name: {"dateTime": f"2026-12-01T{hour}:00:00", "timeZone": "UTC"}
            for name, hour in (("start", 10), ("end", 11))
        }
        path = f"/{quote(calendar)}/events"
        if event in self.ids:
            await self.press("PATCH", f"{path}/{quote(self.ids[event])}", {"subject": title, **times})
        else:
            self.ids[event] = str((await self.press("POST", path, {"subject": title, **times}))["id"])

    async def rename_event(self, calendar: str, event: str, new_name: str) -> None:
        listed = (await self.press("GET", f"/{quote(calendar)}/events"))["events"]
        (title,) = [one["subject"] for one in listed if one["id"] == self.ids[event]]
        await self.put_event(calendar, new_name, title=title)
        await self.delete_event(calendar, event)

    async def break_event(self, calendar: str, event: str) -> None:
        await self.put_event(calendar, event, title=SPOILT)

    async def delete_event(self, calendar: str, event: str) -> None:
        await self.press("DELETE", f"/{quote(calendar)}/events/{quote(self.ids.pop(event))}")

    def damaged(self, cursor: str) -> str:
        return cursor.replace("deltatoken=", "deltatoken=x")


@pytest.fixture
async def world() -> AsyncIterator[_World]:
    clock = SandboxClock()
    state, grants = State([ANN, BEN], clock), Grants(clock, users=[ANN, BEN], keys=shared_keys())
    app = grants.add_client("Salon")
    async with (
        serving(Spoiling(create_application(state, grants, routes=routes(grants)))) as url,
        CountingClient(LOOPBACK) as client,
        httpx2.AsyncClient(trust_env=False) as http,
    ):
        config = check_config({"client_id": app.id, "client_secret": app.secret, "login_url": url, "graph_url": url})
        made = _World(KeptKind(clock=clock), config, client, state, http, ANN.email, ANN.id)
        yield made
    assert all(keeper.renewed == 1 for keeper in made.kind.keepers), "nothing was read by a token that had run out"


class TestMicrosoftKind(ReadingContract, TellsReadOnly):
    """Read as any other provider is."""


async def test_connecting_finds_the_account_and_its_addresses(world: _World) -> None:
    account = await world.connect()
    assert account.key == (await world.connect()).key
    assert account.key == f"{world.config['login_url']}/{ANN.tenant_id}/v2.0 {ANN.id}"
    assert (account.email, account.addresses) == (ANN.email, frozenset({ANN.email.lower()}))


async def test_calendars_are_listed_with_what_is_known_of_them(world: _World) -> None:
    """Graph says nothing of a calendar's zone: all it tells is told in UTC."""
    work = await world.create_calendar("Work & <play> ünï")
    theirs = await world.create_read_only_calendar("Ben's")
    credentials = (await world.connect()).credentials
    async with world.kind.session(world.client, world.config, credentials) as session:
        calendars = {calendar.id: calendar for calendar in await session.list_calendars()}
    assert len(calendars) == 3
    (primary,) = [one for one in calendars.values() if one.primary]
    assert (primary.own, primary.writable) == (True, True)
    assert (calendars[work].name, calendars[work].own, calendars[work].writable) == ("Work & <play> ünï", True, True)
    assert (calendars[theirs].own, calendars[theirs].writable) == (False, False)
