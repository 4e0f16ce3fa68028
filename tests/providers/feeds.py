"""A web server for one feed, whose text and manners a test changes, and the feed as Kalends sees it."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kalends.model.calendar import ExternalCalendar, Page
from kalends.providers.base import AccountSession
from kalends.providers.ics import ICS
from tests.net.loopback import Asked, Server, raw, serve
from tests.providers.contract import CountingClient, Mirror
from tests.servers import LOOPBACK


def event(uid: str | None, title: str, start: str = "20261201T100000Z", *, more: Iterable[str] = ()) -> str:
    """Return a VEVENT of an hour."""
    named = [f"UID:{uid}"] if uid is not None else []
    lines = ["BEGIN:VEVENT", *named, f"DTSTART:{start}", "DURATION:PT1H", f"SUMMARY:{title}", *more, "END:VEVENT"]
    return "".join(f"{line}\r\n" for line in lines)


def calendar(*events: str, about: str = "") -> str:
    """Return a VCALENDAR."""
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\n{about}{''.join(events)}END:VCALENDAR\r\n"


@dataclass
class Feed:
    """What the server answers. `etag` and `modified` are told, and honoured, where they are not empty."""

    body: bytes = b""
    etag: str = ""
    modified: str = ""
    status: int = 200
    content_type: str = "text/calendar; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    packed: bool = False
    location: str = ""
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0
    """How many times the text was sent."""

    def says(self, text: str | bytes) -> None:
        """Publish another text."""
        self.body = text.encode() if isinstance(text, str) else text

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(asked)
        headers = {"Content-Type": self.content_type, **self.headers}
        headers |= {"ETag": self.etag} if self.etag else {}
        headers |= {"Last-Modified": self.modified} if self.modified else {}
        fresh = (self.etag, self.modified) == (
            asked.headers.get("if-none-match", ""),
            asked.headers.get("if-modified-since", ""),
        )
        if self.location and asked.target != self.location.partition("://")[2].partition("/")[2].join(("/", "")):
            writer.write(raw(301, b"moved", {"Location": self.location}))
        elif (self.etag or self.modified) and fresh and self.status == 200:
            writer.write(raw(304, b"", headers))
        else:
            body = gzip.compress(self.body, mtime=0) if self.packed else self.body
            headers |= {"Content-Encoding": "gzip"} if self.packed else {}
            writer.write(raw(self.status, body, headers))
            self.sent += 1
        await writer.drain()


@dataclass
class Subscribed:
    """A feed, its server, and a store in miniature that follows it."""

    feed: Feed
    server: Server
    client: CountingClient
    url: str
    mirror: Mirror = field(default_factory=Mirror)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AccountSession]:
        account = await ICS.connect_by_feed(self.client, {}, url=self.url)
        async with ICS.session(self.client, {}, account.credentials) as session:
            yield session

    async def read(self, *, full: bool = False, thorough: bool = False) -> list[Page]:
        """Read the feed in a session of its own, and return the pages."""
        async with self.session() as session:
            return await self.mirror.sync(session, ExternalCalendar("feed", "Feed"), full=full, thorough=thorough)

    def keys(self) -> dict[str, str]:
        """Return title → key of what is stored."""
        return {title_of(payload): key for key, (_, payload) in self.mirror.items.items() if payload is not None}

    def titles(self) -> list[str]:
        """Return the titles of what is stored, in order."""
        return sorted(title_of(payload) for _, payload in self.mirror.items.values() if payload is not None)


def title_of(payload: bytes) -> str:
    """Return the first title in a text."""
    return payload.partition(b"SUMMARY:")[2].partition(b"\r\n")[0].decode()


@asynccontextmanager
async def subscribed(text: str | bytes = "") -> AsyncIterator[Subscribed]:
    """Serve a feed and subscribe to it."""
    feed = Feed()
    feed.says(text)
    async with serve(feed.answer) as server, CountingClient(LOOPBACK) as client:
        yield Subscribed(feed, server, client, f"http://{server.place}/private/{'s3cret'}/basic.ics?key=a%20b")
