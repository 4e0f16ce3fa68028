"""A CalDAV server that answers what a test tells it, over real HTTP: for what real servers cannot be made to do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from xml.sax.saxutils import escape

from kalends.model.calendar import ExternalCalendar
from kalends.net.client import Limits
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.caldav.session import CalDavSession, kept_credentials
from kalends.providers.quirks import Quirks
from tests.net.loopback import Asked, raw, serve
from tests.providers.contract import CountingClient, Mirror
from tests.servers import LOOPBACK

XML = {"Content-Type": "application/xml; charset=utf-8"}
NAMESPACES = (
    'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" '
    'xmlns:s="http://calendarserver.org/ns/" xmlns:a="http://apple.com/ns/ical/"'
)
Reply = bytes | Callable[[Asked], bytes]


class Script:
    """What to answer, by method and target; several answers are given in turn, and the last one is repeated."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}

    def on(self, method: str, target: str, *replies: Reply) -> None:
        self._replies[method, target] = list(replies)

    def holds(self, texts: Mapping[str, str]) -> None:
        """Answer GET for the members."""
        for href, text in texts.items():
            self.on("GET", href, raw(200, text.encode(), {"Content-Type": "text/calendar; charset=utf-8"}))

    def lines(self) -> list[str]:
        return [f"{asked.method} {asked.target}" for asked in self.asked]

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(asked)
        replies = self._replies.get((asked.method, asked.target), [raw(404)])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        writer.write(reply if isinstance(reply, bytes) else reply(asked))
        await writer.drain()


def multistatus(*responses: str, token: str | None = None) -> bytes:
    ending = "" if token is None else f"<d:sync-token>{escape(token)}</d:sync-token>"
    return raw(207, f"<d:multistatus {NAMESPACES}>{''.join(responses)}{ending}</d:multistatus>".encode(), XML)


def about(
    href: str, props: str = "", *, status: int | None = None, missing: str = "", missing_status: int = 404
) -> str:
    """One response: a status for the whole, or properties that are there and properties that are not."""
    inner = f"<d:href>{escape(href)}</d:href>"
    if status is not None:
        return f"<d:response>{inner}<d:status>HTTP/1.1 {status} Word</d:status></d:response>"
    inner += f"<d:propstat><d:prop>{props}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
    if missing:
        inner += (
            f"<d:propstat><d:prop>{missing}</d:prop><d:status>HTTP/1.1 {missing_status} Word</d:status></d:propstat>"
        )
    return f"<d:response>{inner}</d:response>"


def member(href: str, etag: str | None = None, text: str | None = None) -> str:
    props = "<d:resourcetype/>"
    props += f"<d:getetag>{escape(etag)}</d:getetag>" if etag is not None else ""
    props += f"<c:calendar-data>{escape(text)}</c:calendar-data>" if text is not None else ""
    return about(href, props, missing="" if etag is not None else "<d:getetag/>")


def collection(href: str, props: str = "") -> str:
    return about(href, f"<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>{props}")


def multiget(texts: Mapping[str, str], etags: Mapping[str, str] | None = None) -> Callable[[Asked], bytes]:
    """Answer a multiget honestly, for the hrefs that it asks for."""

    def reply(asked: Asked) -> bytes:
        wanted = [href for href in texts if f"<d:href>{escape(href)}</d:href>".encode() in asked.body]
        return multistatus(*(member(href, (etags or {}).get(href), texts[href]) for href in wanted))

    return reply


def by_report(sync: Reply | list[Reply], get: Reply) -> Callable[[Asked], bytes]:
    """Answer the two reports that are sent to one and the same target."""
    listings = sync if isinstance(sync, list) else [sync]

    def reply(asked: Asked) -> bytes:
        chosen = get if b"calendar-multiget" in asked.body else listings.pop(0) if listings[1:] else listings[0]
        return chosen if isinstance(chosen, bytes) else chosen(asked)

    return reply


def event(title: str) -> str:
    return f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:{title}\nSUMMARY:{title}\nEND:VEVENT\nEND:VCALENDAR\n"


# A calendar with three members, and a session that reads it

CALENDAR = ExternalCalendar("/c/", "Calendar")
TOKEN = str(Cursor(CursorKind.SYNC_TOKEN, "old"))
A, B, C = "/c/a.ics", "/c/b.ics", "/c/c.ics"
TEXTS = {A: event("title-a"), B: event("title-b"), C: event("title-c")}


@asynccontextmanager
async def scripted(
    script: Script, *, hanging_up_on: str = "", limits: Limits | None = None, known: Collection[str] = ()
) -> AsyncIterator[CalDavSession]:
    """Serve the script; after answering the given method the server closes the connection.

    `known` are the deviations that the session is told of.
    """

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await script.answer(asked, writer)
        if asked.method == hanging_up_on:
            writer.close()

    async with serve(answer) as server, CountingClient(LOOPBACK, limits=limits) as client:
        origin = f"http://{server.place}"
        kept = kept_credentials("ann", "secret", origin=origin, principal=f"{origin}/p/", homes=[f"{origin}/"])
        yield CalDavSession(client, kept, advice="", met=Quirks(known))


def full_of(*keys: str, **etags: str) -> Mirror:
    """Return a store that has read the members before."""
    return Mirror({key: (etags.get(key[3], '"1"'), TEXTS[key].encode()) for key in keys}, cursor=TOKEN)


def etag_listing(*keys: str, etag: str = '"1"', ctag: str | None = None) -> tuple[bytes, bytes]:
    """Return the answers to the two PROPFINDs of a listing by etag: collection tag, members."""
    tag = collection("/c/", f"<s:getctag>{ctag}</s:getctag>") if ctag else collection("/c/")
    return multistatus(tag), multistatus(collection("/c/"), *(member(key, etag) for key in keys))
