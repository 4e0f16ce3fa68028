"""An account that is connected by a code and read with tokens that are kept, for the contract that knows of neither."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from kalends.model.calendar import Account
from kalends.model.provider import ConnectScopes
from kalends.net.client import GuardedClient
from kalends.providers.base import (
    AccountSession,
    ConnectsByOAuth,
    ConsentAsked,
    CredentialKeeper,
    Credentials,
    ProviderKind,
)
from kalends.sandbox.clock import SandboxClock
from tests.providers.contract import CountingClient
from tests.sandbox.google.oauth_app import ConsentForm

BACK = "http://127.0.0.1:8080/connect/callback"
LIFE = timedelta(hours=1)
"""Of an access token."""


@dataclass
class Keeper:
    """Keeps what was renewed, as the store does."""

    clock: SandboxClock
    kept: Credentials
    renewed: int = 0

    def now(self) -> datetime:
        return self.clock.now()

    async def renew(self, used: Credentials, renewal: Callable[[Credentials], Awaitable[Credentials]]) -> Credentials:
        if self.kept == used:
            self.kept, self.renewed = await renewal(used), self.renewed + 1
        return self.kept


@dataclass
class Keeping:
    """A kind whose sessions have a keeper without being given one; `itself` is the kind that opens them."""

    itself: ClassVar[ProviderKind]
    keepers: list[Keeper] = field(default_factory=list)
    clock: SandboxClock = field(default_factory=SandboxClock)

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),
        keeper: CredentialKeeper | None = None,
    ) -> AsyncIterator[AccountSession]:
        assert keeper is None
        self.keepers.append(Keeper(self.clock, credentials))
        async with self.itself.session(client, config, credentials, known_quirks, self.keepers[-1]) as session:
            yield session


class OAuthKind(ConnectsByOAuth, Protocol):
    """A kind whose accounts are connected by OAuth, and the clock by which their tokens run out."""

    clock: SandboxClock


KindT = TypeVar("KindT", bound=OAuthKind)
StateT = TypeVar("StateT")


@dataclass
class ConsentedWorld(ABC, Generic[KindT, StateT]):
    """A provider that is a sandbox, and one account there: a token has run out by the time it is first used."""

    kind: KindT
    config: Mapping[str, str]
    client: CountingClient
    state: StateT
    http: httpx2.AsyncClient
    email: str
    person: str
    """The id of whoever consents."""
    password: str = ""

    async def connect(self) -> Account:
        asked = ConsentAsked(
            scopes=ConnectScopes.READ, redirect_uri=BACK, state="state", verifier="v" * 64, nonce="nonce", insists=True
        )
        url = self.kind.authorization_url(self.config, asked)
        form = ConsentForm((await self.http.get(url)).text)
        fields = {**form.hidden, "account": self.person, "scope": form.ticked, "action": "continue"}
        sent = (await self.http.post(urljoin(url, form.action), data=fields)).headers["location"]
        (code,) = parse_qs(urlsplit(sent).query)["code"]
        now = self.kind.clock.now()
        found = await self.kind.connect_with_code(self.client, self.config, code=code, asked=asked, now=now)
        self.kind.clock.advance(LIFE)
        return found

    @abstractmethod
    async def put_event(self, calendar: str, event: str, *, title: str) -> None: ...

    async def put_events(self, calendar: str, titles: Mapping[str, str]) -> None:
        for event, title in titles.items():
            await self.put_event(calendar, event, title=title)
