"""Failure case 46: a URL that a tenant gives must not become a way into the operator's network."""

import asyncio

import pytest

from kalends.net import (
    AddressRefused,
    BadUrl,
    GuardedClient,
    Limits,
    NameUnknown,
    NetError,
    NetPolicy,
    SrvTarget,
    TimedOut,
    Unreachable,
)
from tests.net.loopback import Names, reply, serve
from tests.net.test_address import CLOSED
from tests.net.test_url import LOOPBACK_IN_DISGUISE

NOTHING = NetPolicy()


@pytest.mark.parametrize("host", LOOPBACK_IN_DISGUISE)
async def test_loopback_is_refused_in_every_notation(host: str) -> None:
    async with serve(reply()) as inside, GuardedClient(NOTHING) as client:
        with pytest.raises(AddressRefused):
            await client.request("GET", f"http://{host}:{inside.port}/")
    assert inside.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST.", "ⓛocalhost", "0", "0.0", "[::1]", "[::]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
        "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "100.100.100.200",
        "192.168.1", "10.1", "[fe80::1]", "[ff02::1]", "255.255.255.255",
    ],
)  # fmt: skip
async def test_inside_addresses_and_metadata_services_are_refused_as_written(host: str) -> None:
    async with GuardedClient(NOTHING) as client:
        with pytest.raises(AddressRefused) as caught:
            await client.request("GET", f"http://{host}/latest/meta-data/")
    assert caught.value.host in str(caught.value)


@pytest.mark.parametrize("address", CLOSED)
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    names = Names({"cal.example": [[address]]})
    async with GuardedClient(NOTHING, resolver=names) as client:
        with pytest.raises(AddressRefused) as caught:
            await client.request("GET", "https://cal.example/")
    assert caught.value.host == "cal.example"
    assert address not in str(caught.value).split()


@pytest.mark.parametrize("answer", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "fd00::1"]])
async def test_a_name_with_one_closed_address_among_open_ones_is_refused(answer: list[str]) -> None:
    """127.0.0.1 plays the outside here: it is what the policy opens."""
    async with serve(reply()) as outside:
        policy = NetPolicy.parse(allow=outside.place)
        async with GuardedClient(policy, resolver=Names({"cal.example": [answer]})) as client:
            with pytest.raises(AddressRefused):
                await client.request("GET", f"http://cal.example:{outside.port}/")
    assert outside.connections == 0


async def test_an_answer_in_ipv4_mapped_form_counts_as_the_ipv4_address() -> None:
    async with serve(reply()) as server:
        names = Names({"cal.example": [["::ffff:127.0.0.1"]], "inside.example": [["::ffff:127.0.0.2"]]})
        async with GuardedClient(NetPolicy.parse(allow="127.0.0.1"), resolver=names) as client:
            assert (await client.request("GET", f"http://cal.example:{server.port}/")).status == 200
            with pytest.raises(AddressRefused):
                await client.request("GET", f"http://inside.example:{server.port}/")


async def test_a_name_that_changes_its_answer_does_not_get_inside() -> None:
    """DNS rebinding: one answer leads outside (127.0.0.1), the next one inside (127.0.0.2)."""
    async with (
        serve(reply(200, b"outside", Connection="close")) as outside,
        serve(reply(200, b"inside"), host="127.0.0.2", port=outside.port) as inside,
    ):
        names = Names({"cal.example": [["127.0.0.1"], ["127.0.0.2"]]})
        async with GuardedClient(NetPolicy.parse(allow="127.0.0.1"), resolver=names) as client:
            url = f"http://cal.example:{outside.port}/"
            assert (await client.request("GET", url)).body == b"outside"
            with pytest.raises(AddressRefused):
                await client.request("GET", url)
    assert inside.connections == 0


