"""From what a person knows, an address and a domain, to the account's principal and calendar homes.

RFC 6764 (service records, well-known URL), RFC 5397 (current-user-principal), RFC 4791 §6.2.1 (calendar-home-set).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from kalends.net.client import GuardedClient
from kalends.net.errors import BadUrl
from kalends.providers.caldav import bodies, config, hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.calendars import calendars_in
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.errors import HttpRefusal, Malformed, NotDav
from kalends.providers.caldav.multistatus import DavResponse, MultiStatus
from kalends.providers.errors import NotSupported

WELL_KNOWN = "/.well-known/caldav"
SERVICE = "caldavs"
_FORBIDDEN = 403
_NO_DAV_HERE = frozenset({400, 403, 404, 405, 406, 409, 410, 415, 501})
_ASKED = bodies.propfind(ns.CURRENT_USER_PRINCIPAL, ns.RESOURCETYPE, ns.CALENDAR_HOME_SET, ns.CALENDAR_USER_ADDRESS_SET)


@dataclass(frozen=True, slots=True)
class Found:
    """An account: the URLs of its principal and its calendar homes, and the addresses by which the server knows it.

    `key` tells the account from every other one of the server.
    """

    key: str
    principal: str
    homes: tuple[str, ...]
    addresses: frozenset[str] = frozenset()


async def starting_points(http: GuardedClient, dav: DavClient, place: str) -> list[str]:
    """Return the URLs at which to look, best first, for a configured URL or domain.

    A domain's service records come first; a target that may not have the credentials is refused.
    """
    if not config.is_domain(place):
        origin = hrefs.origin_of(place)
        return list(dict.fromkeys((place, origin + WELL_KNOWN, origin + "/")))
    targets = await http.srv(SERVICE, place)
    if not targets:
        return [f"https://{place}{WELL_KNOWN}", f"https://{place}/"]
    path = (await http.txt(SERVICE, place) or "").partition("=")[2]
    if not path.startswith("/"):
        path = WELL_KNOWN
    found: list[str] = []
    for target in targets:
        origin = f"https://{target.host}:{target.port}"
        dav.learn(origin)
        found += [hrefs.absolute(path, origin + "/"), origin + "/"]
    return list(dict.fromkeys(found))


async def discover(dav: DavClient, starts: Sequence[str]) -> Found:
    """Find the account from the first starting point that leads to one.

    A server that knows no principals but has calendars right there will do: the place is then principal and home, and
    whose account it is, only the user name tells.
    Raises `CredentialsRefused`, `NotSupported` and `Unavailable`.
    """
    anonymous = False
    places: list[str] = []
    for start in starts:
        answer = await _look(dav, start)
        if answer is None:
            continue
        about = _about_itself(answer)
        if principal := _principal(about, answer.url):
            return await account_of(dav, principal)
        current = about.props.get(ns.CURRENT_USER_PRINCIPAL)
        anonymous = anonymous or (current is not None and current.find(ns.UNAUTHENTICATED) is not None)
        places.append(answer.url)
    for place in places:
        if await _has_calendars(dav, place):
            url = hrefs.normal_url(place)
            return Found(_kept(f"{url}#{quote(dav.user, safe='@')}"), url, (place,))
    if anonymous:
        raise dav.refused(f"{hrefs.host_of(starts[0])} treats these credentials as nobody's")
    raise NotSupported(
        f"no CalDAV at {', '.join(dict.fromkeys(map(hrefs.host_of, starts)))}",
        public="There is no CalDAV server at this address.",
    )


async def account_of(dav: DavClient, principal: str) -> Found:
    """Ask a principal for its calendar homes and addresses. Raises `CredentialsRefused` and `NotSupported`."""
    dav.learn(principal)
    try:
        answer = await dav.propfind(principal, _ASKED, depth=0)
    except HttpRefusal as refusal:
        if refusal.status == _FORBIDDEN:
            raise dav.refused(f"{hrefs.host_of(principal)} answered 403") from refusal
        raise
    about = _about_itself(answer)
    homes = [_named(href, answer.url) for href in about.hrefs(ns.CALENDAR_HOME_SET)]
    if not homes:
        raise NotSupported(f"{hrefs.host_of(principal)} has no calendar home", public="This account has no calendars.")
    for home in homes:
        dav.learn(home)
    known_by = (href.lower() for href in about.hrefs(ns.CALENDAR_USER_ADDRESS_SET))
    addresses = frozenset(href.removeprefix("mailto:") for href in known_by if href.startswith("mailto:"))
    url = hrefs.normal_url(principal)
    return Found(_kept(url), url, tuple(dict.fromkeys(homes)), addresses)


async def _look(dav: DavClient, url: str) -> MultiStatus | None:
    """Ask a place who is there; None where WebDAV is not spoken. Trouble is raised, not taken for a no."""
    try:
        return await dav.propfind(await dav.led_to(url) if url.endswith(WELL_KNOWN) else url, _ASKED, depth=0)
    except NotDav:
        return None
    except HttpRefusal as refusal:
        if refusal.status in _NO_DAV_HERE:
            return None
        raise


async def _has_calendars(dav: DavClient, place: str) -> bool:
    try:
        return bool(await calendars_in(dav, [place], hrefs.origin_of(place)))
    except HttpRefusal as refusal:
        if refusal.status in _NO_DAV_HERE:
            return False
        raise


def _about_itself(answer: MultiStatus) -> DavResponse:
    if not answer.responses:
        raise Malformed(f"{hrefs.host_of(answer.url)} answered without saying anything")
    return answer.responses[0]


def _principal(about: DavResponse, url: str) -> str | None:
    named = about.hrefs(ns.CURRENT_USER_PRINCIPAL)
    if named:
        return _named(named[0], url)
    return url if about.hrefs(ns.CALENDAR_HOME_SET) else None


def _kept(key: str) -> str:
    if len(key) > hrefs.LONGEST_KEPT:
        raise Malformed(f"{hrefs.host_of(key)} names an account at greater length than can be kept")
    return key


def _named(href: str, url: str) -> str:
    try:
        return hrefs.absolute(href, url)
    except BadUrl as error:
        raise Malformed(f"{hrefs.host_of(url)} names something that is no address: {error}") from error
