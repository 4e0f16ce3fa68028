"""A Google Calendar that answers what a test tells it, over real HTTP, and keeps one account's calendars otherwise.

It knows just what Kalends asks: the list of calendars, and listings of events by page and sync token.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from kalends.model.calendar import Account, ExternalCalendar
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.net.client import GuardedClient
from kalends.providers.base import AccountSession, CredentialKeeper, Delivery
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.expansion import expand, is_tame
from kalends.providers.google.session import GoogleSession
from kalends.providers.oauth.stored_token import AccessToken
from tests.leaks import LISTENER
from tests.net.loopback import Asked, raw, serve
from tests.providers.contract import CountingClient, Mirror
from tests.scripted_provider import ScriptedKind
from tests.servers import LOOPBACK

ME = "ada@example.org"
PRIMARY = ExternalCalendar(ME, "Ada", primary=True)
JSON = {"Content-Type": "application/json; charset=UTF-8"}
EVENTS_FIELDS = (
    "nextPageToken,nextSyncToken,items(id,etag,status,iCalUID,recurringEventId,originalStartTime,start,end,recurrence,"
    "summary,transparency,eventType,attendees(self,responseStatus),extendedProperties/private)"
)


def said(status: int = 200, **answer: Any) -> bytes:
    """Return an answer with a JSON object."""
    return raw(status, json.dumps(answer).encode(), JSON)


def refusal(status: int, reason: str = "", *, location: str = "", headers: Mapping[str, str] | None = None) -> bytes:
    """Return a refusal as Google words it; without a reason only with its status."""
    error: dict[str, Any] = {"code": status, "message": "a secret title"}
    if reason:
        error["errors"] = [{"domain": "global", "reason": reason, "message": "a secret title", "location": location}]
    return raw(status, json.dumps({"error": error}).encode(), {**JSON, **(headers or {})})


def listing(*events: Mapping[str, Any], page: str | None = None, token: str | None = None) -> bytes:
    """Return a page of events; neither a next page nor a sync token unless they are given."""
    named: dict[str, Any] = {"nextPageToken": page, "nextSyncToken": token}
    return said(kind="calendar#events", items=list(events), **{key: one for key, one in named.items() if one})


def timed(event_id: str, title: str, begins: str = "2026-12-01T10:00:00Z", **more: Any) -> dict[str, Any]:
    """Return an event of an hour that begins before eleven at night, as Google lists it."""
    LISTENER.add_title(title)
    hour = int(begins[11:13])
    ends = f"{begins[:11]}{hour + 1:02}{begins[13:]}"
    return {
        "id": event_id,
        "etag": '"1"',
        "status": "confirmed",
        "iCalUID": f"{event_id}@google.com",
        "summary": title,
        "start": {"dateTime": begins},
        "end": {"dateTime": ends},
        **more,
    }


def exception(master: str, original: str, title: str, begins: str = "", **more: Any) -> dict[str, Any]:
    """Return an instance of a series that was changed; `original` is where the series had put it, in UTC."""
    written = original.replace("-", "").replace(":", "")
    return timed(
        f"{master}_{written}",
        title,
        begins or original,
        iCalUID=f"{master}@google.com",
        recurringEventId=master,
        originalStartTime={"dateTime": original},
    ) | dict(more)


def taken_out(master: str, original: str) -> dict[str, Any]:
    """Return an instance that was taken out of its series, with no more fields than Google promises."""
    whole = exception(master, original, "")
    kept = {name: whole[name] for name in ("id", "etag", "recurringEventId", "originalStartTime")}
    return {**kept, "status": "cancelled"}


def deleted(event_id: str) -> dict[str, Any]:
    """Return what is left of an event that was deleted."""
    return {"id": event_id, "etag": '"9"', "status": "cancelled"}


@dataclass
class Question:
    """A request as the API understands it."""

    method: str
    path: str
    parameters: dict[str, str]


@dataclass
class Kept:
    """A calendar at Google: its entry in the list, its events now, and what happened, in order."""

    entry: dict[str, Any]
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    def put(self, event: Mapping[str, Any]) -> None:
        """Create or change an event."""
        self.history.append(event["id"])
        self.events[event["id"]] = {**event, "etag": f'"{len(self.history)}"'}

    def delete(self, event_id: str) -> None:
        """Delete an event, or a series with its exceptions, of which a tombstone of the master tells alone."""
        self.put(deleted(event_id))
        for key, event in list(self.events.items()):
            if event.get("recurringEventId") == event_id:
                del self.events[key]

    def listed(self, since: int | None) -> list[dict[str, Any]]:
        """Return what changed since a point of the history, or what is there."""
        if since is None:
            return [one for one in self.events.values() if one["status"] != "cancelled" or "recurringEventId" in one]
        return [self.events[key] for key in dict.fromkeys(self.history[since:]) if key in self.events]


@dataclass
class Google:
    """The server. `instead` are answers to listings of events in place of its own, in turn; None is its own."""

    calendars: dict[str, Kept] = field(default_factory=dict)
    instead: list[bytes | None] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    """The access tokens that came."""
    accepted: str = "token-1"
    page_size: int = 2500
    empty_pages: bool = False
    """Whether an empty page stands before each."""
    oldest: int = 0
    """The point of the history before which sync tokens are too old."""
    _pages: dict[str, tuple[list[dict[str, Any]], str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.calendars.setdefault(ME, Kept({"id": ME, "summary": "Ada", "primary": True, "accessRole": "owner"}))

    @property
    def mine(self) -> Kept:
        """The primary calendar."""
        return self.calendars[ME]

    @property
    def listings(self) -> list[dict[str, str]]:
        """The parameters of the listings of events that were asked for."""
        return [one.parameters for one in self.asked if one.path.endswith("/events")]

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        """Answer a request."""
        path, _, query = asked.target.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        assert len(dict(pairs)) == len(pairs), "a parameter was sent twice"
        self.asked.append(Question(asked.method, path, dict(pairs)))
        self.tokens.append(asked.headers["authorization"].removeprefix("Bearer "))
        writer.write(self._reply(path, dict(pairs)))
        await writer.drain()

    def _reply(self, path: str, asked: Mapping[str, str]) -> bytes:
        if self.tokens[-1] != self.accepted:
            return refusal(401, "authError", location="Authorization")
        if path == "/calendar/v3/users/me/calendarList":
            return said(items=[one.entry for one in self.calendars.values()])
        head, _, rest = path.removeprefix("/calendar/v3/calendars/").partition("/")
        kept = self.calendars.get(unquote(head))
        if kept is None or rest != "events":
            return refusal(404, "notFound")
        instead = self.instead.pop(0) if self.instead else None
        return instead or self._listing(kept, asked)

    def _listing(self, kept: Kept, asked: Mapping[str, str]) -> bytes:
        if page := asked.get("pageToken"):
            if page not in self._pages:
                return refusal(400, "invalid", location="pageToken")
            rest, ending = self._pages[page]
        else:
            token = asked.get("syncToken")
            if token is not None and not token.removeprefix("sync-").isdecimal():
                return refusal(400, "invalid", location="syncToken")
            since = None if token is None else int(token.removeprefix("sync-"))
            if since is not None and since < self.oldest:
                return refusal(410, "fullSyncRequired")
            rest, ending = kept.listed(since), f"sync-{len(kept.history)}"
        if self.empty_pages and not page:
            return listing(page=self._page(rest, ending))
        some, rest = rest[: self.page_size], rest[self.page_size :]
        return listing(*some, page=self._page(rest, ending)) if rest else listing(*some, token=ending)

    def _page(self, rest: list[dict[str, Any]], ending: str) -> str:
        token = f"page-{len(self._pages) + 1}"
        self._pages[token] = rest, ending
        return token


@dataclass
class Tokens:
    """An account's access tokens: another one, with a higher number, each time one was refused."""

    number: int = 1
    asked: list[bool] = field(default_factory=list)

    async def __call__(self, *, refused: bool = False) -> str:
        self.asked.append(refused)
        self.number += refused
        return f"token-{self.number}"


