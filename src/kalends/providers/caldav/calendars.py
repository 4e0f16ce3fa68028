"""From calendar homes to the calendars in them that can hold events."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import structlog

from kalends.model.calendar import ExternalCalendar
from kalends.net.errors import BadUrl
from kalends.providers.caldav import bodies, hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.errors import HttpRefusal, Malformed
from kalends.providers.caldav.multistatus import DavResponse, MultiStatus
from kalends.providers.caldav.zones import iana_zone, zone_of_vtimezone

_PROPERTIES = (
    ns.RESOURCETYPE,
    ns.DISPLAYNAME,
    ns.SUPPORTED_COMPONENTS,
    ns.CURRENT_USER_PRIVILEGE_SET,
    ns.CALENDAR_COLOR,
    ns.CALENDAR_TIMEZONE,
    ns.CALENDAR_TIMEZONE_ID,
    ns.SCHEDULE_DEFAULT_CALENDAR,
)
_ASKED = bodies.propfind(*_PROPERTIES)
_ASKED_WITH_MARKER = bodies.propfind(*_PROPERTIES, ns.EXPORT_MARKER)
_NOT_FOR_EVENTS = frozenset({ns.SCHEDULE_INBOX, ns.SCHEDULE_OUTBOX, ns.NOTIFICATION})
_OF_OTHERS = frozenset({ns.SUBSCRIBED, ns.SHARED})
"""Of a calendar that the account reads somewhere, or that another account lets it see (caldav-sharing, §5.2)."""
_COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
_SHORT_COLOR = len("#rgb")
_LONGEST_NAME = 200
_MISSING = frozenset({403, 404, 410})
"""What a child of the home may answer: it is not there, or not for this person."""
_UNAUTHORIZED = 401

log = structlog.get_logger(__name__)


async def calendars_in(dav: DavClient, homes: Iterable[str], origin: str) -> list[ExternalCalendar]:
    """Return the calendars in all the homes, each once, in the server's order.

    A home that is itself a calendar counts. One home that cannot be read fails the whole: an account is listed
    entirely or not at all.
    """
    found: dict[str, ExternalCalendar] = {}
    primary: set[str] = set()
    for home in homes:
        for response in (answer := await _listing(dav, home)).responses:
            await asyncio.sleep(0)
            default = response.hrefs(ns.SCHEDULE_DEFAULT_CALENDAR)
            primary |= {hrefs.path_of(url) for href in default if (url := _url(href, answer.url))}
            if not _holds_events(response):
                continue
            if url := _url(response.href, answer.url):
                found.setdefault(hrefs.path_of(url), _calendar(response, url, origin))
            else:
                log.warning("calendar_without_usable_address", host=hrefs.host_of(answer.url))
    return [replace(calendar, primary=path in primary) for path, calendar in found.items()]


async def calendar_marked(
    dav: DavClient, homes: Iterable[str], origin: str, *, segment: str, marker: str
) -> ExternalCalendar | None:
    """Return the calendar that was made for copies, by its name in the path, else by our property; None where none is.

    Not every server keeps either: some choose the name in the path, others keep no properties of strangers.
    """
    marked: ExternalCalendar | None = None
    for home in homes:
        for response in (answer := await _listing(dav, home, _ASKED_WITH_MARKER)).responses:
            url = _url(response.href, answer.url) if _holds_events(response) else None
            if url is None:
                continue
            if unquote(hrefs.path_of(url)).rstrip("/").rpartition("/")[2] == segment:
                return _calendar(response, url, origin)
            if response.text(ns.EXPORT_MARKER) == marker:
                marked = marked or _calendar(response, url, origin)
    return marked


async def _listing(dav: DavClient, home: str, asked: bytes = _ASKED) -> MultiStatus:
    """List a home; raises where the answer is about something else or leaves something out.

    What the home says that it could not tell of one resource may be a calendar, and so fails the listing too.
    """
    answer = await dav.propfind(home, asked, depth=1)
    if not answer.responses:
        raise Malformed(f"{hrefs.host_of(home)} answered a listing that does not even name what is listed")
    if not hrefs.same_place(answer.url, home):
        raise Malformed(f"{hrefs.host_of(home)} redirects a listing to another place")
    for response in answer.responses:
        status = response.failure(ns.RESOURCETYPE)
        if status is None:
            continue
        message = f"{hrefs.host_of(home)} answered {status} inside a listing"
        if not hrefs.is_self(response.href, hrefs.path_of(home)):
            if status not in _MISSING:
                raise Malformed(message)
        elif status == _UNAUTHORIZED:
            raise dav.refused(message)
        else:
            raise HttpRefusal(message, status=status)
    return answer


def calendar_url(identifier: str, origin: str) -> str:
    """Return the URL of a calendar by its id: a path at the account's origin, or a whole URL elsewhere."""
    return identifier if identifier.startswith(("http://", "https://")) else origin + identifier


def _calendar(response: DavResponse, url: str, origin: str) -> ExternalCalendar:
    path = urlsplit(url).path
    identifier = path if hrefs.origin_of(url) == origin else url
    return ExternalCalendar(
        id=identifier if identifier.endswith("/") else identifier + "/",
        name=(response.text(ns.DISPLAYNAME) or unquote(path.rstrip("/").rpartition("/")[2]))[:_LONGEST_NAME],
        own=not response.types & _OF_OTHERS,
        writable=_writable(response),
        color=_color(response.text(ns.CALENDAR_COLOR)),
        time_zone=_zone(response),
    )


def _holds_events(response: DavResponse) -> bool:
    """RFC 4791 §5.2.3: a calendar that names no components takes all."""
    if ns.CALENDAR not in response.types or response.types & _NOT_FOR_EVENTS:
        return False
    components = response.props.get(ns.SUPPORTED_COMPONENTS)
    names = {component.get("name", "").upper() for component in components} if components is not None else set()
    return not names or "VEVENT" in names


def _writable(response: DavResponse) -> bool:
    """RFC 3744 §5.4; a server that knows no privileges says nothing, and is believed to let the account write."""
    privileges = response.props.get(ns.CURRENT_USER_PRIVILEGE_SET)
    if privileges is None:
        return True
    return any(kind.tag in ns.WRITING_PRIVILEGES for privilege in privileges.iter(ns.PRIVILEGE) for kind in privilege)


def _color(text: str | None) -> str | None:
    if text is None or not _COLOR.fullmatch(text):
        return None
    if len(text) == _SHORT_COLOR:
        text = "#" + "".join(2 * digit for digit in text[1:])
    return text[:7].lower()


def _zone(response: DavResponse) -> str | None:
    identifier = response.text(ns.CALENDAR_TIMEZONE_ID)
    definition = response.text(ns.CALENDAR_TIMEZONE)
    return (identifier and iana_zone(identifier)) or (definition and zone_of_vtimezone(definition)) or None


def _url(href: str, base_url: str) -> str | None:
    """Return the URL of a calendar, None where it is none, or one too long to be kept."""
    try:
        url = hrefs.absolute(href, base_url)
    except BadUrl:
        return None
    return url if len(url.encode()) < hrefs.LONGEST_KEPT else None
