"""One download of a feed; the one place where statuses and network failures become the port's errors."""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kalends.net.client import GuardedClient, Response
from kalends.net.errors import CredentialsWithheld, NetError, TooLarge
from kalends.net.patience import retry_after
from kalends.providers import content
from kalends.providers.errors import (
    AddressRefused,
    CalendarGone,
    CredentialsRefused,
    Unavailable,
    from_net,
)
from kalends.providers.ics.address import fingerprint
from kalends.providers.ics.cursor import Cursor, validator
from kalends.providers.ics.splitting import Calendar, CutOff, NoCalendar, split
from kalends.providers.ics.text import as_utf8

_ACCEPT = "text/calendar, text/plain;q=0.5, */*;q=0.1"
_OK = 200
_NOT_MODIFIED = 304
_UNAUTHORIZED = 401
_GONE = frozenset({404, 410})


@dataclass(slots=True)
class Fetched:
    """A feed as it was downloaded. `cursor` stands for just these bytes."""

    body: bytes = field(repr=False)
    charset: str
    cursor: Cursor

    def text(self) -> bytes:
        """Return the text as UTF-8, once: it is not kept, since a large feed should not be in memory twice."""
        body, self.body = self.body, b""
        return as_utf8(body, self.charset)


async def fetch(client: GuardedClient, url: str, since: Cursor | None = None) -> Fetched | None:
    """Download a feed, or None where its server says that it is as it was at `since`.

    A redirect from https to http is not followed: the address is a secret. Raises `CredentialsRefused` for 401,
    `CalendarGone` for 404 and 410, and `Unavailable` for all else, an answer that is larger than is taken included.
    """
    host = urlsplit(url).hostname or ""
    try:
        answer = await client.request(
            "GET", url, headers={"Accept": _ACCEPT, **(since.conditions() if since else {})}, secret_url=True
        )
    except CredentialsWithheld as error:
        public = "The feed leads from https to http, where others could read its address."
        raise AddressRefused(str(error), public=public) from error
    except TooLarge as error:
        raise Unavailable(str(error), public="The feed is larger than what is taken.") from error
    except NetError as error:
        raise from_net(error) from error
    if answer.status == _NOT_MODIFIED and since is not None:
        return None
    _check_status(answer, host)
    digest = hashlib.blake2b(answer.body, digest_size=16).hexdigest()
    etag, modified = (validator(answer.headers.get(name, "")) for name in ("etag", "last-modified"))
    cursor = Cursor(fingerprint(url), digest, etag, modified)
    return Fetched(answer.body, content.charset(answer.headers), cursor)


def calendars_in(fetched: Fetched, url: str) -> list[Calendar]:
    """Return what a feed holds; raises `Unavailable` where it is cut off, or no calendar at all."""
    host = urlsplit(url).hostname
    page = content.is_web_page("", fetched.body)
    try:
        return split(fetched.text())
    except NoCalendar:
        what = "a web page" if page else "what is no calendar"
        raise Unavailable(
            f"{host} answered {what} where a feed was due", public="What is at this address is no calendar."
        ) from None
    except CutOff as error:
        raise Unavailable(f"{host} answered a feed that is cut off: {error}") from None


def _check_status(answer: Response, host: str) -> None:
    if answer.status == _OK:
        return
    said = f"{host} answered {answer.status} where a feed was due"
    if answer.status == _UNAUTHORIZED:
        raise CredentialsRefused(said, public="The feed wants a user name and password, or its address was withdrawn.")
    if answer.status in _GONE:
        raise CalendarGone(said, public="There is no feed at this address, or not any more.")
    raise Unavailable(said, retry_after=retry_after(answer.headers))
