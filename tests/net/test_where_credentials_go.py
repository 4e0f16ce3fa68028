from base64 import b64encode

import pytest

from kalends.net import (
    AddressRefused,
    BasicCredentials,
    CredentialScope,
    CredentialsWithheld,
    GuardedClient,
    NetPolicy,
    TooManyRedirects,
    Unreachable,
)
from tests.net.authority import Authority
from tests.net.loopback import Names, Server, reply, serve

HERE = NetPolicy.parse(allow="127.0.0.0/8")
AUTHORIZATION = "Basic " + b64encode(b"ann:hunter2").decode()


def ann(origin: str, policy: NetPolicy = HERE) -> BasicCredentials:
    return BasicCredentials("ann", "hunter2", CredentialScope(origin, policy))


def names(*hosts: str) -> Names:
    return Names({host: [["127.0.0.1"]] for host in hosts})


def saw_credentials(server: Server) -> bool:
    return any("authorization" in asked.headers or b"hunter2" in asked.body for asked in server.asked)


async def test_credentials_go_to_the_configured_server_and_along_its_own_redirects() -> None:
    async with serve(reply(302, Location="/dav/")) as server, GuardedClient(HERE) as client:
        credentials = ann(f"http://{server.place}")
        with pytest.raises(TooManyRedirects):
            await client.request("PROPFIND", f"http://{server.place}/", credentials=credentials)
    assert [asked.headers["authorization"] for asked in server.asked] == [AUTHORIZATION] * 6


async def test_a_request_without_credentials_carries_none_even_on_the_same_connection() -> None:
    async with serve(reply()) as server, GuardedClient(HERE) as client:
        await client.request("GET", f"http://{server.place}/", credentials=ann(f"http://{server.place}"))
        await client.request("GET", f"http://{server.place}/")
    assert ["authorization" in asked.headers for asked in server.asked] == [True, False]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_out_of_the_scope_is_refused_and_not_followed_without_credentials(status: int) -> None:
    async with (
        serve(reply()) as thief,
        serve(reply(status, Location=f"http://{thief.place}/")) as server,
        GuardedClient(HERE) as client,
    ):
        with pytest.raises(CredentialsWithheld) as caught:
            await client.request(
                "PUT", f"http://{server.place}/", content=b"x", credentials=ann(f"http://{server.place}")
            )
    assert thief.connections == 0
    assert caught.value.host == thief.host


async def test_a_redirect_without_credentials_may_leave_the_server() -> None:
    """How a well-known URL is looked up: first without, then the answer's URL is learned."""
    async with (
        serve(reply(200, b"new")) as new,
        serve(reply(301, Location=f"http://{new.place}/dav/")) as server,
        GuardedClient(HERE) as client,
    ):
        found = await client.request("GET", f"http://{server.place}/.well-known/caldav")
        credentials = ann(f"http://{server.place}")
        credentials.scope.learn(found.url)
        await client.request("PROPFIND", found.url, credentials=credentials)
    assert [asked.headers.get("authorization") for asked in new.asked] == [None, AUTHORIZATION]


async def test_a_first_request_out_of_the_scope_is_not_sent() -> None:
    async with serve(reply()) as server, GuardedClient(HERE) as client:
        with pytest.raises(CredentialsWithheld):
            await client.request("GET", f"http://{server.place}/", credentials=ann("http://127.0.0.2"))
    assert server.connections == 0


async def test_a_learned_server_of_the_domain_is_given_them_over_https(authority: Authority) -> None:
    tls = authority.server("*.example.org")
    hosts = names("cal.example.org", "p42.example.org")
    async with (
        serve(reply(207), tls=tls) as server,
        GuardedClient(HERE, resolver=hosts, ssl_context=authority.client) as client,
    ):
        credentials = ann(f"https://cal.example.org:{server.port}")
        home = f"https://p42.example.org:{server.port}/home/"
        with pytest.raises(CredentialsWithheld):
            await client.request("PROPFIND", home, credentials=credentials)
        credentials.scope.learn(home)
        assert (await client.request("PROPFIND", home, credentials=credentials)).status == 207
    (asked,) = server.asked
    assert asked.headers["authorization"] == AUTHORIZATION


