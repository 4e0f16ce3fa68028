"""Kalends and a Google that stands in, both whole: the browser of a person goes between them."""

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
from structlog.testing import capture_logs

from kalends.api.application import create_api
from kalends.model.connection import Connection
from kalends.model.identity import Identity
from kalends.providers.google.kind import GOOGLE
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.application import create_application
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from kalends.sandbox.google.serving import serving
from kalends.sandbox.google.state import State
from tests.leaks import LISTENER
from tests.sandbox.google.discovery import Validated
from tests.sandbox.google.oauth_app import ConsentForm
from tests.world import ManualClock, World, settings_for, world_on

SITE = "https://shop.example"
BACK = f"{SITE}/done?a=1#part"
HERE = "http://127.0.0.1:8080"
ANN = User("101", "ann@gmail.com", "Ann")
BEN = User("102", "ben@gmail.com", "Ben")
GOOGLE_ID = GOOGLE.built_in_id or ""


class OneClock(SandboxClock):
    """The sandbox's clock, which is Kalends'."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> None:
        self._clock.advance(by)


@dataclass
class Stage:
    """A world whose provider Google is a sandbox at `url`, and somebody's browser."""

    world: World
    url: str
    client_id: str
    grants: Grants
    state: State
    google: httpx2.AsyncClient
    """Speaks to the sandbox: as a browser, and to its switches."""
    browser: httpx2.AsyncClient
    """Speaks to Kalends, as a browser."""
    secrets: set[str] = field(default_factory=set)
    """What was handed from one to the other on the way, and belongs into no log."""

    async def link(self, identity: Identity | None = None) -> str:
        return await self.world.kalends.authorizing.begin(
            identity or self.world.admin,
            provider_id=GOOGLE_ID,
            schedule_id=self.world.schedule.id,
            redirect_url=BACK,
        )

    async def leave(self) -> str:
        """Confirm on our own page; return where the browser is sent."""
        link = await self.link()
        gone = await self.browser.post(link, headers={"Origin": self.world.kalends.settings.public_url})
        assert gone.status_code == 303, gone.text
        self.secrets |= {link.rsplit("/", 1)[1], *dict(self.browser.cookies).values()}
        return self._sent(str(gone.headers["location"]))

    async def consent(
        self, url: str, *, account: User = ANN, untick: Sequence[str] = (), button: str = "continue"
    ) -> str:
        """Answer Google's page; return where the browser is sent."""
        shown = await self.google.get(url)
        if shown.status_code != 200:
            return str(shown.headers["location"])
        form = ConsentForm(shown.text)
        ticked = [("scope", one) for one in form.ticked if not any(one.endswith(scope) for scope in untick)]
        fields = [*form.hidden.items(), ("account", account.id), *ticked, ("action", button)]
        data: dict[str, Any] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        answer = await self.google.post(urljoin(url, form.action), data=data)
        assert answer.status_code in {302, 303}, answer.text
        return self._sent(str(answer.headers["location"]))

    def _sent(self, url: str) -> str:
        """Take note of the secrets in a URL to which the browser is sent."""
        query = dict(parse_qsl(urlsplit(url).query))
        self.secrets |= {query[name] for name in ("state", "code", "nonce", "code_challenge") if name in query}
        return url

    async def come_back(self, url: str) -> dict[str, str]:
        """Bring Google's answer to Kalends; return what the site is told."""
        answer = await self.browser.get(url)
        while answer.status_code == 303 and answer.headers["location"].startswith(self.url):
            answer = await self.browser.get(await self.consent(answer.headers["location"]))
        assert answer.status_code == 303, answer.text
        end = urlsplit(answer.headers["location"])
        assert (f"{end.scheme}://{end.netloc}{end.path}", end.fragment) == (f"{SITE}/done", "part")
        told = dict(parse_qsl(end.query))
        assert told.pop("a") == "1"
        return told

    async def told(self, **consent: Any) -> dict[str, str]:
        """Go the whole way; return what the site is told."""
        return await self.come_back(await self.consent(await self.leave(), **consent))

    async def connect(self, *, sync: bool = True, **consent: Any) -> Connection:
        """Go the whole way, and import once unless told otherwise."""
        told = await self.told(**consent)
        connection = await self.world.connection(told["connectionId"])
        if sync:
            await self.world.sync(connection)
        return await self.world.connection(connection.id)

    async def press(self, path: str, body: Any = None, verb: str = "POST") -> Any:
        """Press a switch of the sandbox."""
        answer = await self.google.request(verb, f"{self.url}/_sandbox{path}", json=body)
        assert answer.status_code in range(200, 300), answer.text
        return answer.json() if answer.content else None

    async def withdraw(self) -> None:
        """Have Ann take back what she consented to, on Google's own pages."""
        await self.press("/oauth/withdraw", {"user": ANN.email, "client_id": self.client_id})

    async def put(self, title: str, start: str, end: str, **fields: Any) -> str:
        """Make an event in Ann's primary calendar; return its id."""
        event = {"summary": title, "start": {"dateTime": start}, "end": {"dateTime": end}, **fields}
        said = await self.press(f"/users/{ANN.email}/calendars/primary/events", event)
        return str(said["id"])

    async def requests(self) -> list[str]:
        """Return what the sandbox was asked, as `METHOD /path`."""
        said = await self.press("/requests", verb="GET")
        return [f"{one['method']} {one['path'].partition('?')[0]}" for one in said["requests"]]


TOKENS = re.compile(r"ya29\.|\b1//|\b4/[\w-]|eyJ[\w-]+\.")
"""How access tokens, refresh tokens and codes of Google's begin, and signed ones of anybody's."""


def titles(state: State) -> set[str]:
    """Return the titles of all events of a sandbox."""
    events = (event for calendar in state.calendars.values() for event in calendar.events)
    return {str(summary) for event in events if (summary := event.fields.get("summary"))}


def check_log(logged: Sequence[Mapping[str, Any]], secrets: Collection[str]) -> None:
    """See that no log line names a secret (rule 9)."""
    text = "\n".join(map(repr, logged))
    assert not [one for one in secrets if one in text]
    assert not TOKENS.search(text)


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
                stage = Stage(world, url, client.id, grants, state, google, browser)
                yield stage
        stage.secrets.add(client.secret)
        for title in titles(state):
            LISTENER.add_title(title)
        check_log(logged, stage.secrets | titles(state))
    assert validated.of("request") == []
    assert validated.of("answer") == []
