"""The text of members: many at once by calendar-multiget (RFC 4791 §7.9), one at a time where that does not do.

A multiget is never believed about what is missing from it: that is asked for singly. And a member that was listed is
never taken to be gone because it cannot be had: it is quarantined, and the next listing says what became of it. One
that did not come whole has no version, so that it is asked for again.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from kalends.model.calendar import ItemChange
from kalends.net.client import Response
from kalends.providers import content
from kalends.providers.caldav import bodies, hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Listed
from kalends.providers.caldav.errors import HttpRefusal, Malformed, NotDav, TooLarge
from kalends.providers.caldav.listing import GONE, collection_tag
from kalends.providers.caldav.quirks import (
    odd_percent_encoding,
    omitted_multiget_members,
    refused_gets,
    wrong_content_types,
)
from kalends.providers.errors import CalendarGone
from kalends.providers.quirks import Quirks

MAX_RESOURCE_BYTES = 1_048_576
_MAX_BATCH_BYTES = 32 * 1024 * 1024
_FIRST_BATCH = 100
_SMALLEST_BATCH, _LARGEST_BATCH = 10, 400
"""What a batch may come to by the time that it takes; how much it holds, or is refused, may make it smaller still."""
_QUICK, _SLOW = 1.0, 5.0
"""Seconds for a batch: below the one the next may be larger, above the other it is smaller."""
_WANTED_BATCH_BYTES = 2 * 1024 * 1024
_NO_MULTIGET = frozenset({400, 403, 405, 415, 422, 500, 501})
_TOO_MUCH = frozenset({413, 507})
_TOO_LARGE = "it is larger than is taken"
_NO_CALENDAR = "what the server sends in its place is no calendar"
_NO_ADDRESS = "its address is too long, or differs from another's only in how it is written"
_UNASKABLE = "-"
"""The version of a member that cannot be asked for. Those without any are asked for again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some listed members, by key, and what came when they were asked for."""

    listed: Mapping[str, Listed] = field(default_factory=dict)
    fetched: Sequence[ItemChange] = ()


class Members:
    """Fetches members of one collection, and learns how many may be asked for at once."""

    def __init__(self, dav: DavClient, url: str, *, full: bool) -> None:
        self._dav = dav
        self._url = url
        self._multiget = True
        self._single = full or refused_gets.QUIRK not in dav.quirks
        self._batch = _FIRST_BATCH
        self._largest = _LARGEST_BATCH
        self.other = set[str]()
        """Keys of those that came in another version than they were listed with."""

    async def batches(self, wanted: Mapping[str, Listed]) -> AsyncGenerator["Batch"]:
        """Yield the listed members in batches; to be closed (`contextlib.aclosing`).

        From the second batch on, the next one is asked for before one has come, so that the server need not wait. How
        many members a batch has is learnt: its answer should stay near two megabytes, and not take seconds. Raises
        `CalendarGone` and `Unavailable`.
        """
        rest = iter(wanted.items())
        asked: deque[tuple[Mapping[str, Listed], asyncio.Task[list[ItemChange]]]] = deque()

        def ask() -> None:
            if batch := dict(islice(rest, self._batch)):
                asked.append((batch, asyncio.create_task(self.fetch(batch))))

        learnt = False
        ask()
        try:
            while asked:
                if learnt:
                    ask()
                batch, coming = asked.popleft()
                fetched = await coming
                if not learnt:
                    learnt = True
                    ask()
                yield Batch(batch, fetched)
        finally:
            for _, task in asked:
                task.cancel()
            await asyncio.gather(*(task for _, task in asked), return_exceptions=True)

    async def fetch(self, wanted: Mapping[str, Listed]) -> list[ItemChange]:
        """Fetch listed members, by key; raises `CalendarGone` and `Unavailable`."""
        begun = asyncio.get_running_loop().time()
        fetched = [_quarantined(key, _UNASKABLE, _NO_ADDRESS) for key, listed in wanted.items() if not listed.href]
        await self._fetch({key: listed for key, listed in wanted.items() if listed.href}, fetched)
        if fetched:
            await self._check_calendar(fetched)
            self._learn(fetched, asyncio.get_running_loop().time() - begun)
        return fetched

    def _learn(self, fetched: Sequence[ItemChange], seconds: float) -> None:
        """Note from a batch how large the next one should be."""
        size = sum(len(change.payload or b"") for change in fetched) // len(fetched)
        if seconds > _SLOW:
            paced = max(_SMALLEST_BATCH, len(fetched) // 2)
        elif seconds < _QUICK:
            paced = max(self._batch, 2 * len(fetched))
        else:
            paced = self._batch
        self._batch = max(1, min(paced, self._largest, _WANTED_BATCH_BYTES // max(1, size)))

    async def _fetch(self, wanted: Mapping[str, Listed], fetched: list[ItemChange]) -> None:
        missing = wanted
        together = self._multiget and (len(wanted) > 1 or (len(wanted) == 1 and not self._single))
        if together:
            try:
                missing = await self._fetch_together(wanted, fetched)
            except (Malformed, TooLarge) as error:
                if len(wanted) > 1:
                    # One member can spoil the answer for all of them; halving finds it.
                    half = len(wanted) // 2
                    if isinstance(error, TooLarge):
                        self._largest = min(self._largest, half)
                    await self._fetch(dict(list(wanted.items())[:half]), fetched)
                    await self._fetch(dict(list(wanted.items())[half:]), fetched)
                    return
        for key, listed in missing.items():
            change, refused = await self._fetch_one(key, listed)
            if refused and not together and await self._fetch_alone(key, listed, fetched):
                continue
            fetched.append(change)
            if refused and len(fetched) == 1:
                await self._check_calendar(fetched)

    async def _check_calendar(self, fetched: Sequence[ItemChange]) -> None:
        """Raise where it is the calendar that is refused by now, and not those of its members that were asked for."""
        if not any(change.version for change in fetched):
            await collection_tag(self._dav, self._url)

    async def _fetch_alone(self, key: str, listed: Listed, fetched: list[ItemChange]) -> bool:
        """Fetch one member by multiget after a GET for it was refused; tell whether that did."""
        if not self._multiget:
            return False
        try:
            missing = await self._fetch_together({key: listed}, fetched)
        except (Malformed, TooLarge):
            return False
        if missing:
            return False
        self._dav.quirks.see(refused_gets.QUIRK, shown=True)
        self._single = False
        return True

    async def _fetch_together(self, wanted: Mapping[str, Listed], fetched: list[ItemChange]) -> Mapping[str, Listed]:
        """Fetch by multiget and return what is left to be asked for singly."""
        body = bodies.calendar_multiget(listed.href for listed in wanted.values())
        try:
            answer = await self._dav.report(self._url, body, max_bytes=_MAX_BATCH_BYTES)
        except HttpRefusal as refusal:
            if refusal.status in GONE:
                raise CalendarGone(f"{hrefs.host_of(self._url)} does not exist any more") from refusal
            if refusal.status in _TOO_MUCH:
                raise TooLarge(str(refusal)) from refusal
            if refusal.status not in _NO_MULTIGET:
                raise
            self._multiget = False
            return wanted
        collection = hrefs.path_of(answer.url)
        missing = dict(wanted)
        answered = set[str | None]()
        respelled = False
        for response in answer.responses:
            key = hrefs.member_key(response.href, collection)
            answered.add(key)
            if key is not None and (asked := wanted.get(key)) is not None:
                respelled = respelled or odd_percent_encoding.member_respelled(response.href, asked.href, collection)
            text = response.props.get(ns.CALENDAR_DATA)
            if key in missing and text is not None and (text.text or "").strip():
                listed = missing.pop(key)
                payload = (text.text or "").lstrip().encode()
                version = response.text(ns.GETETAG) or listed.version
                self._compare(key, listed.version, version)
                fetched.append(_change(key, version, payload))
        self._dav.quirks.see(omitted_multiget_members.QUIRK, shown=not wanted.keys() <= answered)
        self._dav.quirks.see(odd_percent_encoding.QUIRK, shown=respelled)
        return missing

    async def _fetch_one(self, key: str, listed: Listed) -> tuple[ItemChange, bool]:
        """Fetch a member by GET; return it, and whether the server refuses GET rather than this member."""
        try:
            answer = await self._dav.get(hrefs.origin_of(self._url) + listed.href, max_bytes=MAX_RESOURCE_BYTES)
        except TooLarge:
            return _quarantined(key, listed.version, _TOO_LARGE), False
        except HttpRefusal as refusal:
            if refusal.status > 500 or refusal.status == 429:  # noqa: PLR2004 - an HTTP status, plainer as its number
                raise
            # The server lists it and will not hand it over: that is this member's trouble, not the calendar's.
            # Without a version it is asked for again whenever it is listed.
            problem = f"the server answers {refusal.status} when asked for it"
            return _quarantined(key, "", problem), refusal.status in refused_gets.REFUSED
        self._dav.quirks.see(refused_gets.QUIRK, shown=False)
        self._compare(key, listed.version, answer.headers.get("etag", ""))
        return _from_get(key, listed.version, answer, self._dav.quirks), False

    def _compare(self, key: str, listed: str, came: str) -> None:
        """Note where two versions differ by more than what a proxy on the way makes of one: `W/`, or an ending."""
        if listed and came and not came.removeprefix("W/").strip('"').startswith(listed.removeprefix("W/").strip('"')):
            self.other.add(key)


def _from_get(key: str, version: str, answer: Response, quirks: Quirks) -> ItemChange:
    claimed = content.media_type(answer.headers)
    right = wrong_content_types.is_right_for_calendar(claimed)
    if not right and not content.is_calendar(answer.body):
        if content.is_web_page(claimed, answer.body):
            raise NotDav(f"{hrefs.host_of(answer.url)} answered a web page where a calendar resource was due")
    else:
        quirks.see(wrong_content_types.QUIRK, shown=not right)
    if not answer.framed and not answer.body.rstrip().endswith(b"END:VCALENDAR"):
        raise Malformed(f"{hrefs.host_of(answer.url)} answered a calendar resource that is cut off")
    # A proxy that compresses may alter the header's etag, so the listing's comes first.
    version = version or answer.headers.get("etag", "")
    charset = content.charset(answer.headers)
    try:
        text = answer.body.decode(charset if content.is_readable_charset(charset) else "utf-8")
    except (LookupError, UnicodeError):
        sure = version if content.is_calendar(answer.body) else ""
        return _quarantined(key, sure, f"its text cannot be read as {charset[:40]}")
    return _change(key, version, text.encode())


def _change(key: str, version: str, payload: bytes) -> ItemChange:
    version = version or "sha256-" + hashlib.sha256(payload).hexdigest()
    if not payload.strip():
        return _quarantined(key, "", "it is empty")
    if len(payload) > MAX_RESOURCE_BYTES:
        return _quarantined(key, version, _TOO_LARGE)
    if not content.is_calendar(payload):
        # An apology with the status of an answer: it says nothing of the member, which is asked for again.
        return _quarantined(key, "", _NO_CALENDAR)
    whole = payload.rstrip().lower().endswith(b"end:vcalendar")
    return ItemChange(key, key, version if whole else "", payload)


def _quarantined(key: str, version: str, problem: str) -> ItemChange:
    return ItemChange(key, key, version, None, problem)