async def test_a_redirect_from_https_to_http_with_credentials_is_refused(authority: Authority) -> None:
    """Even where the scope itself would permit the plain address."""
    hosts = names("cal.example.org")
    async with serve(reply()) as plain:
        lure = reply(302, Location=f"http://cal.example.org:{plain.port}/")
        async with serve(lure, tls=authority.server("cal.example.org")) as secure:
            credentials = ann(f"http://cal.example.org:{plain.port}")
            credentials.scope.learn(f"https://cal.example.org:{secure.port}/")
            async with GuardedClient(HERE, resolver=hosts, ssl_context=authority.client) as client:
                with pytest.raises(CredentialsWithheld, match="https to http"):
                    await client.request("GET", f"https://cal.example.org:{secure.port}/", credentials=credentials)
    assert plain.connections == 0


async def test_over_plain_http_a_public_address_is_never_given_them() -> None:
    """The operator has allowed something, but not this: the check is made with the address, before it is dialled."""
    for hosts in (Names({"cal.example": [["8.8.8.8"]]}), Names({"cal.example": [["8.8.8.8", "127.0.0.1"]]})):
        async with GuardedClient(HERE, resolver=hosts) as client:
            with pytest.raises(CredentialsWithheld):
                await client.request("GET", "http://cal.example/", credentials=ann("http://cal.example"))


async def test_over_plain_http_a_connection_opened_without_them_is_not_used_for_them() -> None:
    """A name that led to an address good enough for anonymous requests must be checked anew for credentials."""
    hosts = Names({"cal.example": [["127.0.0.1"], ["8.8.8.8"]]})
    async with serve(reply()) as server, GuardedClient(HERE, resolver=hosts) as client:
        url = f"http://cal.example:{server.port}/"
        await client.request("GET", url)
        with pytest.raises(CredentialsWithheld):
            await client.request("GET", url, credentials=ann(url))
    assert not saw_credentials(server)


async def test_credentials_do_not_open_closed_addresses() -> None:
    hosts = Names({"cal.example": [["10.0.0.1"]]})
    async with GuardedClient(HERE, resolver=hosts) as client:
        for origin in ("http://cal.example", "https://cal.example"):
            with pytest.raises(AddressRefused):
                await client.request("GET", origin, credentials=ann(origin))


async def test_a_certificate_is_checked_against_the_name_and_not_the_address(authority: Authority) -> None:
    hosts = names("cal.example.org", "other.example.org")
    tls = authority.server("cal.example.org")
    async with (
        serve(reply(), tls=tls) as server,
        GuardedClient(HERE, resolver=hosts, ssl_context=authority.client) as client,
    ):
        good, bad = (f"https://{host}:{server.port}/" for host in ("cal.example.org", "other.example.org"))
        assert (await client.request("GET", good)).status == 200
        with pytest.raises(Unreachable, match=r"other\.example\.org.*certificate"):
            await client.request("GET", bad, credentials=ann(bad))
        with pytest.raises(Unreachable):
            await client.request("GET", f"https://127.0.0.1:{server.port}/")
    assert [asked.headers["host"] for asked in server.asked] == [f"cal.example.org:{server.port}"]


async def test_the_name_is_told_in_the_tls_handshake(authority: Authority) -> None:
    told: list[str | None] = []
    tls = authority.server("cal.example.org")
    tls.sni_callback = lambda _connection, name, _context: told.append(name)
    hosts = names("cal.example.org")
    async with (
        serve(reply(), tls=tls) as server,
        GuardedClient(HERE, resolver=hosts, ssl_context=authority.client) as client,
    ):
        await client.request("GET", f"https://cal.example.org:{server.port}/")
    assert told == ["cal.example.org"]


async def test_an_unknown_authority_is_not_trusted_by_default(authority: Authority) -> None:
    tls = authority.server("127.0.0.1")
    async with serve(reply(), tls=tls) as server:
        async with GuardedClient(HERE) as client:
            with pytest.raises(Unreachable, match="certificate"):
                await client.request("GET", f"https://{server.place}/")
        async with GuardedClient(HERE, ssl_context=authority.client) as knowing:
            assert (await knowing.request("GET", f"https://{server.place}/")).status == 200
    assert len(server.asked) == 1
