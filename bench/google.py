"""A first import from Google beside a bare download of the same pages; see `accounts.py`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from bench.accounts import Provider, Sandbox, run
from kalends.net.client import GuardedClient
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.cursor import Query
from kalends.providers.oauth.stored_token import AccessToken

SCOPES = (
    "openid",
    "email",
    *(f"https://www.googleapis.com/auth/calendar.{one}" for one in ("events", "calendarlist.readonly")),
)


class Google(Provider):
    """Google Calendar."""

    NAME: ClassVar[str] = "google"
    LISTING: ClassVar[str] = "/events"

    def event(self, title: str, start: datetime, minutes: int, *, weekly: bool = False) -> Mapping[str, Any]:
        """Return an event as `events.insert` takes it."""
        end = start + timedelta(minutes=minutes)
        times = {
            name: {"dateTime": moment.isoformat(), "timeZone": "Europe/Berlin"}
            for name, moment in (("start", start), ("end", end))
        }
        return {"summary": title, **times, **({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=20"]} if weekly else {})}

    def settings(self, sandbox: Sandbox) -> Mapping[str, str]:
        """Return the settings by which Kalends takes a sandbox for Google."""
        return {
            "google_client_id": sandbox.client_id,
            "google_client_secret": sandbox.client_secret,
            "google_accounts_url": sandbox.url,
            "google_oauth_url": sandbox.url,
            "google_api_url": sandbox.url,
        }

    async def token(self, sandbox: Sandbox) -> str:
        """Return an access token."""
        return await sandbox.token("/o/oauth2/v2/auth", "/token", " ".join(SCOPES))

    async def download(self, client: GuardedClient, token: AccessToken, url: str) -> None:
        """Download the pages that a first import asks for."""
        api = CalendarApi(client, token, f"{url}/calendar/v3")
        query = Query.everything(datetime.now(UTC) - timedelta(days=90))
        page: str | None = ""
        while page is not None:
            said = await api.get(
                "calendars", "primary", "events", **query.parameters | ({"pageToken": page} if page else {})
            )
            page = said.get("nextPageToken")


if __name__ == "__main__":
    run(Google(), events=10_000)
