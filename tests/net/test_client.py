import asyncio
from collections.abc import Mapping

import pytest

from kalends import __version__
from kalends.net import (
    AddressRefused,
    BadUrl,
    GuardedClient,
    Limits,
    NetPolicy,
    SrvTarget,
    TooManyRedirects,
    Unreachable,
)
from tests.net.loopback import Answer, Asked, Names, raw, reply, send, serve

HERE = NetPolicy.parse(allow="127.0.0.0/8")


async def test_an_answer_is_handed_over_whole_whatever_its_status() -> None:
    async with (
        serve(reply(507, b"\x00full", ETag='"1"', content_type="text/plain")) as server,
        GuardedClient(HERE) as client,
    ):
        response = await client.request(
            "PROPFIND", f"http://{server.place}/dav/a%20b/?q=%C3%BC#x", content=b"<propfind/>"
        )
    assert (response.status, response.body, response.framed) == (507, b"\x00full", True)
    assert response.headers["Etag"] == response.headers.get("etag") == '"1"'
    assert response.url == f"http://{server.place}/dav/a%20b/?q=%C3%BC"
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("PROPFIND", "/dav/a%20b/?q=%C3%BC", b"<propfind/>")


async def test_each_hop_is_counted_by_how_it_ended() -> None:
    told: list[tuple[str, str]] = []

    def watch(method: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        told.append((method, outcome))

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        match asked.target:
            case "/here":
                await reply(302, Location="/there")(asked, writer)
            case "/there":
                await reply(404)(asked, writer)
            case _:
                await send(b"nonsense\r\n\r\n")(asked, writer)

    async with serve(answer) as server, GuardedClient(HERE) as client:
        watched, url = client.watched(watch), f"http://{server.place}"
        await watched.request("GET", f"{url}/here")
        with pytest.raises(Unreachable):
            await watched.request("POST", f"{url}/nonsense")
        with pytest.raises(AddressRefused):
            await watched.request("GET", "http://10.0.0.1/")
        await client.request("GET", f"{url}/there")
    sent = [("GET", "3xx"), ("GET", "4xx"), ("POST", "Unreachable"), ("GET", "AddressRefused")]
    assert told == sent, "and only what was sent as watched"


async def test_only_these_header_fields_are_sent() -> None:
    async with serve(reply()) as server, GuardedClient(HERE) as client:
        await client.request("GET", f"http://{server.place}/")
        await client.request(
            "REPORT", f"http://{server.place}/", headers={"Depth": "1", "User-Agent": "x"}, content=b"1"
        )
    plain, report = server.asked
    ours = {"host": server.place, "user-agent": f"Kalends/{__version__}", "accept": "*/*", "accept-encoding": "gzip"}
    assert plain.headers == ours
    assert report.headers == ours | {"user-agent": "x", "depth": "1", "content-length": "1"}


async def test_the_text_form_of_an_answer_shows_nothing_of_it() -> None:
    async with serve(reply(200, b"SUMMARY:secret", X="secret")) as server, GuardedClient(HERE) as client:
        response = await client.request("GET", f"http://{server.place}/secret.ics")
    assert "secret" not in repr(response)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic x"},
        {"cookie": "a=b"},
        {"HOST": "x"},
        {"Content-Length": "1"},
        {"Transfer-Encoding": "chunked"},
        {"Proxy-Authorization": "x"},
        {"Accept-Encoding": "br"},
        {"Connection": "close"},
    ],
)
async def test_header_fields_that_are_the_clients_own_cannot_be_given(headers: Mapping[str, str]) -> None:
    async with GuardedClient(HERE) as client:
        with pytest.raises(ValueError, match="client itself"):
            await client.request("GET", "http://127.0.0.1/", headers=headers)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "", "GET /x", "GET\r\nX: y", "PRI*"])
async def test_what_is_no_method_is_not_sent(method: str) -> None:
    async with GuardedClient(HERE) as client:
        with pytest.raises(ValueError, match="not a method"):
            await client.request(method, "http://127.0.0.1/")


async def test_a_line_break_in_a_header_field_is_not_sent() -> None:
    async with serve(reply()) as server, GuardedClient(HERE) as client:
        with pytest.raises(Unreachable):
            await client.request(
                "PUT", f"http://{server.place}/", headers={"If-Match": '"x"\r\nX-Evil: 1'}, content=b""
            )
    assert server.asked == []


