"""Reading a multi-status answer (RFC 4918 §13), under limits, wholly or not at all.

What was not asked for is passed over: an answer of a few kilobytes, compressed, must not become a gigabyte of objects.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.parsers.expat import ExpatError

from kalends.providers.caldav import hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.errors import Malformed, NotDav

MAX_DEPTH = 32
MAX_ELEMENTS = 4_000_000
MAX_RESPONSES = 200_000
MAX_ELEMENTS_OF_RESPONSE = 2_000
MAX_ATTRIBUTES = 64
MAX_NAMES = 1_000
"""Different names of elements: each is kept as long as the answer is read."""
MAX_HREF = 8_192
MAX_MARKUP_BYTES = 2 * 1024 * 1024
"""Length of one tag or comment: the parser begins it anew with each piece that arrives."""
MAX_SECONDS = 60.0
_CHUNK = 16_384
_MISSING = frozenset({404, 410})
_SUCCESS = range(200, 300)
_CODE = re.compile(r"[0-9]{3}")


@dataclass(frozen=True, slots=True)
class DavResponse:
    """What the answer says about one resource.

    `status` is that of the resource as a whole, where there is one. `props` holds, by qualified name, the properties
    that the server could give, `refused` the status of those that it could not, but for those that do not exist.
    """

    href: str
    status: int | None
    props: Mapping[str, Element]
    refused: Mapping[str, int] = field(default_factory=dict)

    def failure(self, tag: str) -> int | None:
        """Return the status by which the resource, or this property of it, could not be had; None where it could."""
        if self.status is not None and self.status not in _SUCCESS:
            return self.status
        return self.refused.get(tag)

    def text(self, tag: str) -> str | None:
        """Return the property's text, stripped; None where it is missing or empty."""
        element = self.props.get(tag)
        return ((element.text or "").strip() or None) if element is not None else None

    def hrefs(self, tag: str) -> list[str]:
        """Return the hrefs inside a property, in order."""
        element = self.props.get(tag)
        found = element.iter(ns.HREF) if element is not None else ()
        return [text for href in found if (text := (href.text or "").strip())]

    @property
    def types(self) -> frozenset[str]:
        """Return the qualified names in the resource's type."""
        element = self.props.get(ns.RESOURCETYPE)
        return frozenset(child.tag for child in element) if element is not None else frozenset()


@dataclass(frozen=True, slots=True)
class MultiStatus:
    """A whole answer. `url` is where it came from, after redirects."""

    url: str
    responses: tuple[DavResponse, ...]
    sync_token: str | None


async def parse(body: bytes, url: str) -> MultiStatus:
    """Read an answer's body, giving the event loop its turn between pieces of a long one.

    Raises `NotDav` where it is no multi-status, and `Malformed` where it cannot be read to its end, or not in time.
    """
    collector = _Collector()
    try:
        await _feed(collector, body)
    except TimeoutError:
        raise Malformed(f"{hrefs.host_of(url)} answered XML that takes more than {MAX_SECONDS:g} s to read") from None
    except ExpatError as error:
        kind = Malformed if collector.begun else NotDav
        raise kind(f"{hrefs.host_of(url)} answered XML that is broken or cut off: {error}") from error
    except _Declared as error:
        raise Malformed(f"{hrefs.host_of(url)} answered XML with a document type or entities of its own") from error
    except _Unacceptable as error:
        kind = Malformed if collector.begun else NotDav
        raise kind(f"{hrefs.host_of(url)} answered XML that is not taken: {error}") from error
    except (LookupError, ValueError) as error:
        raise NotDav(f"{hrefs.host_of(url)} answered XML in an encoding that cannot be read") from error
    finally:
        collector.close()
    return MultiStatus(url, tuple(collector.responses), collector.sync_token)


async def _feed(collector: "_Collector", body: bytes) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + MAX_SECONDS
    events = quiet = 0
    for start in range(0, len(body), _CHUNK):
        collector.feed(body[start : start + _CHUNK])
        quiet = quiet + _CHUNK if collector.events == events else 0
        events = collector.events
        if quiet > MAX_MARKUP_BYTES:
            raise _Unacceptable(f"a tag or comment longer than {MAX_MARKUP_BYTES} bytes")
        if start + _CHUNK < len(body):
            await asyncio.sleep(0)
            if clock() > deadline:
                raise TimeoutError
    collector.feed(b"", last=True)


class _Unacceptable(Exception):
    pass


class _Declared(Exception):
    pass


