"""Requests to a CalDAV server; the one place where statuses and network failures become the port's errors."""

from collections.abc import Mapping

from kalends.net.client import GuardedClient, Response
from kalends.net.credentials import BasicCredentials
from kalends.net.errors import CredentialsWithheld, NetError
from kalends.net.errors import TimedOut as NetTimedOut
from kalends.net.errors import TooLarge as NetTooLarge
from kalends.net.patience import retry_after
from kalends.providers import content
from kalends.providers.caldav import hrefs
from kalends.providers.caldav.errors import HttpRefusal, NotDav, TooLarge, TooSlow
from kalends.providers.caldav.multistatus import MultiStatus, parse
from kalends.providers.caldav.quirks import wrong_content_types
from kalends.providers.errors import AddressRefused, CredentialsRefused, ProviderError, from_net
from kalends.providers.quirks import Quirks

_MAX_PAGE_BYTES = 4 * 1024 * 1024
_MULTI_STATUS = 207
_UNAUTHORIZED = 401
_GONE = frozenset({404, 410})


class DavClient:
    """Speaks WebDAV with one account's credentials. `advice` is added where the server refuses them.

    No answer may be longer than the HTTP client's own limit, whatever a request would take. `quirks` is where all who
    speak through it note what they meet.
    """

    def __init__(
        self, http: GuardedClient, credentials: BasicCredentials, *, advice: str, quirks: Quirks | None = None
    ) -> None:
        self.quirks = quirks or Quirks()
        self._http = http
        self._max_bytes = http.max_bytes
        self._credentials = credentials
        self._advice = advice

    @property
    def user(self) -> str:
        """The user name that is sent."""
        return self._credentials.user

    @property
    def silence(self) -> float:
        """For how many seconds the server may usually keep silent."""
        return self._http.silence

    async def propfind(self, url: str, body: bytes, *, depth: int, patience: float | None = None) -> MultiStatus:
        """Ask for properties (RFC 4918 §9.1) of a resource (depth 0) and its members (depth 1).

        `patience`: for how many seconds, where not for as long as usual. Raises `TooSlow` after that.
        """
        return await self._ask("PROPFIND", url, body, {"Depth": str(depth)}, patience=patience)

    async def report(
        self, url: str, body: bytes, *, max_bytes: int | None = None, patience: float | None = None
    ) -> MultiStatus:
        """Ask for a report (RFC 3253 §3.6) on a collection; `patience` as for `propfind`."""
        return await self._ask("REPORT", url, body, {"Depth": "0"}, max_bytes, patience)

    async def get(self, url: str, *, max_bytes: int) -> Response:
        """Fetch a resource; raises `HttpRefusal` for any status but 200 and `TooLarge` beyond the bytes given."""
        answer = await self._request("GET", url, {"Accept": "text/calendar, */*;q=0.1"}, None, max_bytes)
        if answer.status != 200:  # noqa: PLR2004 - an HTTP status, plainer as its number
            raise HttpRefusal(f"{hrefs.host_of(url)} answered {answer.status} to GET", status=answer.status)
        return answer

    async def put(self, url: str, text: bytes, *, only_if: Mapping[str, str]) -> Response:
        """Store a calendar resource where the preconditions `only_if` (RFC 9110 §13.1) hold; see `_tell`."""
        return await self._tell("PUT", url, {"Content-Type": "text/calendar; charset=utf-8", **only_if}, text)

    async def delete(self, url: str) -> Response:
        """Delete a resource, or a collection with all that is in it; see `_tell`."""
        return await self._tell("DELETE", url, {}, None)

    async def mkcalendar(self, url: str, body: bytes) -> Response:
        """Make a calendar (RFC 4791 §5.3.1); see `_tell`."""
        return await self._tell("MKCALENDAR", url, {"Content-Type": "application/xml; charset=utf-8"}, body)

    async def proppatch(self, url: str, body: bytes) -> MultiStatus:
        """Set properties (RFC 4918 §9.2); which of them were taken, the answer tells."""
        return await self._ask("PROPPATCH", url, body, {})

    def refused(self, what: str) -> CredentialsRefused:
        """Return the error that says that the credentials do not work, with the provider's advice."""
        return CredentialsRefused(what, public=f"The calendar server refused the user name or password. {self._advice}")

    def learn(self, url: str) -> None:
        """Let the credentials go to a host that an answer to them named; raises `AddressRefused` where they may not."""
        try:
            self._credentials.scope.learn(url)
        except NetError as error:
            raise _from_net(error) from error

    async def led_to(self, url: str) -> str:
        """Return where a URL that is there to redirect (RFC 6764 §5) leads, and let the credentials go there.

        Asked without them, since nobody knows yet whether they may go there. Raises `AddressRefused` where not.
        """
        try:
            answer = await self._http.request("GET", url, max_bytes=self._bounded(_MAX_PAGE_BYTES))
        except NetTooLarge:
            return url
        except NetError as error:
            raise _from_net(error) from error
        self.learn(answer.url)
        return answer.url

    async def _tell(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Have the server do something, and return its answer whatever its status below 500, but for 401 and 429.

        Where none comes, or one that is none, `Unavailable` is raised, and it may have been done.
        """
        answer = await self._request(method, url, headers, body, _MAX_PAGE_BYTES)
        if not hrefs.same_place(answer.url, url):
            raise NotDav(f"{hrefs.host_of(answer.url)} redirects {method} to another place")
        return answer

    async def _ask(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        max_bytes: int | None = None,
        patience: float | None = None,
    ) -> MultiStatus:
        headers = {**headers, "Content-Type": "application/xml; charset=utf-8", "Accept": "application/xml, text/xml"}
        answer = await self._request(method, url, headers, body, max_bytes, patience)
        if answer.status in range(200, 300) and answer.status != _MULTI_STATUS:
            raise NotDav(f"{hrefs.host_of(answer.url)} answered {answer.status} to {method} where 207 was due")
        if answer.status in _GONE and not hrefs.same_place(answer.url, url):
            # That nothing is where a redirect leads does not say that what was asked about is gone.
            raise NotDav(f"{hrefs.host_of(answer.url)} redirects {method} to where nothing is")
        if answer.status != _MULTI_STATUS:
            raise HttpRefusal(f"{hrefs.host_of(answer.url)} answered {answer.status} to {method}", status=answer.status)
        return await self._parsed(method, answer)

    async def _parsed(self, method: str, answer: Response) -> MultiStatus:
        claimed = content.media_type(answer.headers)
        wrong = not wrong_content_types.is_right_for_xml(claimed)
        if wrong and content.is_web_page("", answer.body):
            raise NotDav(f"{hrefs.host_of(answer.url)} answered {method} with {claimed[:80]} where XML was due")
        parsed = await parse(answer.body, answer.url)
        self.quirks.see(wrong_content_types.QUIRK, shown=wrong)
        return parsed

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int | None,
        patience: float | None = None,
    ) -> Response:
        try:
            answer = await self._http.request(
                method,
                url,
                headers=headers,
                content=body,
                credentials=self._credentials,
                max_bytes=self._bounded(max_bytes),
                timeout=patience,
            )
        except NetError as error:
            raise _from_net(error) from error
        if answer.status == _UNAUTHORIZED:
            raise self.refused(f"{hrefs.host_of(answer.url)} answered 401 to {method}")
        if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 - an HTTP status, plainer as its number
            message = f"{hrefs.host_of(answer.url)} answered {answer.status} to {method}"
            raise HttpRefusal(message, status=answer.status, retry_after=retry_after(answer.headers))
        return answer

    def _bounded(self, max_bytes: int | None) -> int:
        return self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)


def _from_net(error: NetError) -> ProviderError:
    if isinstance(error, CredentialsWithheld):
        public = "This service sends no passwords to where the calendar server is: over plain http, or at another host."
        return AddressRefused(str(error), public=public)
    if isinstance(error, NetTooLarge):
        return TooLarge(str(error))
    if isinstance(error, NetTimedOut):
        return TooSlow(str(error))
    return from_net(error)