async def test_a_connection_is_kept_and_used_again() -> None:
    async with serve(reply(207, b"x" * 100_000)) as server, GuardedClient(HERE) as client:
        for _ in range(20):
            await client.request("REPORT", f"http://{server.place}/", content=b"<q/>")
    assert (server.connections, len(server.asked)) == (1, 20)


async def test_requests_at_once_go_over_connections_of_their_own() -> None:
    everyone = asyncio.Barrier(4)

    async def together(_: Asked, writer: asyncio.StreamWriter) -> None:
        await everyone.wait()
        writer.write(raw())

    async with serve(together) as server, GuardedClient(HERE) as client:
        await asyncio.gather(*(client.request("GET", f"http://{server.place}/") for _ in range(4)))
    assert server.connections == 4


async def test_names_share_no_connection_even_at_one_address() -> None:
    """What was agreed with one host (its certificate, say) must not serve another."""
    names = Names({"a.example": [["127.0.0.1"]], "b.example": [["127.0.0.1"]]})
    async with serve(reply()) as server, GuardedClient(HERE, resolver=names) as client:
        for host in ("a.example", "b.example", "a.example"):
            await client.request("GET", f"http://{host}:{server.port}/")
    assert server.connections == 2
    assert [asked.headers["host"].split(":")[0] for asked in server.asked] == ["a.example", "b.example", "a.example"]


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    names = Names({"cal.example": [["127.0.0.2", "127.0.0.3", "127.0.0.1"]]})
    async with serve(reply()) as server, GuardedClient(HERE, resolver=names) as client:
        assert (await client.request("GET", f"http://cal.example:{server.port}/")).status == 200


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "REPORT", "OPTIONS"])
async def test_a_question_over_a_connection_closed_while_idle_is_asked_again(method: str) -> None:
    async with serve(_once_per_connection()) as server, GuardedClient(HERE) as client:
        for _ in range(2):
            assert (await client.request(method, f"http://{server.place}/", content=b"<q/>")).status == 200
    assert (server.connections, len(server.asked)) == (2, 3)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "MKCALENDAR", "POST"])
async def test_what_changes_something_is_never_sent_twice(method: str) -> None:
    async with serve(_once_per_connection()) as server, GuardedClient(HERE) as client:
        await client.request(method, f"http://{server.place}/")
        with pytest.raises(Unreachable):
            await client.request(method, f"http://{server.place}/")
    assert len(server.asked) == 2


def _once_per_connection() -> Answer:
    seen: set[asyncio.StreamWriter] = set()

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        if writer in seen:
            writer.close()
        else:
            seen.add(writer)
            writer.write(raw())

    return answer


