"""Where connections are opened, and the only place: the address that was checked is the address that is dialled."""

import asyncio
import time
from collections.abc import Iterable, Sequence

import httpcore2

from kalends.net.address import IPAddress, plain
from kalends.net.errors import AddressRefused, CredentialsWithheld, NameUnknown, NetError, TimedOut, Unreachable
from kalends.net.policy import NetPolicy
from kalends.net.resolver import Resolver
from kalends.net.url import literal

_MAX_ATTEMPTS = 4


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens the connections of a pool.

    The pool hands over the host's name, so that connections are shared per scheme, name and port, and name, Host
    header and certificate belong together. The name is resolved here, once per connection; *all* its addresses must be
    permitted, since a name that leads outside and inside at once is how a guard is walked around. What was checked is
    then dialled by number: a name that changes its answer in between gains nothing.

    With `allowed_only`, public addresses are not enough: the operator has to have allowed every one (credentials over
    plain http).
    """

    def __init__(self, policy: NetPolicy, resolver: Resolver, *, allowed_only: bool = False) -> None:
        self._policy = policy
        self._resolver = resolver
        self._allowed_only = allowed_only
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the pool's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check and connect within `timeout` seconds.

        Raises `AddressRefused`, `CredentialsWithheld`, `TimedOut`, `Unreachable`.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise TimedOut(f"The name {host} was not resolved in time.", host=host) from None
        for address in addresses:
            self._check(host, port, address)
        failure: NetError = Unreachable(f"{host}:{port} does not accept connections.", host=host)
        tried = addresses[:_MAX_ATTEMPTS]
        for number, address in enumerate(tried):
            share = None
            if timeout is not None:
                share = max(0.0, started + timeout - time.monotonic()) / (len(tried) - number)
            try:
                return await self._plain.connect_tcp(str(address), port, share, local_address, socket_options)
            except httpcore2.ConnectTimeout:
                failure = TimedOut(f"{host}:{port} did not accept a connection in time.", host=host)
            except httpcore2.ConnectError:
                continue
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the pool's interface
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: sockets of this machine are never asked."""
        del path, timeout, socket_options
        raise AddressRefused("Unix sockets are not asked.")

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> Sequence[IPAddress]:
        address = literal(host)
        if address is not None:
            return [address]
        try:
            addresses = [plain(found) for found in await self._resolver.addresses(host, port)]
        except OSError:
            addresses = []
        if not addresses:
            raise NameUnknown(f"The name {host} has no address.", host=host)
        return addresses

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
