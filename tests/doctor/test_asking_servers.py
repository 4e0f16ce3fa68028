"""Asking calendar servers: what came of it is told with the host, the reason and what to do."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest

from kalends.doctor.clock import ServerTime
from kalends.doctor.finding import Finding
from kalends.doctor.providers import Place, ask
from kalends.net import GuardedClient, Limits, NetPolicy, SrvTarget
from kalends.providers.base import ProviderKind
from kalends.providers.caldav import CALDAV
from tests.net.authority import Authority
from tests.net.loopback import Answer, Asked, Names, reply, serve
from tests.scripted_provider import ScriptedKind
from tests.servers import free_port
from tests.world import NOW, ManualClock

HERE = NetPolicy.parse(allow="127.0.0.0/8")
KINDS: Mapping[str, ProviderKind] = {"caldav": CALDAV, "scripted": ScriptedKind()}


async def asked(url: str, client: GuardedClient, *, kind: str = "caldav") -> tuple[Finding, list[ServerTime]]:
    async with client:
        (found,), heard = await ask([Place(kind, {"url": url}, ["p"], 1)], KINDS, client, ManualClock())
    assert found.data["kind"] == kind
    assert found.data["providerIds"] == ["p"]
    return found, heard


@pytest.mark.parametrize("status", [200, 204, 401, 403, 404, 405, 501])
async def test_any_answer_in_http_will_do_and_tells_the_time(status: int) -> None:
    async with serve(reply(status, Date="Sun, 22 Nov 2026 08:59:00 GMT")) as server:
        found, heard = await asked(f"http://{server.place}/dav/", GuardedClient(HERE))
    assert found.level == "ok"
    assert heard == [ServerTime("127.0.0.1", datetime(2026, 11, 22, 8, 59, tzinfo=UTC), NOW)]
    (request,) = server.asked
    assert (request.method, request.target) == ("OPTIONS", "/dav/")
    assert "authorization" not in request.headers


_FAR_EAST = "Sun, 22 Nov 2026 08:59:00 +99999999999999"


@pytest.mark.parametrize("answer", [reply(200), reply(200, Date="yesterday"), reply(200, Date=_FAR_EAST)])
async def test_a_server_without_a_date_tells_no_time(answer: Answer) -> None:
    async with serve(answer) as server:
        found, heard = await asked(f"http://{server.place}/", GuardedClient(HERE))
    assert (found.level, heard) == ("ok", [])


async def test_an_error_of_the_server_is_a_problem() -> None:
    async with serve(reply(503)) as server:
        found, _ = await asked(f"http://{server.place}/", GuardedClient(HERE))
    assert (found.level, found.data["status"]) == ("problem", 503)


async def test_a_server_that_is_down_is_a_problem() -> None:
    found, _ = await asked(f"http://127.0.0.1:{free_port()}/", GuardedClient(HERE))
    assert (found.level, found.data["failure"], found.data["host"]) == ("problem", "Unreachable", "127.0.0.1")


async def test_an_address_that_is_not_allowed_is_told_with_the_setting() -> None:
    found, _ = await asked("http://127.0.0.1:5232/", GuardedClient(NetPolicy()))
    assert (found.level, found.data["failure"]) == ("problem", "AddressRefused")
    assert "KALENDS_NET_ALLOW=127.0.0.1" in str(found.advice)


async def test_a_name_that_leads_nowhere_is_told_from_a_server_that_is_down() -> None:
    found, _ = await asked("https://dav.example/", GuardedClient(HERE, resolver=Names()))
    assert (found.level, found.data["failure"]) == ("problem", "NameUnknown")
    assert "name servers" in str(found.advice)


async def test_a_certificate_that_proves_nothing_is_told_as_that(authority: Authority) -> None:
    async with serve(reply(), tls=authority.server("127.0.0.1")) as server:
        found, _ = await asked(f"https://{server.place}/", GuardedClient(HERE))
    assert (found.level, found.data["failure"]) == ("problem", "Untrusted")
    assert "certificate" in str(found.advice)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def silence(_asked: Asked, _writer: object) -> None:
        return

    answer: Answer = silence
    async with serve(answer) as server:
        found, _ = await asked(f"http://{server.place}/", GuardedClient(HERE, limits=Limits(read=0.2)))
    assert (found.level, found.data["failure"]) == ("problem", "TimedOut")


async def test_the_server_that_a_domain_names_is_asked(authority: Authority) -> None:
    names = Names({"dav.example": [["127.0.0.1"]]})
    async with serve(reply(401), tls=authority.server("dav.example")) as server:
        names.services["_caldavs._tcp.example.org"] = [SrvTarget("dav.example", server.port, 0, 0)]
        client = GuardedClient(HERE, resolver=names, ssl_context=authority.client)
        found, _ = await asked("example.org", client)
    assert (found.level, found.data["host"]) == ("ok", "dav.example")
    assert [one.target for one in server.asked] == ["/.well-known/caldav"]


@pytest.fixture
async def idle() -> AsyncIterator[GuardedClient]:
    async with GuardedClient(NetPolicy()) as client:
        yield client


async def test_a_plugin_that_cannot_be_asked_is_passed_over_and_one_that_is_gone_is_told(idle: GuardedClient) -> None:
    places = [Place("scripted", {}, ["p"], 1), Place("vanished", {}, ["q"], 1)]
    found, heard = await ask(places, KINDS, idle, ManualClock())
    assert [(one.level, one.data["kind"]) for one in found] == [("ok", "scripted"), ("problem", "vanished")]
    assert heard == []
