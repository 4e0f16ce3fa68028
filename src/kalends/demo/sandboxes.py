"""The demo's Google and Microsoft: sandboxes in its own process, with made-up weeks that are forgotten at the end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google import application as google_application
from kalends.sandbox.google import oauth as google_oauth
from kalends.sandbox.google import seed as google_seed
from kalends.sandbox.google.grants import Grants as GoogleGrants
from kalends.sandbox.microsoft import application as microsoft_application
from kalends.sandbox.microsoft import oauth as microsoft_oauth
from kalends.sandbox.microsoft import seed as microsoft_seed
from kalends.sandbox.microsoft.grants import Grants as MicrosoftGrants
from kalends.sandbox.serving import serving

APP_NAME = "Kalends demo"


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that stands in for a kind of provider; `settings` are those that have Kalends take it for that."""

    kind: str
    account: str
    """What an account there is called, in a sentence."""
    url: str
    settings: Mapping[str, object] = field(repr=False)

    @property
    def address(self) -> str:
        """Its `host:port`, as `KALENDS_NET_ALLOW` takes it."""
        return urlsplit(self.url).netloc


@asynccontextmanager
async def google_sandbox() -> AsyncIterator[RunningSandbox]:
    """Run a Google while the context lasts, on any free port of loopback."""
    clock = SandboxClock()
    state = google_seed.plant(google_seed.plausible_week(clock.now()), clock)
    grants = GoogleGrants(clock, users=[account.user for account in state.accounts.values()])
    client = grants.add_client(APP_NAME)
    application = google_application.create_application(state, grants, routes=google_oauth.routes(grants))
    async with serving(application) as url:
        settings = {
            "google_client_id": client.id,
            "google_client_secret": SecretStr(client.secret),
            "google_accounts_url": url,
            "google_oauth_url": url,
            "google_api_url": url,
        }
        yield RunningSandbox("google", "a Google account", url, settings)


@asynccontextmanager
async def microsoft_sandbox() -> AsyncIterator[RunningSandbox]:
    """Run a Microsoft while the context lasts, on any free port of loopback."""
    clock = SandboxClock()
    state = microsoft_seed.plant(microsoft_seed.plausible_week(clock.now()), clock)
    grants = MicrosoftGrants(clock, users=[mailbox.user for mailbox in state.mailboxes.values()])
    client = grants.add_client(APP_NAME)
    application = microsoft_application.create_application(state, grants, routes=microsoft_oauth.routes(grants))
    async with serving(application) as url:
        settings = {
            "microsoft_client_id": client.id,
            "microsoft_client_secret": SecretStr(client.secret),
            "microsoft_login_url": url,
            "microsoft_graph_url": url,
        }
        yield RunningSandbox("microsoft", "an Outlook account", url, settings)
