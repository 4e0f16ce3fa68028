"""The floor: the least that a client can do to have the same bytes, by hand and without doing anything with them.

A sync report (RFC 6578), then multigets (RFC 4791 §7.9) of as many members as Kalends asks for at most, over
one kept connection.
"""

import asyncio
import re
from xml.sax.saxutils import escape

import aiohttp
import uvloop

from bench.sync.clients.serving import Account, serve, told

_RESPONSE = re.compile(rb"<(?:\w+:)?response\b.*?</(?:\w+:)?response>", re.DOTALL)
_HREF = re.compile(rb"<(?:\w+:)?href[^>]*>([^<]*)<")
_TOKEN = re.compile(rb"<(?:\w+:)?sync-token[^>]*>([^<]*)<")
_ETAG = re.compile(rb"<(?:\w+:)?getetag[^>]*>([^<]*)<")
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_BATCH = 400


class Floor:
    """Downloads a calendar."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._token = ""

    async def first(self) -> int:
        """Download everything."""
        self._token = ""
        return await self.again()

    async def again(self) -> int:
        """Download what changed."""
        events = 0
        login = aiohttp.encode_basic_auth(self._account.user, self._account.password)
        async with aiohttp.ClientSession(headers={"Authorization": login}) as session:
            listing = await self._report(session, _SYNC.format(token=escape(self._token)))
            found = (one for one in _RESPONSE.findall(listing) if _ETAG.search(one))
            hrefs = [href[1].decode() for one in found if (href := _HREF.search(one)) and href[1].endswith(b".ics")]
            for start in range(0, len(hrefs), _BATCH):
                named = "".join(f"<d:href>{href}</d:href>" for href in hrefs[start : start + _BATCH])
                events += (await self._report(session, _MULTIGET.format(hrefs=named))).count(b"BEGIN:VCALENDAR")
            token = _TOKEN.search(listing)
            assert token is not None
            self._token = token[1].decode()
        return events

    async def _report(self, session: aiohttp.ClientSession, body: str) -> bytes:
        async with session.request(
            "REPORT", self._account.url, data=body.encode(), headers={**_XML, "Depth": "0"}
        ) as answer:
            answer.raise_for_status()
            return await answer.read()


_SYNC = (
    '<d:sync-collection xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>'
    "<d:prop><d:getetag/></d:prop></d:sync-collection>"
)
_MULTIGET = (
    '<c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
    "<d:prop><d:getetag/><c:calendar-data/></d:prop>{hrefs}</c:calendar-multiget>"
)

if __name__ == "__main__":
    floor = Floor(told())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        serve(lambda: runner.run(floor.first()), lambda: runner.run(floor.again()))
