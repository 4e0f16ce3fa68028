"""The demo's Google and Microsoft: sandboxes in its own process, with made-up weeks that are forgotten at the end."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from kalends.sandbox.google.stand_in import google
from kalends.sandbox.microsoft.stand_in import microsoft
from kalends.sandbox.serving import serving
from kalends.sandbox.stand_in import StandIn

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


def google_sandbox() -> AbstractAsyncContextManager[RunningSandbox]:
    """Run a Google while the context lasts, on any free port of loopback."""
    urls = ("google_accounts_url", "google_oauth_url", "google_api_url")
    return _running("google", "a Google account", google(APP_NAME), urls)


def microsoft_sandbox() -> AbstractAsyncContextManager[RunningSandbox]:
    """Run a Microsoft while the context lasts, on any free port of loopback."""
    urls = ("microsoft_login_url", "microsoft_graph_url")
    return _running("microsoft", "an Outlook account", microsoft(APP_NAME), urls)


@asynccontextmanager
async def _running(kind: str, account: str, stand_in: StandIn, urls: Collection[str]) -> AsyncIterator[RunningSandbox]:
    """Serve a sandbox; `urls` are the settings that say where the provider is."""
    async with serving(stand_in.application) as url:
        settings = {
            f"{kind}_client_id": stand_in.client_id,
            f"{kind}_client_secret": SecretStr(stand_in.client_secret),
            **dict.fromkeys(urls, url),
        }
        yield RunningSandbox(kind, account, url, settings)
