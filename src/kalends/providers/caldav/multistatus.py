"""Reading a multi-status answer (RFC 4918 §13), under limits, wholly or not at all."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from kalends.providers.caldav import hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.errors import Malformed, NotDav

MAX_DEPTH = 32
MAX_ELEMENTS = 4_000_000
MAX_RESPONSES = 200_000
_CHUNK = 65_536
_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class DavResponse:
    """What the answer says about one resource.

    `status` is that of the resource as a whole, where there is one. `props` holds, by qualified name, the properties
    that the server could give.
    """

    href: str
    status: int | None
    props: Mapping[str, Element]

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

    Raises `NotDav` where it is no multi-status, and `Malformed` where it cannot be read to its end.
    """
    collector = _Collector()
    parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
            await asyncio.sleep(0)
        parser.close()
    except ParseError as error:
        kind = Malformed if collector.begun else NotDav
        raise kind(f"{hrefs.host_of(url)} answered XML that is broken or cut off: {error}") from error
    except DefusedXmlException as error:
        raise Malformed(f"{hrefs.host_of(url)} answered XML with a document type or entities of its own") from error
    except _Unacceptable as error:
        kind = Malformed if collector.begun else NotDav
        raise kind(f"{hrefs.host_of(url)} answered XML that is not taken: {error}") from error
    return MultiStatus(url, tuple(collector.responses), collector.sync_token)


class _Unacceptable(Exception):
    pass


class _Collector:
    """A parser's target that keeps one response's tree at a time, so that a long listing needs little memory."""

    def __init__(self) -> None:
        self.begun = False
        self.responses: list[DavResponse] = []
        self.sync_token: str | None = None
        self._depth = 0
        self._elements = 0
        self._tree = TreeBuilder()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise _Unacceptable(f"nested deeper than {MAX_DEPTH}")
        if self._elements > MAX_ELEMENTS:
            raise _Unacceptable(f"more than {MAX_ELEMENTS} elements")
        if self._depth == 1:
            if tag != ns.MULTISTATUS:
                raise _Unacceptable(f"its root is {tag[:100]}, not a multi-status")
            self.begun = True
            return
        if self._depth == 2:  # noqa: PLR2004 - the root's children
            self._tree = TreeBuilder()
        self._tree.start(tag, attributes)

    def data(self, text: str) -> None:
        if self._depth > 1:
            self._tree.data(text)

    def end(self, tag: str) -> None:
        if self._depth > 1:
            self._tree.end(tag)
            if self._depth == 2:  # noqa: PLR2004 - the root's children
                self._take(self._tree.close())
        self._depth -= 1

    def close(self) -> None:
        pass

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
    own = element.find(ns.STATUS)
    status = _status(own) if own is not None else None
    props: dict[str, Element] = {}
    for propstat in element.findall(ns.PROPSTAT):
        of_props = propstat.find(ns.STATUS)
        if of_props is None or _status(of_props) in _SUCCESS:
            props |= {prop.tag: prop for holder in propstat.findall(ns.PROP) for prop in holder}
    return [DavResponse(href, status, props) for href in hrefs]


def _status(element: Element) -> int:
    words = (element.text or "").split()
    if len(words) < 2 or not words[1].isdecimal():  # noqa: PLR2004 - `HTTP/1.1 200 OK`
        raise _Unacceptable("a status line that is none")
    return int(words[1])
