"""The guarded HTTP client: every outgoing request of the service goes through it."""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cache, partial
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from kalends.net.breaker import Breakers
from kalends.net.budgets import Spending, Waiting
from kalends.net.credentials import Credentials
from kalends.net.dial import Connector, Guard
from kalends.net.errors import BadUrl, NetError, TimedOut, TooManyRedirects, Unreachable
from kalends.net.message import Message
from kalends.net.patience import ASKS_FOR_PATIENCE, retry_after
from kalends.net.policy import NetPolicy
from kalends.net.resolver import Resolver, SrvTarget, SystemResolver
from kalends.net.url import HttpUrl, canonical_host, literal
from kalends.net.wire import StaleConnection, Wire

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_T = TypeVar("_T")

Watch = Callable[[str, str, float], None]
"""Told of each request sent, of each hop: its method, how it ended (`2xx`, or the kind of error), and its seconds."""
_SERVICE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much: times in seconds, sizes in bytes.

    `connect` bounds name, connection and TLS, `read` the wait for the next bytes, `total` a whole request with all its
    redirects. `max_bytes` bounds a body both as sent and as decompressed; `wire` says where header fields end. Of the
    connections `max_connections` are in use at a time, and `max_idle_connections` more may stay open.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 90.0
    max_bytes: int = 32 * 1024 * 1024
    max_redirects: int = 5
    max_connections: int = 100
    max_idle_connections: int = 50
    keep_alive: float = 15.0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status. Its text form shows neither URL nor content: both may be secret.

    `headers` do not care for case, and join repeated ones with commas. `body` is decompressed and whole, as far as HTTP
    can tell: where `framed` is False the body ended with the connection (RFC 9112 §6.3, item 8), and only the end of
    the document inside can say so. `url` is the one that answered, after redirects, in its canonical form.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    framed: bool = True