async def test_the_address_that_was_checked_is_the_one_that_is_dialled() -> None:
    """One connection asks for the name once: there is no second answer between check and dial."""
    async with serve(reply(200, b"outside")) as outside:
        names = Names({"cal.example": [["127.0.0.1"], ["127.0.0.2"]]})
        async with GuardedClient(NetPolicy.parse(allow="127.0.0.1"), resolver=names) as client:
            for _ in range(3):
                assert (await client.request("GET", f"http://cal.example:{outside.port}/")).body == b"outside"
    assert names.asked == ["cal.example"]
    assert outside.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("inside_host", ["127.0.0.2", "0x7f.2", "inside.example", "[::ffff:127.0.0.2]"])
async def test_a_redirect_does_not_get_inside(status: int, inside_host: str) -> None:
    async with serve(reply(), host="127.0.0.2") as inside:
        lure = reply(status, Location=f"http://{inside_host}:{inside.port}/admin")
        async with serve(lure) as outside:
            names = Names({"inside.example": [["127.0.0.2"]]})
            async with GuardedClient(NetPolicy.parse(allow=outside.place), resolver=names) as client:
                with pytest.raises(AddressRefused):
                    await client.request("GET", f"http://{outside.place}/")
    assert inside.connections == 0


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "//2852039166/x"]
)
async def test_a_redirect_does_not_get_to_the_metadata_service(target: str) -> None:
    async with (
        serve(reply(302, Location=target)) as outside,
        GuardedClient(NetPolicy.parse(allow=outside.place)) as client,
    ):
        with pytest.raises(AddressRefused):
            await client.request("PROPFIND", f"http://{outside.place}/")


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://a/", "http://u:p@a/", "http://a:0/"]
)
async def test_a_redirect_to_another_scheme_or_with_credentials_in_it_is_refused(target: str) -> None:
    async with (
        serve(reply(302, Location=target)) as outside,
        GuardedClient(NetPolicy.parse(allow=outside.place)) as client,
    ):
        with pytest.raises(BadUrl):
            await client.request("GET", f"http://{outside.place}/")


async def test_a_service_record_does_not_get_inside() -> None:
    async with serve(reply(), host="127.0.0.2") as inside:
        names = Names({"inside.example": [["127.0.0.2"]]})
        names.services["_caldav._tcp.example.org"] = [
            SrvTarget("inside.example", inside.port, 0, 0),
            SrvTarget("127.0.0.2", inside.port, 0, 0),
        ]
        async with GuardedClient(NOTHING, resolver=names) as client:
            for target in await client.srv("caldav", "example.org"):
                with pytest.raises(AddressRefused):
                    await client.request("GET", f"http://{target.host}:{target.port}/")
    assert inside.connections == 0


async def test_an_allowed_port_opens_no_other_port() -> None:
    async with (
        serve(reply()) as allowed,
        serve(reply()) as other,
        GuardedClient(NetPolicy.parse(allow=allowed.place)) as client,
    ):
        assert (await client.request("GET", f"http://{allowed.place}/")).status == 200
        with pytest.raises(AddressRefused):
            await client.request("GET", f"http://{other.place}/")
    assert other.connections == 0


async def test_a_tenant_cannot_tell_what_is_inside() -> None:
    """Refused, unreachable and too slow read the same, so that no map of the network can be drawn from them."""

    async def silence(*_: object) -> None:
        await asyncio.Event().wait()

    async with serve(silence) as silent:
        table = {"refused.example": [["10.0.0.1"]], "dead.example": [["127.0.0.2"]], "slow.example": [["127.0.0.1"]]}
        policy = NetPolicy.parse(allow="127.0.0.0/8")
        async with GuardedClient(policy, resolver=Names(table), limits=Limits(total=0.1)) as client:
            errors = []
            for host in [*table, "unknown.example"]:
                with pytest.raises(NetError) as caught:
                    await client.request("GET", f"http://{host}:{silent.port}/secret-path")
                errors.append(caught.value)
    assert [type(error) for error in errors] == [AddressRefused, Unreachable, TimedOut, NameUnknown]
    assert len({error.public for error in errors}) == 1
    for error, host in zip(errors, [*table, "unknown.example"], strict=True):
        assert host in str(error)
        assert error.host == host
        assert "secret-path" not in str(error)
        assert "10.0.0.1" not in error.public + str(error)
