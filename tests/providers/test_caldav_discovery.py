"""From an address to an account, on servers that are laid out in the ways that real ones are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from kalends.model.calendar import ExternalCalendar
from kalends.net.policy import NetPolicy
from kalends.net.resolver import SrvTarget
from kalends.providers.apple import APPLE
from kalends.providers.caldav import CALDAV
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.errors import (
    AddressRefused,
    CredentialsRefused,
    NotSupported,
    ProviderError,
    Unavailable,
)
from tests.net.authority import Authority
from tests.net.loopback import Names, raw, serve
from tests.providers.accounts import PLACES, account_at, calendar, calendars, connect, href, listening
from tests.providers.contract import CountingClient, Mirror
from tests.providers.scripted import XML, Script, about, multistatus
from tests.servers import LOOPBACK


async def test_a_user_name_can_be_the_local_part() -> None:
    script = Script()
    account_at(script)
    async with listening(script) as (client, server):
        whole = await connect(client, f"http://{server.place}")
        local = await connect(client, f"http://{server.place}", username="local-part")
    assert whole.credentials["user"] == "Ann@Example.com"
    assert local.credentials["user"] == "Ann"
    assert whole.addresses == {"ann@example.com"}


async def test_addresses_come_from_the_principal_too() -> None:
    script = Script()
    account_at(script)
    props = href("c:calendar-home-set", "/home/")
    props += href("c:calendar-user-address-set", "MAILTO:Other@Example.com", "urn:uuid:1", "/p/ann/")
    script.on("PROPFIND", "/p/ann/", multistatus(about("/p/ann/", props)))
    async with listening(script) as (client, server):
        account = await connect(client, f"http://{server.place}")
    assert account.addresses == {"ann@example.com", "other@example.com"}


async def test_well_known_may_redirect() -> None:
    script = Script()
    account_at(script, "/dav/")
    for method in ("GET", "PROPFIND"):
        script.on(method, "/.well-known/caldav", raw(301, b"", {"Location": "/dav/"}))
    async with listening(script) as (client, server):
        account = await connect(client, f"http://{server.place}/somewhere")
        assert account.key == f"http://{server.place}/p/ann/"


async def test_well_known_may_lead_to_another_host_of_the_domain_but_not_further() -> None:
    script, there = Script(), Script()
    account_at(there, "/dav/")
    async with serve(there.answer) as other, listening(script) as (client, server):
        url = f"http://dav.example.com:{server.port}"
        there.on("GET", "/dav/", raw(401))
        script.on(
            "GET", "/.well-known/caldav", raw(301, b"", {"Location": f"http://p42.example.com:{other.port}/dav/"})
        )
        account = await connect(client, url)
        assert account.key == f"http://p42.example.com:{other.port}/p/ann/"

        there.asked.clear()
        away = f"http://thief.example.net:{other.port}/dav/"
        script.on("GET", "/.well-known/caldav", raw(301, b"", {"Location": away}))
        with pytest.raises(AddressRefused) as refusal:
            await connect(client, url)
        assert "sends no passwords" in refusal.value.public
    assert there.asked
    assert not any("authorization" in asked.headers for asked in there.asked)


@pytest.mark.parametrize("key", ["principal", "home"])
async def test_principal_and_homes_may_be_on_other_hosts_of_the_domain(key: str) -> None:
    here, there = Script(), Script()
    async with serve(there.answer) as other, listening(here) as (client, server):
        origin = f"http://dav.example.com:{server.port}"
        elsewhere = f"http://p42.example.com:{other.port}"
        account_at(
            here, principal=f"{elsewhere}/p/ann/" if key == "principal" else "/p/ann/", home=f"{elsewhere}/home/"
        )
        account_at(there)
        account = await connect(client, origin)
        found = await calendars(client, account)
    assert [calendar.id for calendar in found] == [f"{elsewhere}/home/work/"]
    assert account.key == f"{elsewhere if key == 'principal' else origin}/p/ann/"


@pytest.mark.parametrize("key", ["principal", "home"])
async def test_a_principal_or_home_outside_the_domain_is_not_sent_the_password(key: str) -> None:
    here, there = Script(), Script()
    account_at(there)
    async with serve(there.answer) as thief, listening(here) as (client, server):
        elsewhere = f"http://thief.example.net:{thief.port}"
        account_at(here, **{key: f"{elsewhere}/{'p/ann' if key == 'principal' else 'home'}/"})
        with pytest.raises(AddressRefused):
            await connect(client, f"http://dav.example.com:{server.port}")
    assert there.asked == []


async def test_a_calendar_on_another_host_of_the_domain_is_read_there_and_none_outside_it() -> None:
    here, there = Script(), Script()
    async with serve(there.answer) as other, listening(here) as (client, server):
        account_at(here)
        account = await connect(client, f"http://dav.example.com:{server.port}")
        there.on("REPORT", "/c/", multistatus(about("/c/a", status=404), token="t"))
        cursor = str(Cursor(CursorKind.SYNC_TOKEN, "old"))
        async with CALDAV.session(client, {}, account.credentials) as session:
            near = ExternalCalendar(f"http://p42.example.com:{other.port}/c/", "Near")
            pages = await Mirror(cursor=cursor).sync(session, near)
            assert pages[-1].removed == ("/c/a",)
            there.asked.clear()
            far = ExternalCalendar(f"http://thief.example.net:{other.port}/c/", "Far")
            with pytest.raises(AddressRefused):
                await Mirror(cursor=cursor).sync(session, far)
    assert there.asked == []


async def test_a_trusted_host_outside_the_domain_may_be_home() -> None:
    here, there = Script(), Script()
    account_at(there)
    policy = NetPolicy.parse(allow="127.0.0.0/8", trusted="thief.example.net")
    async with serve(there.answer) as other, listening(here, policy) as (client, server):
        account_at(here, home=f"http://thief.example.net:{other.port}/home/")
        account = await connect(client, f"http://dav.example.com:{server.port}")
        assert len(await calendars(client, account)) == 1


async def test_a_server_without_principals_is_its_own_home() -> None:
    script = Script()
    script.on("PROPFIND", "/cal/", multistatus(calendar("/cal/", "<d:displayname>Only</d:displayname>")))
    async with listening(script) as (client, server):
        account = await connect(client, f"http://{server.place}/cal/")
        found = await calendars(client, account)
        another = await connect(client, f"http://{server.place}/cal/", "bob@example.com")
    assert account.key == f"http://{server.place}/cal/#Ann@Example.com"
    assert another.key != account.key
    assert [(calendar.id, calendar.name) for calendar in found] == [("/cal/", "Only")]


# What is no account

_PAGE = raw(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_PAGE, NotSupported),
        (raw(404), NotSupported),
        (raw(405), NotSupported),
        (raw(501), NotSupported),
        (multistatus(about("/", "<d:resourcetype><d:collection/></d:resourcetype>")), NotSupported),
        (raw(207, b"<html/>", XML), NotSupported),
        (multistatus(about("/", status=404)), NotSupported),
        (raw(401), CredentialsRefused),
        (
            multistatus(about("/", "<d:current-user-principal><d:unauthenticated/></d:current-user-principal>")),
            CredentialsRefused,
        ),
        (raw(500), Unavailable),
        (raw(503, b"", {"Retry-After": "60"}), Unavailable),
        (raw(429), Unavailable),
        (multistatus(), Unavailable),
        (multistatus(about("/", href("d:current-user-principal", "http://[broken/"))), Unavailable),
        (b"nonsense\r\n\r\n", Unavailable),
    ],
)
async def test_what_answers_without_being_an_account_is_told_apart(answer: bytes, error: type[ProviderError]) -> None:
    script = Script()
    for target in ("/", "/.well-known/caldav"):
        script.on("GET", target, answer)
        script.on("PROPFIND", target, answer)
    async with listening(script) as (client, server):
        with pytest.raises(error) as refusal:
            await connect(client, f"http://{server.place}")
    assert "secret" not in str(refusal.value) + refusal.value.public
    if error is NotSupported:
        assert not isinstance(refusal.value, Unavailable)


async def test_a_forbidden_principal_means_refused_credentials() -> None:
    script = Script()
    account_at(script)
    script.on("PROPFIND", "/p/ann/", raw(403))
    async with listening(script) as (client, server):
        with pytest.raises(CredentialsRefused) as refusal:
            await connect(client, f"http://{server.place}")
    assert "app-specific password" in refusal.value.public


async def test_a_user_name_with_a_colon_is_refused_before_anything_is_sent() -> None:
    script = Script()
    account_at(script)
    async with listening(script) as (client, server):
        with pytest.raises(CredentialsRefused) as refusal:
            await connect(client, f"http://{server.place}", "ann:x@example.com")
    assert "colon" in refusal.value.public
    assert script.asked == []


async def test_an_account_named_at_a_length_that_cannot_be_kept_is_refused() -> None:
    script = Script()
    principal = f"/p/{'x' * 1_000}/"
    account_at(script, principal=principal)
    script.on("PROPFIND", principal, multistatus(about(principal, href("c:calendar-home-set", "/home/"))))
    async with listening(script) as (client, server):
        with pytest.raises(Unavailable):
            await connect(client, f"http://{server.place}")


async def test_a_principal_without_calendars_is_said() -> None:
    script = Script()
    account_at(script)
    script.on("PROPFIND", "/p/ann/", multistatus(about("/p/ann/")))
    async with listening(script) as (client, server):
        with pytest.raises(NotSupported) as refusal:
            await connect(client, f"http://{server.place}")
    assert refusal.value.public == "This account has no calendars."


async def test_nobody_there_is_unavailable_and_a_private_address_refused() -> None:
    async with CountingClient(LOOPBACK, resolver=Names(PLACES)) as client:
        with pytest.raises(Unavailable):
            await connect(client, "https://unknown.example.com")
    async with CountingClient(NetPolicy(), resolver=Names(PLACES)) as client:
        with pytest.raises(AddressRefused) as refusal:
            await connect(client, "https://dav.example.com")
    assert "127.0.0.1" not in refusal.value.public
    assert "dav.example.com" in str(refusal.value)


# Service records (RFC 6764)


@asynccontextmanager
async def secure(
    script: Script, authority: Authority, *services: str, trusted: str = "", text: str = "path=/dav/"
) -> AsyncIterator[CountingClient]:
    """Serve the script over TLS, with `_caldavs._tcp.example.com` naming the given hosts, most wanted first."""
    names = Names(PLACES)
    tls = authority.server("dav.example.com", "thief.example.net")
    policy = NetPolicy.parse(allow="127.0.0.0/8", trusted=trusted)
    async with (
        serve(script.answer, tls=tls) as server,
        CountingClient(policy, resolver=names, ssl_context=authority.client) as client,
    ):
        targets = [SrvTarget(host, server.port, priority, 0) for priority, host in enumerate(services)]
        names.services["_caldavs._tcp.example.com"] = targets[::-1]
        names.texts["_caldavs._tcp.example.com"] = [text]
        yield client


async def test_a_domain_is_served_where_its_service_record_says(authority: Authority) -> None:
    script = Script()
    account_at(script, "/dav/")
    async with secure(script, authority, "dav.example.com") as client:
        account = await connect(client, "Example.com")
        found = await calendars(client, account)
    assert account.key.startswith("https://dav.example.com:")
    assert found[0].id.startswith("https://dav.example.com:")
    assert script.lines()[0] == "PROPFIND /dav/"


@pytest.mark.parametrize(
    "text", ["path=", "path=dav/", "path=http://a@b/", "path=http://thief.example.net/", "PATH=/dav/"]
)
async def test_a_path_beside_a_service_record_is_a_path_or_nothing(authority: Authority, text: str) -> None:
    script = Script()
    account_at(script, "/dav/" if text == "PATH=/dav/" else "/.well-known/caldav")
    async with secure(script, authority, "dav.example.com", text=text) as client:
        account = await connect(client, "example.com")
    assert account.key.startswith("https://dav.example.com:")


async def test_a_service_record_outside_the_domain_is_not_sent_the_password(authority: Authority) -> None:
    script = Script()
    account_at(script, "/dav/")
    async with secure(script, authority, "thief.example.net") as client:
        with pytest.raises(AddressRefused):
            await connect(client, "example.com")
    assert script.asked == []


async def test_a_service_record_outside_the_domain_may_be_trusted(authority: Authority) -> None:
    script = Script()
    account_at(script, "/dav/")
    async with secure(script, authority, "thief.example.net", trusted="thief.example.net") as client:
        account = await connect(client, "example.com")
    assert account.key.startswith("https://thief.example.net:")


async def test_a_domain_without_service_records_is_asked_at_its_well_known_place(authority: Authority) -> None:
    async with secure(Script(), authority, ".") as client:
        with pytest.raises(Unavailable):
            await connect(client, "example.com")
        assert client.asked == [("GET", "https://example.com/.well-known/caldav")]


async def test_apple_is_a_caldav_server_at_one_place() -> None:
    script = Script()
    script.on("PROPFIND", "/", raw(401))
    async with listening(script) as (client, server):
        apple = replace(APPLE, fixed_url=f"http://{server.place}")
        with pytest.raises(CredentialsRefused) as refusal:
            await apple.connect_with_credentials(client, {}, email="ann@icloud.com", password="secret")
    assert "app-specific password" in refusal.value.public
    assert "account.apple.com" in refusal.value.public
