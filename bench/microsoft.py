"""A first import from Microsoft beside a bare download of the same pages; see `accounts.py`.

Graph expands series itself: each that recurs comes as a master and twenty occurrences.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from bench.accounts import Provider, Sandbox, run
from kalends.net.client import GuardedClient
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.cursor import AHEAD
from kalends.providers.microsoft.reading import PAGE
from kalends.providers.oauth.stored_token import AccessToken

SCOPES = ("openid", "email", "offline_access", "Calendars.ReadWrite")


class Microsoft(Provider):
    """Microsoft 365 and Outlook.com."""

    NAME: ClassVar[str] = "microsoft"
    LISTING: ClassVar[str] = "/calendarView/delta"

    def event(self, title: str, start: datetime, minutes: int, *, weekly: bool = False) -> Mapping[str, Any]:
        """Return an event as Graph takes it."""
        end = start + timedelta(minutes=minutes)
        times = {
            name: {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
            for name, moment in (("start", start), ("end", end))
        }
        pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [f"{start:%A}".lower()]}
        extent = {"type": "numbered", "startDate": f"{start:%Y-%m-%d}", "numberOfOccurrences": 20}
        return {"subject": title, **times, **({"recurrence": {"pattern": pattern, "range": extent}} if weekly else {})}

    def settings(self, sandbox: Sandbox) -> Mapping[str, str]:
        """Return the settings by which Kalends takes a sandbox for Microsoft."""
        return {
            "microsoft_client_id": sandbox.client_id,
            "microsoft_client_secret": sandbox.client_secret,
            "microsoft_login_url": sandbox.url,
            "microsoft_graph_url": sandbox.url,
        }

    async def token(self, sandbox: Sandbox) -> str:
        """Return an access token."""
        path = "/common/oauth2/v2.0"
        return await sandbox.token(f"{path}/authorize", f"{path}/token", " ".join(SCOPES))

    async def download(self, client: GuardedClient, token: AccessToken, url: str) -> None:
        """Download the pages that a first import asks for."""
        api = GraphApi(client, token, url)
        now = datetime.now(UTC)
        span = {"startDateTime": now - timedelta(days=90), "endDateTime": now + timedelta(days=400) + AHEAD}
        link: str | None = api.url(
            "calendarView", "delta", **{name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in span.items()}
        )
        while link is not None:
            said = await api.get(link, prefer=f"odata.maxpagesize={PAGE}")
            link = api.link(said, "@odata.nextLink")


if __name__ == "__main__":
    run(Microsoft(), events=2_000)
