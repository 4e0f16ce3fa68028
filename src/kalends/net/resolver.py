"""Names to addresses and services: the seam through which everything that is dialled becomes known."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any, Protocol

import dns.asyncresolver
import dns.exception

from kalends.net.address import IPAddress

_MAX_RECORDS = 20


@dataclass(frozen=True, slots=True)
class SrvTarget:
    """Where a service is offered (RFC 2782)."""

    host: str
    port: int
    priority: int
    weight: int


class Resolver(Protocol):
    """Answers what the client asks of the DNS. Hosts are canonical names, never addresses."""

    async def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        """Return all addresses of a host, the preferred first. Raises `OSError` where it has none."""
        ...

    async def srv(self, name: str) -> Sequence[SrvTarget]:
        """Return the SRV records of a full name as `_caldavs._tcp.example.org`; nothing where there are none."""
        ...

    async def txt(self, name: str) -> Sequence[str]:
        """Return the strings of the TXT records of a full name; nothing where there are none."""
        ...


class SystemResolver:
    """Asks the machine: the system's resolver for addresses, its name servers for service records.

    Service records only help to find a server, so a name server that fails counts as one that has none. `name_servers`
    takes the place of the system's own; `lifetime` (seconds) bounds one look-up of service records.
    """

    def __init__(self, *, name_servers: dns.asyncresolver.Resolver | None = None, lifetime: float = 5.0) -> None:
        self._given = name_servers
        self._lifetime = lifetime

    async def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        """Return all addresses of a host in the system's order of preference (RFC 6724). Raises `OSError`."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(ip_address(place[0]) for *_, place in found))

    async def srv(self, name: str) -> Sequence[SrvTarget]:
        """Return the SRV records of a full name."""
        return [
            SrvTarget(record.target.to_text(omit_final_dot=True), record.port, record.priority, record.weight)
            for record in await self._records(name, "SRV")
        ]

    async def txt(self, name: str) -> Sequence[str]:
        """Return the strings of the TXT records of a full name."""
        return [
            text.decode("utf-8", "replace") for record in await self._records(name, "TXT") for text in record.strings
        ]

    async def _records(self, name: str, kind: str) -> list[Any]:
        try:
            answer = await self._name_servers.resolve(
                name, kind, search=False, raise_on_no_answer=False, lifetime=self._lifetime
            )
        except (dns.exception.DNSException, OSError):
            return []
        return list(answer.rrset or ())[:_MAX_RECORDS]

    @cached_property
    def _name_servers(self) -> dns.asyncresolver.Resolver:
        return self._given or dns.asyncresolver.Resolver()
