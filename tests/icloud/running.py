"""The stand-in at work: over TLS on loopback, under Apple's names for a client whose resolver leads there."""

import socket
import ssl
import threading
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

import pytest
import uvicorn
from aiohttp import AddrInfoType

from kalends.net.address import IPAddress
from kalends.net.dial import Guard
from kalends.net.policy import NetPolicy
from kalends.net.resolver import SrvTarget
from tests.icloud.account import DOMAIN, ENTRY
from tests.icloud.server import ICloud
from tests.net.authority import Authority
from tests.providers.contract import CountingClient
from tests.servers import LOOPBACK, CalDavServer

FOREIGN = f"p42-caldav.{DOMAIN}.example.net"
"""A host whose name only looks as if it were Apple's; it leads to the stand-in too, to see what arrives there."""

_HTTPS = 443


class AppleNames:
    """Resolves the names that the stand-in has, and no other: nothing here can lead to Apple."""

    def __init__(self, retired: Container[str]) -> None:
        self._retired = retired

    async def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        del port
        if host not in self._retired and (host in {ENTRY, FOREIGN} or host.endswith(f"-{ENTRY}")):
            return [IPv4Address("127.0.0.1")]
        raise OSError("no such name")

    async def srv(self, name: str) -> Sequence[SrvTarget]:
        del name
        return []

    async def txt(self, name: str) -> Sequence[str]:
        del name
        return []


class _Socket(socket.socket):
    """Connects to the stand-in's port where 443 is meant, since only root may listen there."""

    leads_to = 0

    def connect(self, address: Any) -> None:
        assert address == ("127.0.0.1", _HTTPS), f"{address} is not to be dialled"
        super().connect(("127.0.0.1", self.leads_to))


class _Dialling(Guard):
    port = 0

    def open_socket(self, place: AddrInfoType) -> socket.socket:
        super().open_socket(place).close()
        opened = _Socket(*place[:3])
        opened.leads_to = self.port
        return opened


class ICloudClient(CountingClient):
    """The real client, up to the moment at which it dials."""

    def __init__(self, running: "RunningICloud", policy: NetPolicy = LOOPBACK, **options: Any) -> None:
        self._port = running.port
        super().__init__(policy, resolver=AppleNames(running.retired), ssl_context=running.authorities, **options)

    def _guard(self, *, allowed_only: bool) -> Guard:
        guard = _Dialling(self.policy, self._resolver, allowed_only=allowed_only)
        guard.port = self._port
        return guard


class RunningICloud(ICloud):
    """The stand-in, and how to reach it; `retired` hosts have no address any more."""

    def __init__(self, behind: CalDavServer, authorities: ssl.SSLContext) -> None:
        super().__init__(behind)
        self.authorities = authorities
        self.port = 0
        self.retired: set[str] = set()

    def client(self, policy: NetPolicy = LOOPBACK, **options: Any) -> ICloudClient:
        """Return a client that finds the stand-in under Apple's names."""
        return ICloudClient(self, policy, **options)


@contextmanager
def running_icloud(behind: CalDavServer, authority: Authority) -> Iterator[RunningICloud]:
    """Run the stand-in in a thread of its own, so that tests with and without an event loop can use it."""
    icloud = RunningICloud(behind, authority.client)
    config = uvicorn.Config(
        icloud, log_level="critical", access_log=False, lifespan="off", server_header=False, date_header=False
    )
    config.load()
    config.ssl = authority.server(ENTRY, f"*.{DOMAIN}", FOREIGN)
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        icloud.port = listening.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive(), "the stand-in ended"
                assert time.monotonic() < deadline, "the stand-in does not start"
                time.sleep(0.01)
            yield icloud
        finally:
            server.should_exit = True
            thread.join()
            icloud.close()


@pytest.fixture(scope="session")
def icloud_server(radicale: CalDavServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningICloud]:
    with running_icloud(radicale, Authority(tmp_path_factory.mktemp("icloud"))) as server:
        yield server


@pytest.fixture
def icloud(icloud_server: RunningICloud) -> Iterator[RunningICloud]:
    """The stand-in; a test in which it was asked what would get a client into trouble fails."""
    yield icloud_server
    offences = list(icloud_server.offences)
    icloud_server.forget()
    icloud_server.retired.clear()
    assert offences == []


@pytest.fixture
def kalends_reaches_icloud(icloud: RunningICloud, monkeypatch: pytest.MonkeyPatch) -> RunningICloud:
    """Have every Kalends that is assembled find the stand-in under Apple's names."""
    monkeypatch.setattr("kalends.app.GuardedClient", icloud.client)
    return icloud