@dataclass
class Reader:
    """Google, its server, an account's session there, and a store in miniature that follows the primary calendar."""

    google: Google
    client: CountingClient
    api: CalendarApi
    tokens: Tokens
    store: Mirror = field(default_factory=Mirror)

    @property
    def session(self) -> GoogleSession:
        return GoogleSession(self.api)

    async def read(self, **how: Any) -> list[Any]:
        """Do one pass, and return its pages."""
        return await self.store.sync(self.session, PRIMARY, **how)

    def payloads(self) -> list[bytes]:
        """Return what is stored, in the order of its keys."""
        return [payload or b"" for _, (_, payload) in sorted(self.store.items.items())]


@asynccontextmanager
async def reading(*events: Mapping[str, Any]) -> AsyncIterator[Reader]:
    """Serve a Google whose primary calendar holds the events."""
    google, tokens = Google(), Tokens()
    for event in events:
        google.mine.put(event)
    async with serve(google.answer) as server, CountingClient(LOOPBACK) as client:
        yield Reader(google, client, CalendarApi(client, tokens, f"http://{server.place}/calendar/v3"), tokens)


@dataclass
class GoogleKindForTests(ScriptedKind):
    """A kind of provider that reads a Google at an address by the product's own session."""

    delivers: Delivery = Delivery.SERIES
    primary: str | None = ME
    url: str = ""

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),
        keeper: CredentialKeeper | None = None,
    ) -> AsyncIterator[AccountSession]:
        del config, credentials, known_quirks, keeper
        yield GoogleSession(CalendarApi(client, self.tokens(), self.url))

    def tokens(self) -> AccessToken:
        """Return what knows the account's access token."""
        return Tokens()

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        return is_tame(payloads)

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        return expand(payloads, context)

    def __reduce__(self) -> Any:
        return GoogleKindForTests, ()


async def account() -> Account:
    """Return the one account there is."""
    return Account("google-1", ME, frozenset({ME}), {})