class _Collector:
    """Keeps one response's tree at a time, so that a long listing needs little memory.

    Elements that nobody asked for are left out, with all that is in them. A document type is refused as soon as one
    begins, and with it every entity but the five that XML itself has: nothing is expanded, nothing fetched.
    """

    def __init__(self) -> None:
        self.begun = False
        self.responses: list[DavResponse] = []
        self.sync_token: str | None = None
        self.events = 0
        """How much the parser has had to say so far."""
        self._depth = 0
        self._elements = 0
        self._of_response = 0
        self._names: dict[str, str | None] = {}
        self._skipped_at: int | None = None
        self._tree = TreeBuilder()
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._data
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse
        self._parser = parser

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Take the next piece of the answer; raises what `parse` turns into errors of its own."""
        self._parser.Parse(piece, last)

    def close(self) -> None:
        """Let go of the parser, which holds on to this object: else what was read would stay until a collection."""
        del self._parser

    def _refuse(self, *_: object) -> None:
        raise _Declared

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.events += 1
        self._elements += 1
        depth = self._depth = self._depth + 1
        self._of_response = self._of_response + 1 if depth > 2 else 0  # noqa: PLR2004 - the root's children
        tag = self._names[name] if name in self._names else self._learn(name)
        if depth > MAX_DEPTH or self._of_response > MAX_ELEMENTS_OF_RESPONSE or self._elements > MAX_ELEMENTS:
            self._give_up()
        if len(attributes) > MAX_ATTRIBUTES:
            raise _Unacceptable(f"more than {MAX_ATTRIBUTES} attributes of one element")
        if depth == 1:
            if tag != ns.MULTISTATUS:
                raise _Unacceptable(f"its root is {name[:100]}, not a multi-status")
            self.begun = True
        elif self._skipped_at is None:
            if tag is None:
                self._skipped_at = depth
                return
            if depth == 2:  # noqa: PLR2004 - the root's children
                self._tree = TreeBuilder()
            self._tree.start(tag, attributes)

    def _learn(self, name: str) -> str | None:
        tag = self._names[name] = known if (known := f"{{{name}") in ns.KNOWN else None
        if len(self._names) > MAX_NAMES:
            raise _Unacceptable(f"more than {MAX_NAMES} different names")
        return tag

    def _give_up(self) -> NoReturn:
        if self._depth > MAX_DEPTH:
            raise _Unacceptable(f"nested deeper than {MAX_DEPTH}")
        if self._elements > MAX_ELEMENTS:
            raise _Unacceptable(f"more than {MAX_ELEMENTS} elements")
        raise _Unacceptable(f"more than {MAX_ELEMENTS_OF_RESPONSE} elements in one response")

    def _data(self, text: str) -> None:
        self.events += 1
        if self._depth > 1 and self._skipped_at is None:
            self._tree.data(text)

    def _end(self, name: str) -> None:
        self.events += 1
        depth = self._depth
        self._depth = depth - 1
        if self._skipped_at is not None:
            if self._skipped_at == depth:
                self._skipped_at = None
        elif depth > 1:
            self._tree.end(self._names[name] or "")
            if depth == 2:  # noqa: PLR2004 - the root's children
                self._take(self._tree.close())

    def _take(self, element: Element) -> None:
        if element.tag == ns.SYNC_TOKEN:
            self.sync_token = (element.text or "").strip() or None
        elif element.tag == ns.RESPONSE:
            self.responses += _responses(element)
            if len(self.responses) > MAX_RESPONSES:
                raise _Unacceptable(f"more than {MAX_RESPONSES} responses")


def _responses(element: Element) -> list[DavResponse]:
    hrefs = [(href.text or "").strip() for href in element.findall(ns.HREF)]
    if not hrefs or not all(hrefs):
        raise _Unacceptable("a response without an href")
    if max(map(len, hrefs)) > MAX_HREF:
        raise _Unacceptable(f"an href longer than {MAX_HREF} characters")
    own = element.find(ns.STATUS)
    status = _status(own.text or "") if own is not None else None
    props: dict[str, Element] = {}
    refused: dict[str, int] = {}
    for propstat in element.findall(ns.PROPSTAT):
        of_props = propstat.find(ns.STATUS)
        outcome = _status(of_props.text or "") if of_props is not None else _SUCCESS.start
        found = {prop.tag: prop for holder in propstat.findall(ns.PROP) for prop in holder}
        if outcome in _SUCCESS:
            props |= found
        elif outcome not in _MISSING:
            refused |= dict.fromkeys(found, outcome)
    return [DavResponse(href, status, props, refused) for href in hrefs]


@lru_cache(maxsize=64)
def _status(text: str) -> int:
    words = text.split()
    if len(words) < 2 or not _CODE.fullmatch(words[1]):  # noqa: PLR2004 - `HTTP/1.1 200 OK`
        raise _Unacceptable("a status line that is none")
    return int(words[1])