async def test_a_server_that_never_answers_is_not_asked_again_and_again() -> None:
    async def hang_up(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serve(hang_up) as server, GuardedClient(HERE) as client:
        with pytest.raises(Unreachable):
            await client.request("GET", f"http://{server.place}/")
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_keeps_method_header_fields_and_body(status: int) -> None:
    async with (
        serve(reply(207, b"here")) as new,
        serve(reply(status, Location=f"http://{new.place}/dav/")) as old,
        GuardedClient(HERE) as client,
    ):
        response = await client.request(
            "PROPFIND", f"http://{old.place}/.well-known/caldav", headers={"Depth": "0"}, content=b"<propfind/>"
        )
    assert (response.status, response.url) == (207, f"http://{new.place}/dav/")
    (asked,) = new.asked
    assert (asked.method, asked.target, asked.body, asked.headers["depth"]) == (
        "PROPFIND",
        "/dav/",
        b"<propfind/>",
        "0",
    )
    assert asked.headers["host"] == new.place


async def test_see_other_goes_on_with_a_get_and_without_the_body() -> None:
    async with (
        serve(reply(200, b"done")) as new,
        serve(reply(303, Location=f"http://{new.place}/")) as old,
        GuardedClient(HERE) as client,
    ):
        await client.request("POST", f"http://{old.place}/", headers={"Content-Type": "text/xml"}, content=b"<x/>")
    (asked,) = new.asked
    assert (asked.method, asked.body) == ("GET", b"")
    assert not {"content-type", "content-length"} & asked.headers.keys()


@pytest.mark.parametrize("status", [300, 304, 305, 306])
async def test_other_answers_of_the_300s_are_not_followed(status: int) -> None:
    message = f"HTTP/1.1 {status} x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
    async with serve(send(message)) as server, GuardedClient(HERE) as client:
        assert (await client.request("GET", f"http://{server.place}/")).status == status
    assert len(server.asked) == 1


async def test_a_redirect_to_nowhere_is_an_answer() -> None:
    async with serve(reply(301)) as server, GuardedClient(HERE) as client:
        assert (await client.request("GET", f"http://{server.place}/")).status == 301


async def test_a_chain_of_redirects_is_followed_five_times() -> None:
    async def count(asked: Asked, writer: asyncio.StreamWriter) -> None:
        step = int(asked.target[1:])
        writer.write(raw(302, headers={"Location": f"/{step - 1}"}) if step else raw(200))

    async with serve(count) as server, GuardedClient(HERE) as client:
        assert (await client.request("GET", f"http://{server.place}/5")).url.endswith("/0")
        server.asked.clear()
        with pytest.raises(TooManyRedirects):
            await client.request("GET", f"http://{server.place}/6")
        assert len(server.asked) == 6


async def test_a_circle_of_redirects_ends() -> None:
    async with serve(reply(302, Location="/")) as server, GuardedClient(HERE, limits=Limits(max_redirects=2)) as client:
        with pytest.raises(TooManyRedirects):
            await client.request("GET", f"http://{server.place}/")
    assert len(server.asked) == 3


async def test_cookies_are_not_kept() -> None:
    async with (
        serve(reply(302, Location="/next", Set_Cookie="session=1; Path=/")) as server,
        GuardedClient(HERE) as client,
    ):
        with pytest.raises(TooManyRedirects):
            await client.request("GET", f"http://{server.place}/")
    assert all("cookie" not in asked.headers for asked in server.asked)


async def test_proxies_and_netrc_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with serve(reply(502)) as proxy, serve(reply(200)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.place}")
        async with GuardedClient(HERE) as client:
            assert (await client.request("GET", f"http://{server.place}/")).status == 200
    assert proxy.connections == 0
    assert "authorization" not in server.asked[0].headers


async def test_the_services_of_a_domain_come_in_the_order_of_preference() -> None:
    names = Names()
    names.services["_caldavs._tcp.example.org"] = [
        SrvTarget("c.example.org", 443, 20, 0),
        SrvTarget("B.example.org.", 8443, 10, 1),
        SrvTarget("a.example.org", 443, 10, 5),
        SrvTarget(".", 0, 0, 0),
        SrvTarget("not a host", 443, 0, 0),
    ]
    async with GuardedClient(HERE, resolver=names) as client:
        found = await client.srv("caldavs", "Example.ORG.")
        assert [(target.host, target.port) for target in found] == [
            ("a.example.org", 443),
            ("b.example.org", 8443),
            ("c.example.org", 443),
        ]
        assert await client.srv("caldav", "example.org") == []
        assert await client.srv("caldavs", "127.0.0.1") == []


async def test_the_path_beside_a_service_is_found_among_other_strings() -> None:
    names = Names()
    names.texts["_caldavs._tcp.example.org"] = ["txtvers=1", "path=/dav/"]
    names.texts["_caldavs._tcp.example.net"] = ["txtvers=1"]
    async with GuardedClient(HERE, resolver=names) as client:
        assert await client.txt("caldavs", "example.org") == "path=/dav/"
        assert await client.txt("caldavs", "example.net") is None
        assert await client.txt("caldav", "example.org") is None


async def test_a_domain_that_is_no_host_and_a_service_that_is_no_name_are_errors() -> None:
    async with GuardedClient(HERE, resolver=Names()) as client:
        with pytest.raises(BadUrl):
            await client.srv("caldavs", "exam ple.org")
        with pytest.raises(ValueError, match="not the name"):
            await client.txt("_caldavs._tcp", "example.org")


async def test_services_that_cannot_be_had_in_time_count_as_none() -> None:
    class Asleep(Names):
        async def srv(self, name: str) -> list[SrvTarget]:
            await asyncio.Event().wait()
            raise AssertionError(name)

    async with GuardedClient(HERE, resolver=Asleep(), limits=Limits(connect=0.05)) as client:
        assert await client.srv("caldavs", "example.org") == []
