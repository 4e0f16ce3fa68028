"""Where connections are opened, and the only place: the address that was checked is the address that is dialled.

aiohttp keeps the connections and asks three things of us: what a name stands for, a socket to an address, and whether
a connection may be taken (again).
"""

import asyncio
import socket
import ssl
from contextvars import ContextVar, Token
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from kalends.net.address import IPAddress, plain
from kalends.net.errors import AddressRefused, CredentialsWithheld, NameUnknown, NetError
from kalends.net.policy import NetPolicy
from kalends.net.resolver import Resolver

_MAX_ATTEMPTS = 4


class Dial:
    """One request's way to its connection, known to whatever runs inside it (`with`).

    `host` and `port` are whom the request is for, `opened` tells whether a socket had to be opened for it, `refusal`
    why none may be. `protocol` is the connection's, once there is one.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.opened = False
        self.refusal: NetError | None = None
        self.protocol: ResponseHandler | None = None

    def __enter__(self) -> Self:
        self._token: Token[Dial] = _under_way.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _under_way.reset(self._token)


_under_way: ContextVar[Dial] = ContextVar("_under_way")


class Guard(AbstractResolver):
    """Decides where connections lead.

    Connections are shared per scheme, name and port, so that name, Host header and certificate belong together. The
    name is resolved here, once per connection; *all* its addresses must be permitted, since a name that leads outside
    and inside at once is how a guard is walked around. What was checked is then dialled by number: a name that changes
    its answer in between gains nothing. Each number is checked once more where its socket is made; for a host that is
    an address, which nobody resolves, that is the check.

    With `allowed_only`, public addresses are not enough: the operator has to have allowed every one (credentials over
    plain http).
    """

    def __init__(self, policy: NetPolicy, resolver: Resolver, *, allowed_only: bool) -> None:
        self._policy = policy
        self._resolver = resolver
        self._allowed_only = allowed_only

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses to dial. Raises `NameUnknown`, `AddressRefused`, `CredentialsWithheld`."""
        del family
        try:
            addresses = [plain(found) for found in await self._resolver.addresses(host, port)]
        except OSError:
            addresses = []
        if not addresses:
            raise NameUnknown(f"The name {host} has no address.", host=host)
        for address in addresses:
            self._check(host, port, address)
        return [
            ResolveResult(hostname=host, host=str(address), port=port, family=socket.AF_UNSPEC, proto=0, flags=0)
            for address in addresses[:_MAX_ATTEMPTS]
        ]

    async def close(self) -> None:
        """Do nothing: the resolver is its owner's."""

    def open_socket(self, place: AddrInfoType) -> socket.socket:
        """Return a socket for an address that may be dialled; `OSError`, and the reason in `Dial`, for any other."""
        dial = _under_way.get()
        family, kind, protocol, _, (address, port, *_) = place
        try:
            self._check(dial.host, dial.port, plain(ip_address(address)))
        except NetError as refusal:
            dial.refusal = refusal
            raise PermissionError("not to be dialled") from None
        if port != dial.port:
            raise PermissionError("not the port that was asked for")
        dial.opened = True
        return socket.socket(family, kind, protocol)

    def _check(self, host: str, port: int, address: IPAddress) -> None:
        if not self._policy.may_dial(host, port, address):
            raise AddressRefused(
                f"{host} has an address that is not public; KALENDS_NET_ALLOW can allow it.",
                host=host,
            )
        if self._allowed_only and not self._policy.allows(host, port, address):
            raise CredentialsWithheld(
                f"{host} is asked over plain http, and credentials go so only to what KALENDS_NET_ALLOW names.",
                host=host,
            )


class Connector(aiohttp.TCPConnector):
    """The connections of one guard: at most `limit` in use at a time, idle ones for `keep_alive` seconds.

    `most_kept` is how many may stay open at all, in use or idle; those beyond are closed after one answer. Of several
    addresses the next one is dialled where one refuses, or does not answer within a quarter of a second (RFC 8305).
    """

    def __init__(
        self, guard: Guard, *, ssl_context: ssl.SSLContext, limit: int, most_kept: int, keep_alive: float
    ) -> None:
        ssl_context.set_alpn_protocols(["http/1.1"])
        super().__init__(
            resolver=guard,
            socket_factory=guard.open_socket,
            use_dns_cache=False,
            interleave=_MAX_ATTEMPTS,  # with fewer, all are dialled again and again where none accepts
            ssl=ssl_context,
            limit=limit,
            keepalive_timeout=keep_alive,
        )
        self._most_kept = most_kept
        self._kept: set[asyncio.Future[None]] = set()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the library's interface
    ) -> Connection:
        """Return an open connection on which nothing has been said that nobody asked for."""
        dial = _under_way.get()
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or (protocol.should_close and not dial.opened):
                # What came while it lay idle would pass for the answer to the next question.
                connection.close()
                continue
            if dial.opened:
                self._count(protocol)
            dial.protocol = protocol
            return connection

    def _count(self, protocol: ResponseHandler) -> None:
        closed = protocol.closed
        if closed is None:
            return
        if len(self._kept) < self._most_kept:
            self._kept.add(closed)
        else:
            protocol.force_close()
        closed.add_done_callback(self._gone)

    def _gone(self, closed: asyncio.Future[None]) -> None:
        self._kept.discard(closed)
        if not closed.cancelled():
            closed.exception()  # an error that nobody looks at would be reported as forgotten
