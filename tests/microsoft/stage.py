"""Kalends and a Microsoft that stands in, both whole: the browser of a person goes between them."""

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
from structlog.testing import capture_logs

from kalends.api.application import create_api
from kalends.model.connection import Connection
from kalends.model.identity import Identity
from kalends.providers.microsoft.kind import MICROSOFT
from kalends.sandbox.microsoft.application import create_application
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth import routes
from kalends.sandbox.microsoft.state import State
from kalends.sandbox.serving import serving
from tests.google.stage import BACK, HERE, SITE, OneClock
from tests.leaks import LISTENER
from tests.sandbox.google.oauth_app import ConsentForm
from tests.world import ManualClock, World, settings_for, world_on

ANN = User.of("ann@salon.example", "Ann")
"""An account of work."""
BEN = User.of("ben@outlook.com", "Ben")
"""A personal account."""
MICROSOFT_ID = MICROSOFT.built_in_id or ""


@dataclass
class Stage:
    """A world whose provider Microsoft is a sandbox at `url`, and somebody's browser."""

    world: World
    url: str
    client_id: str
    grants: Grants
    state: State
    microsoft: httpx2.AsyncClient
    """Speaks to the sandbox: as a browser, and to its switches."""
    browser: httpx2.AsyncClient
    """Speaks to Kalends, as a browser."""
    secrets: set[str] = field(default_factory=set)
    """What was handed from one to the other on the way, and belongs into no log."""

    async def link(self, identity: Identity | None = None, schedule_id: str | None = None) -> str:
        return await self.world.kalends.authorizing.begin(
            identity or self.world.admin,
            provider_id=MICROSOFT_ID,
            schedule_id=schedule_id or self.world.schedule.id,
            redirect_url=BACK,
        )

    async def leave(self, **link: Any) -> str:
        """Confirm on our own page; return where the browser is sent."""
        url = await self.link(**link)
        gone = await self.browser.post(url, headers={"Origin": self.world.kalends.settings.public_url})
        assert gone.status_code == 303, gone.text
        self.secrets |= {url.rsplit("/", 1)[1], *dict(self.browser.cookies).values()}
        return self._sent(str(gone.headers["location"]))

    async def consent(self, url: str, *, account: User = ANN, button: str = "continue") -> str:
        """Answer Microsoft's page; return where the browser is sent."""
        shown = await self.microsoft.get(url)
        if shown.status_code != 200:
            return self._sent(str(shown.headers["location"]))
        form = ConsentForm(shown.text)
        data = {**form.hidden, "account": account.id, "action": button}
        answer = await self.microsoft.post(urljoin(url, form.action), data=data)
        assert answer.status_code in {302, 303}, answer.text
        return self._sent(str(answer.headers["location"]))

    def _sent(self, url: str) -> str:
        """Take note of the secrets in a URL to which the browser is sent."""
        query = dict(parse_qsl(urlsplit(url).query))
        self.secrets |= {query[name] for name in ("state", "code", "nonce", "code_challenge") if name in query}
        return url

    async def come_back(self, url: str) -> dict[str, str]:
        """Bring Microsoft's answer to Kalends; return what the site is told."""
        answer = await self.browser.get(url)
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
        answer = await self.microsoft.request(verb, f"{self.url}/_sandbox{path}", json=body)
        assert answer.status_code in range(200, 300), answer.text
        return answer.json() if answer.content else None

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

    async def requests(self) -> list[str]:
        """Return what the sandbox was asked, as `METHOD /path`."""
        said = await self.press("/requests", verb="GET")
        return [f"{one['method']} {one['path'].partition('?')[0]}" for one in said["requests"]]

    async def forget_requests(self) -> None:
        """Have the sandbox forget what it was asked."""
        await self.press("/requests", verb="DELETE")


TOKENS = re.compile(r"M\.C5_|1\.AX0A|\bEwB[\w-]{20}|eyJ[\w-]{10}")
"""How codes, refresh tokens and access tokens of Microsoft's begin."""


def titles(state: State) -> set[str]:
    """Return the titles of all events of a sandbox."""
    events = (
        event
        for mailbox in state.mailboxes.values()
        for calendar in mailbox.calendars.values()
        for event in calendar.events
    )
    return {str(subject) for event in events if (subject := event.fields.get("subject"))}


def check_log(logged: Sequence[Mapping[str, Any]], secrets: Collection[str]) -> None:
    """See that no log line names a secret (rule 9)."""
    text = "\n".join(map(repr, logged))
    assert not [one for one in secrets if one in text]
    assert not TOKENS.search(text)


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
                stage = Stage(world, url, client.id, grants, state, microsoft, browser)
                yield stage
        stage.secrets.add(client.secret)
        for title in titles(state):
            LISTENER.add_title(title)
        check_log(logged, stage.secrets | titles(state))
