"""The demo's Google: the sandbox, in the demo's own process, with a made-up week. It forgets everything at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.application import create_application
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from kalends.sandbox.google.seed import plant, plausible_week
from kalends.sandbox.google.serving import serving

APP_NAME = "Kalends demo"


@dataclass(frozen=True)
class RunningGoogle:
    """Where the sandbox is, and the client by which Kalends is known there."""

    url: str
    client_id: str
    client_secret: str

    @property
    def address(self) -> str:
        """Its `host:port`, as `KALENDS_NET_ALLOW` takes it."""
        return urlsplit(self.url).netloc


@asynccontextmanager
async def google_sandbox() -> AsyncIterator[RunningGoogle]:
    """Run a sandbox while the context lasts, on any free port of loopback."""
    clock = SandboxClock()
    state = plant(plausible_week(clock.now()), clock)
    grants = Grants(clock, users=[account.user for account in state.accounts.values()])
    client = grants.add_client(APP_NAME)
    async with serving(create_application(state, grants, routes=routes(grants))) as url:
        yield RunningGoogle(url, client.id, client.secret)
