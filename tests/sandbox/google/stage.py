"""A sandbox without HTTP, two people with tokens, and short ways to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.application import create_application
from kalends.sandbox.google.bearer import Bearer, User
from kalends.sandbox.google.methods import SCOPES
from kalends.sandbox.google.state import State
from tests.sandbox.google.discovery import Validated

OWNER = User("1", "owner@example.com", "Owner")
GUEST = User("2", "guest@example.com", "Guest")
ALL = frozenset({f"{SCOPES}calendar"})
API = "/calendar/v3"
EVENTS = "/calendars/primary/events"
HOLIDAYS = "en.german#holiday@group.v.calendar.google.com"

Json = dict[str, Any]


@dataclass
class Tokens:
    """The simplest `Bearers`."""

    known: dict[str, Bearer] = field(
        default_factory=lambda: {"owner": Bearer(OWNER, "7-app", ALL), "guest": Bearer(GUEST, "7-app", ALL)}
    )

    def bearer(self, access_token: str) -> Bearer | None:
        return self.known.get(access_token)

    def add(self, token: str, user: User, *scopes: str, client: str = "7-app") -> str:
        self.known[token] = Bearer(user, client, frozenset(SCOPES + scope for scope in scopes))
        return token


class Stage:
    """Asks the sandbox as `owner` where nobody else is named."""

    def __init__(self) -> None:
        self.clock = SandboxClock()
        self.state = State([OWNER, GUEST], self.clock)
        self.tokens = Tokens()
        self.app: Starlette = create_application(self.state, self.tokens, gather=0.02, pauses=(0.05, 0.05))
        self.validated = Validated(self.app)
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.validated), base_url="http://127.0.0.1", trust_env=False
        )

    async def ask(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        token: str = "owner",
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> httpx2.Response:
        return await self.http.request(
            verb,
            API + path,
            json=body,
            params={name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()},
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
        )

    async def get(self, path: str, *, token: str = "owner", **query: Any) -> Json:
        return _good(await self.ask("GET", path, token=token, **query))

    async def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, token: str = "owner", **query: Any
    ) -> Json:
        return _good(await self.ask("POST", path, body, token=token, **query))

    async def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        return _good(await self.ask("PATCH", path, body))

    async def delete(self, path: str) -> None:
        answer = await self.ask("DELETE", path)
        assert answer.status_code == 204, answer.text

    async def refused(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, **more: Any
    ) -> tuple[int, str]:
        """Return status and reason of a refusal."""
        answer = await self.ask(verb, path, body, **more)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]["errors"][0]["reason"]

    async def all(self, path: str = EVENTS, **query: Any) -> tuple[list[Json], str]:
        """Return all entries of a listing, and its sync token, empty where it has none."""
        items: list[Json] = []
        page = await self.get(path, **query)
        while True:
            items += page["items"]
            if "nextPageToken" not in page:
                return items, page.get("nextSyncToken", "")
            assert "nextSyncToken" not in page
            page = await self.get(path, **query, pageToken=page["nextPageToken"])

    async def ids(self, **query: Any) -> list[str]:
        items, _ = await self.all(**query)
        return [one["id"] for one in items]

    async def press(self, path: str, body: Mapping[str, Any] | None = None, verb: str = "POST") -> Json:
        """Press a switch."""
        return _good(await self.http.request(verb, f"/_sandbox{path}", json=body))

    async def listing(self, **switches: int) -> None:
        await self.press(f"/users/{OWNER.email}/calendars/primary/listing", switches)

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))


def _good(answer: httpx2.Response) -> Json:
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    return said


def timed(day: int = 5, hour: int = 9, hours: float = 1, **fields: Any) -> Json:
    """Return an event of January 2026 in Berlin."""
    begins = f"2026-01-{day:02}T{hour:02}:00:00"
    ends = f"2026-01-{day:02}T{int(hour + hours):02}:{int(hours % 1 * 60):02}:00"
    zone = "Europe/Berlin"
    return {
        "summary": "Meeting",
        "start": {"dateTime": begins, "timeZone": zone},
        "end": {"dateTime": ends, "timeZone": zone},
        **fields,
    }


def weekly(count: int = 4, **fields: Any) -> Json:
    """Return a series on Mondays, the first of them 5 January 2026, at nine in Berlin (08:00 UTC)."""
    return timed(recurrence=[f"RRULE:FREQ=WEEKLY;COUNT={count}"], **fields)


def all_day(day: int = 5, days: int = 1, **fields: Any) -> Json:
    return {"summary": "Fair", "start": _date(day), "end": _date(day + days), **fields}


def _date(day: int) -> Json:
    return {"date": f"2026-01-{day:02}"}
