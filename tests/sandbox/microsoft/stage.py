"""A sandbox without HTTP, people with tokens, and short ways to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.microsoft.application import create_application
from kalends.sandbox.microsoft.bearer import Bearer, User
from kalends.sandbox.microsoft.state import State
from tests.sandbox.microsoft.metadata import amiss

OWNER = User.of("owner@contoso.example", "Owner")
GUEST = User.of("guest@contoso.example", "Guest")
STRANGER = User.of("stranger@fabrikam.example", "Stranger")
ALL = frozenset({"User.Read", "Calendars.ReadWrite"})
ROOT = "/v1.0"
APP = "7f9d0f6e-0000-4000-8000-000000000001"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
JANUARY = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-02-01T00:00:00Z"}
BERLIN = "W. Europe Standard Time"

Json = dict[str, Any]


@dataclass
class Tokens:
    """The simplest `Bearers`."""

    known: dict[str, Bearer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, user in (("owner", OWNER), ("guest", GUEST), ("stranger", STRANGER)):
            self.known[name] = Bearer(APP, user.tenant_id, user, ALL)

    def bearer(self, access_token: str) -> Bearer | None:
        return self.known.get(access_token)

    def add(self, token: str, *scopes: str, user: User = OWNER) -> str:
        self.known[token] = Bearer(APP, user.tenant_id, user, frozenset(scopes))
        return token

    def add_app(self, token: str, *roles: str) -> str:
        self.known[token] = Bearer(APP, OWNER.tenant_id, None, frozenset(), frozenset(roles))
        return token


class Stage:
    """Asks the sandbox as `owner` where nobody else is named."""

    def __init__(self) -> None:
        self.clock = SandboxClock()
        self.state = State([OWNER, GUEST, STRANGER], self.clock)
        self.tokens = Tokens()
        self.app: Starlette = create_application(self.state, self.tokens, gather=0.02, pauses=(0.05, 0.05))
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app), base_url="http://127.0.0.1", trust_env=False
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
        """Ask at a path below `/v1.0`, or at a link; `$top` and the like are given as `top_`."""
        named = {f"${name[:-1]}" if name.endswith("_") else name: str(value) for name, value in query.items()}
        return await self.http.request(
            verb,
            path if path.startswith("http") else ROOT + path,
            json=body,
            params=named or None,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
        )

    async def get(self, path: str, **more: Any) -> Json:
        return good(await self.ask("GET", path, **more))

    async def post(self, path: str, body: Mapping[str, Any], **more: Any) -> Json:
        return good(await self.ask("POST", path, body, **more), 201)

    async def patch(self, path: str, body: Mapping[str, Any], **more: Any) -> Json:
        return good(await self.ask("PATCH", path, body, **more))

    async def delete(self, path: str, **more: Any) -> None:
        answer = await self.ask("DELETE", path, **more)
        assert answer.status_code == 204, answer.text

    async def refused(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, **more: Any
    ) -> tuple[int, str]:
        """Return status and code of a refusal."""
        answer = await self.ask(verb, path, body, **more)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        assert {"request-id", "client-request-id", "date"} == set(error["innerError"])
        assert error["message"]
        return answer.status_code, error["code"]

    async def create(self, **fields: Any) -> Json:
        return await self.post("/me/events", timed(**fields))

    async def view(self, path: str = "/me", **more: Any) -> list[Json]:
        """Return all of a calendar's view of January, page by page."""
        page = await self.get(f"{path}/calendarView", **{**JANUARY, **more})
        rows: list[Json] = page["value"]
        while "@odata.nextLink" in page:
            page = await self.get(page["@odata.nextLink"])
            rows += page["value"]
        return rows

    async def round(
        self, link: str | None = None, *, path: str = "/me", headers: Mapping[str, str] | None = None, **more: Any
    ) -> tuple[list[Json], str]:
        """Go through a round of delta; return its entries, and the link of the next round."""
        asked = JANUARY if link is None else {}
        page = await self.get(link or f"{path}/calendarView/delta", headers=headers, **asked, **more)
        rows: list[Json] = page["value"]
        while "@odata.nextLink" in page:
            assert "@odata.deltaLink" not in page
            page = await self.get(page["@odata.nextLink"], headers=headers)
            rows += page["value"]
        return rows, page["@odata.deltaLink"]

    async def press(self, path: str, body: Mapping[str, Any] | None = None, verb: str = "POST") -> Json:
        """Press a switch."""
        return good(await self.http.request(verb, f"/_sandbox{path}", json=body))

    async def odd(self, **switches: Any) -> None:
        await self.press("/oddities", switches)

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))


def good(answer: httpx2.Response, status: int = 200) -> Json:
    assert answer.status_code == status, answer.text
    said: Json = answer.json()
    assert amiss(said) == []
    return said


def at(text: str, zone: str = BERLIN) -> Json:
    return {"dateTime": text, "timeZone": zone}


def timed(day: int = 5, hour: int = 9, hours: int = 1, zone: str = BERLIN, **fields: Any) -> Json:
    """Return an event of January 2026 in Berlin."""
    start, end = at(f"2026-01-{day:02}T{hour:02}:00:00", zone), at(f"2026-01-{day:02}T{hour + hours:02}:00:00", zone)
    return {"subject": "Meeting", "start": start, "end": end, **fields}


def recurring(pattern: Json, start: str = "2026-01-05", *, count: int | None = None, until: str | None = None) -> Json:
    extent: Json = {"type": "noEnd", "startDate": start}
    if count is not None:
        extent |= {"type": "numbered", "numberOfOccurrences": count}
    if until is not None:
        extent |= {"type": "endDate", "endDate": until}
    return {"pattern": {"interval": 1, **pattern}, "range": extent}


def weekly(count: int = 4, **fields: Any) -> Json:
    """Return a series on Mondays, the first of them 5 January 2026, at nine in Berlin (08:00 UTC)."""
    return timed(recurrence=recurring({"type": "weekly", "daysOfWeek": ["monday"]}, count=count), **fields)


def all_day(day: int = 5, days: int = 1, zone: str = BERLIN, **fields: Any) -> Json:
    start, end = at(f"2026-01-{day:02}T00:00:00", zone), at(f"2026-01-{day + days:02}T00:00:00", zone)
    return {"subject": "Fair", "isAllDay": True, "start": start, "end": end, **fields}


def starts(rows: list[Json]) -> list[str]:
    """Return the starts of events of January as `05T09`."""
    return [one["start"]["dateTime"][8:13] for one in rows]
