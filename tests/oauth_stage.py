"""Kalends and a provider that stands in, both whole: the browser of a person goes between them."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from kalends.api.application import create_api
from kalends.model.connection import Connection
from kalends.model.identity import Identity
from kalends.providers.base import ProviderKind
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.serving import serving
from tests.leaks import LISTENER
from tests.sandbox.google.oauth_app import ConsentForm
from tests.world import ManualClock, World, settings_for, world_on

SITE = "https://shop.example"
BACK = f"{SITE}/done?a=1#part"
HERE = "http://127.0.0.1:8080"


class OneClock(SandboxClock):
    """The sandbox's clock, which is Kalends'."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> None:
        self._clock.advance(by)


class Consenting(Protocol):
    """Somebody with an account at the provider."""

    @property
    def id(self) -> str: ...


@dataclass
class OAuthStage(ABC):
    """A world with a provider that is a sandbox at `url`, and somebody's browser."""

    world: World
    url: str
    client_id: str
    provider_id: str
    somebody: Consenting
    """Who consents unless somebody else does."""
    there: httpx2.AsyncClient
    """Speaks to the sandbox: as a browser, and to its switches."""
    browser: httpx2.AsyncClient
    """Speaks to Kalends, as a browser."""
    secrets: set[str] = field(default_factory=set)
    """What was handed from one to the other on the way, and belongs into no log."""

    @abstractmethod
    async def put(self, title: str, start: str, end: str, **fields: Any) -> str:
        """Make an event in somebody's calendar, times as the provider writes them; return its id."""

    async def link(self, identity: Identity | None = None) -> str:
        return await self.world.kalends.authorizing.begin(
            identity or self.world.admin,
            provider_id=self.provider_id,
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
        self, url: str, *, account: Consenting | None = None, untick: Sequence[str] = (), button: str = "continue"
    ) -> str:
        """Answer the provider's page; return where the browser is sent."""
        shown = await self.there.get(url)
        if shown.status_code != 200:
            return self._sent(str(shown.headers["location"]))
        form = ConsentForm(shown.text)
        ticked = [one for one in form.ticked if not any(one.endswith(scope) for scope in untick)]
        data: dict[str, Any] = {
            **form.hidden,
            "account": (account or self.somebody).id,
            "scope": ticked,
            "action": button,
        }
        answer = await self.there.post(urljoin(url, form.action), data=data)
        assert answer.status_code in {302, 303}, answer.text
        return self._sent(str(answer.headers["location"]))

    def _sent(self, url: str) -> str:
        """Take note of the secrets in a URL to which the browser is sent."""
        query = dict(parse_qsl(urlsplit(url).query))
        self.secrets |= {query[name] for name in ("state", "code", "nonce", "code_challenge") if name in query}
        return url

    async def come_back(self, url: str) -> dict[str, str]:
        """Bring the provider's answer to Kalends, once more where it asks for more; return what the site is told."""
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
        answer = await self.there.request(verb, f"{self.url}/_sandbox{path}", json=body)
        assert answer.status_code in range(200, 300), answer.text
        return answer.json() if answer.content else None

    async def requests(self) -> list[str]:
        """Return what the sandbox was asked, as `METHOD /path`."""
        said = await self.press("/requests", verb="GET")
        return [f"{one['method']} {one['path'].partition('?')[0]}" for one in said["requests"]]

    async def forget_requests(self) -> None:
        """Have the sandbox forget what it was asked."""
        await self.press("/requests", verb="DELETE")


StageT = TypeVar("StageT", bound=OAuthStage)


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is to be served in the place of a provider, and the app that Kalends is there."""

    kind: ProviderKind
    urls: Collection[str]
    """The settings that say where the provider is."""
    application: ASGIApp
    client_id: str
    client_secret: str
    titles: Callable[[], set[str]]
    """Returns the titles of all that is there."""


@asynccontextmanager
async def stage_at(
    sandbox: Sandbox,
    clock: ManualClock,
    make: Callable[..., StageT],
    database_url: str,
    folder: Path,
    **settings: Any,
) -> AsyncIterator[StageT]:
    """Serve a sandbox, assemble a Kalends that takes it for the provider, and hold what is logged to rule 9.

    `make` is the kind of stage, given what it has beside the fields of every `OAuthStage`.
    """
    kind = sandbox.kind.kind
    async with AsyncExitStack() as stack:
        logged = stack.enter_context(capture_logs())
        url = await stack.enter_async_context(serving(sandbox.application))
        there = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        client = {f"{kind}_client_id": sandbox.client_id, f"{kind}_client_secret": sandbox.client_secret}
        given = settings_for(database_url, folder, **client, **dict.fromkeys(sandbox.urls, url), **settings)
        async with world_on(given, kinds={kind: sandbox.kind}, clock=clock) as world:
            await world.kalends.sites.update(world.site.id, redirect_origins=[SITE])
            transport = httpx2.ASGITransport(app=create_api(world.kalends.services))
            async with httpx2.AsyncClient(transport=transport, base_url=HERE) as browser:
                stage = make(
                    world=world,
                    url=url,
                    client_id=sandbox.client_id,
                    provider_id=sandbox.kind.built_in_id or "",
                    there=there,
                    browser=browser,
                )
                yield stage
        stage.secrets.add(sandbox.client_secret)
        titles = sandbox.titles()
        for title in titles:
            LISTENER.add_title(title)
        check_log(logged, stage.secrets | titles)


def check_log(logged: Sequence[Mapping[str, Any]], secrets: Collection[str]) -> None:
    """See that no log line names a secret (rule 9); what looks like one is found by `tests.leaks`."""
    text = "\n".join(map(repr, logged))
    assert not [one for one in secrets if one in text]
