"""The system's resolver against a real name server on this machine."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from kalends.net.resolver import SrvTarget, SystemResolver

ZONE = {
    ("_caldavs._tcp.example.org.", "SRV"): ["10 5 443 cal.example.org.", "20 0 8443 backup.example.org."],
    ("_caldav._tcp.example.org.", "SRV"): ["0 0 0 ."],
    ("_caldavs._tcp.example.org.", "TXT"): ['"txtvers=1" "path=/dav/"', '"\\255"'],
}


class NameServer(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(), question.rdtype.name
        if name.endswith(".silent.example."):
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if (name, kind) in ZONE:
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", kind, ZONE[name, kind]))
        elif name.endswith(".broken.example."):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not name.endswith(".example.org."):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


@contextlib.asynccontextmanager
async def name_server() -> AsyncIterator[SystemResolver]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    servers = dns.asyncresolver.Resolver(configure=False)
    servers.nameservers = ["127.0.0.1"]
    servers.port = transport.get_extra_info("sockname")[1]
    try:
        yield SystemResolver(name_servers=servers, lifetime=0.3)
    finally:
        transport.close()


async def test_service_records_are_read() -> None:
    async with name_server() as resolver:
        assert set(await resolver.srv("_caldavs._tcp.example.org")) == {
            SrvTarget("cal.example.org", 443, 10, 5),
            SrvTarget("backup.example.org", 8443, 20, 0),
        }
        assert await resolver.srv("_caldav._tcp.example.org") == [SrvTarget(".", 0, 0, 0)]


async def test_the_strings_of_text_records_are_read_even_where_they_are_no_text() -> None:
    async with name_server() as resolver:
        assert set(await resolver.txt("_caldavs._tcp.example.org")) == {"txtvers=1", "path=/dav/", "\ufffd"}


@pytest.mark.parametrize("domain", ["nothing.example.org", "unknown.example", "broken.example", "silent.example"])
async def test_a_name_server_that_has_none_or_fails_gives_none(domain: str) -> None:
    async with name_server() as resolver:
        assert await resolver.srv(f"_caldavs._tcp.{domain}") == []
        assert await resolver.txt(f"_caldavs._tcp.{domain}") == []


async def test_addresses_come_from_the_system_each_once() -> None:
    addresses = list(await SystemResolver().addresses("localhost", 80))
    assert ip_address("127.0.0.1") in addresses
    assert len(addresses) == len(set(addresses))


async def test_a_name_without_an_address_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OSError, match="unknown"):
        await SystemResolver().addresses("unknown.example", 80)