class GuardedClient:
    """Asks servers on behalf of tenants, without becoming their way into the operator's network.

    * Only public addresses are dialled, and what the policy allows; the address that was checked is the one dialled.
    * Redirects are followed here, each as if it were a request of its own.
    * Credentials go only where their scope permits, and never from https to http: a request that would carry them
      elsewhere is refused (`CredentialsWithheld`), not sent without them, since an anonymous answer to an
      authenticated question could pass for an empty calendar.
    * Nothing is kept but open connections: no cookies, no cache, no proxies or `.netrc` from the environment.

    One client serves one event loop. `ssl_context` takes the place of the system's certificate authorities. With
    `breakers`, hosts that are down are left alone.
    """

    def __init__(
        self,
        policy: NetPolicy,
        *,
        resolver: Resolver | None = None,
        limits: Limits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        breakers: Breakers | None = None,
    ) -> None:
        self.policy = policy
        self._resolver = resolver or SystemResolver()
        self._limits = limits or Limits()
        self._breakers = breakers
        self._ssl_context = ssl_context or _system_authorities()
        self._watch: Watch = _unwatched
        self._spending: Spending | None = None
        self._pool = self._open_pool(allowed_only=False)
        self._allowed_pool = self._open_pool(allowed_only=True)

    @property
    def max_bytes(self) -> int:
        """The largest body that a request may bring, where it does not ask for less."""
        return self._limits.max_bytes

    @property
    def silence(self) -> float:
        """For how many seconds a server may keep silent, where a request does not ask for longer."""
        return self._limits.read

    def watched(self, watch: Watch) -> "GuardedClient":
        """Return this client, its connections included, as one whose requests somebody counts."""
        watched = copy(self)
        watched._watch = watch  # noqa: SLF001 - it is one of our own
        return watched

    def within(self, spending: Spending) -> "GuardedClient":
        """Return this client, its connections included, as one whose requests keep to budgets.

        What a request waits for its turn is not counted against its time limits: it is no fault of the server's.
        """
        bounded = copy(self)
        bounded._spending = spending  # noqa: SLF001 - it is one of our own
        return bounded

    def _open_pool(self, *, allowed_only: bool) -> Wire:
        limits, guard = self._limits, self._guard(allowed_only=allowed_only)
        return Wire(
            lambda: Connector(
                guard,
                ssl_context=self._ssl_context,
                limit=limits.max_connections,
                most_kept=limits.max_connections + limits.max_idle_connections,
                keep_alive=limits.keep_alive,
            ),
            connect=limits.connect,
        )

    def _guard(self, *, allowed_only: bool) -> Guard:
        return Guard(self.policy, self._resolver, allowed_only=allowed_only)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        credentials: Credentials | None = None,
        secret_url: bool = False,
        max_bytes: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - one deadline over all redirects, kept here
    ) -> Response:
        """Send a request, follow its redirects and return the answer, whatever its status.

        Method and body are kept on 301, 302, 307 and 308, as WebDAV needs; 303 goes on with a GET (RFC 9110 §15.4.4).
        Where `secret_url` says that whoever knows the URL has what it leads to, no redirect goes from https to http.
        `max_bytes` and `timeout` (seconds) replace `Limits.max_bytes` and `Limits.total`; where `timeout` is the longer
        one, the server may keep silent for all of it. A question whose connection turns out to have been closed while
        it lay idle is asked once more, if asking twice changes nothing.

        Raises `NetError`; `ValueError` for a method or header that callers have no business to send, such as
        Authorization, Cookie or Host.
        """
        message = Message(method, headers or {}, content, credentials, secret_url)
        hop = HttpUrl.parse(url)
        limit = self._limits.max_bytes if max_bytes is None else max_bytes
        total = self._limits.total if timeout is None else timeout
        silence = self._limits.read if total <= self._limits.total else total
        try:
            async with asyncio.timeout(total) as deadline:
                for _ in range(self._limits.max_redirects + 1):
                    message.check(hop)
                    response = await self._in_turn(message, hop, limit, silence, partial(_held, deadline))
                    await self._heed(response)
                    location = response.headers.get("location")
                    if response.status not in _REDIRECTS or location is None:
                        return response
                    previous, hop = hop, hop.join(location)
                    message = message.redirected(response.status, previous, hop)
        except TimeoutError:
            raise TimedOut(f"{hop.host} did not finish its answer within {total:g} s.", host=hop.host) from None
        raise TooManyRedirects(f"{hop.host} is one redirect too many.", host=hop.host)

    async def srv(self, service: str, domain: str) -> list[SrvTarget]:
        """Return where a domain offers a TCP service such as `caldavs` (RFC 2782, RFC 6764 §3), the first choice first.

        Nothing where it offers none, or none that could be had in time. Equal priorities are ordered by falling weight.
        Raises `BadUrl` where the domain is not a host.
        """
        found = []
        for target in await self._ask(self._resolver.srv, service, domain):
            try:
                host = canonical_host(target.host)
            except ValueError:
                continue
            found.append(replace(target, host=host))
        return sorted(found, key=lambda target: (target.priority, -target.weight))

    async def txt(self, service: str, domain: str) -> str | None:
        """Return the `path=…` string of the TXT record beside the SRV record (RFC 6764 §4), None where there is none.

        Raises `BadUrl` where the domain is not a host.
        """
        texts = await self._ask(self._resolver.txt, service, domain)
        return next((text for text in texts if text.lower().startswith("path=")), None)

    async def _ask(self, question: Callable[[str], Awaitable[Sequence[_T]]], service: str, domain: str) -> Sequence[_T]:
        if not _SERVICE.fullmatch(service):
            raise ValueError(f"{service!r} is not the name of a service")
        try:
            host = canonical_host(domain)
        except ValueError:
            raise BadUrl("A domain is not a host name.") from None
        if literal(host) is not None:
            return ()
        try:
            async with asyncio.timeout(self._limits.connect):
                return await question(f"_{service}._tcp.{host}")
        except TimeoutError:
            return ()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        await self._allowed_pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _heed(self, response: Response) -> None:
        if self._spending is not None and response.status in ASKS_FOR_PATIENCE:
            wait = retry_after(response.headers)
            if wait:
                await self._spending.rest(wait)

    async def _in_turn(self, message: Message, url: HttpUrl, limit: int, silence: float, waiting: Waiting) -> Response:
        """Send a request when its budgets let it be under way."""
        if self._spending is None:
            return await self._guarded(message, url, limit, silence)
        await self._spending.spend(url.host, url.port, waiting)
        async with self._spending.place(url.host, waiting):
            return await self._guarded(message, url, limit, silence)

    async def _guarded(self, message: Message, url: HttpUrl, limit: int, silence: float) -> Response:
        if self._breakers is None:
            return await self._exchange(message, url, limit, silence)
        with self._breakers.exchange(url.host, url.port) as exchange:
            response = await self._exchange(message, url, limit, silence)
            exchange.status = response.status
        return response

    async def _exchange(self, message: Message, url: HttpUrl, limit: int, silence: float) -> Response:
        try:
            return await self._counted(message, url, limit, silence)
        except StaleConnection:
            if not message.repeatable:
                raise
            return await self._counted(message, url, limit, silence)

    async def _counted(self, message: Message, url: HttpUrl, limit: int, silence: float) -> Response:
        began, outcome = time.perf_counter(), "cancelled"
        try:
            response = await self._send(message, url, limit, silence)
            outcome = f"{response.status // 100}xx"
        except NetError as error:
            outcome = (Unreachable if isinstance(error, StaleConnection) else type(error)).__name__
            raise
        finally:
            self._watch(message.method, outcome, time.perf_counter() - began)
        return response

    async def _send(self, message: Message, url: HttpUrl, limit: int, silence: float) -> Response:
        exposed = message.credentials is not None and url.scheme == "http"
        wire = self._allowed_pool if exposed else self._pool
        answer = await wire.exchange(message, url, limit=limit, silence=silence)
        return Response(answer.status, answer.headers, answer.body, str(url), answer.framed)


@contextmanager
def _held(deadline: asyncio.Timeout) -> Iterator[None]:
    """Hold a deadline while something is waited for that is not counted."""
    loop, ends = asyncio.get_running_loop(), deadline.when()
    began = loop.time()
    deadline.reschedule(None)
    try:
        yield
    finally:
        deadline.reschedule(None if ends is None else ends + loop.time() - began)


def _unwatched(_method: str, _outcome: str, _seconds: float) -> None:
    """Count nothing."""


@cache
def _system_authorities() -> ssl.SSLContext:
    return httpx2.create_ssl_context()
