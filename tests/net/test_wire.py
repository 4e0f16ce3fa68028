"""What is asked of HTTP underneath: sent as it is written and once, read whole or not at all, by whatever library."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import uvloop
from aiohttp import BaseConnector
from aiohttp.client_proto import ResponseHandler

from kalends.net import (
    AddressRefused,
    GuardedClient,
    Limits,
    NetPolicy,
    TimedOut,
    TooLarge,
    Unreachable,
    Untrusted,
)
from kalends.net.dial import Guard
from kalends.net.wire import MAX_FIELDS, MAX_LINE_BYTES
from tests.net.authority import Authority
from tests.net.loopback import Asked, Names, raw, reply, send, serve

HERE = NetPolicy.parse(allow="127.0.0.0/8 ::1")
HTTP = b"HTTP/1.1 200 OK\r\n"


# What is sent


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb/%2e%2E/%7euser/100%", "/x/../y/./z//", "//z//?a=b", "/;p=1/a@b:c,d=e+f", "/[]|{}^`\"<>'()*!$&~",
        "/?", "/q?a=%C3%BC&b=c d&&e=?/:@[];", "/%zz/%", "/%E4?%FF", "/%0d%0aHost:x",
    ],
)  # fmt: skip
async def test_path_and_query_arrive_as_they_were_written(target: str) -> None:
    async with serve(reply()) as server, GuardedClient(HERE) as client:
        await client.request("GET", f"http://{server.place}{target}")
    sent = target.replace(" ", "%20").removesuffix("?") if target != "/?" else "/"
    assert [asked.target for asked in server.asked] == [sent]


async def test_what_cannot_be_sent_is_escaped_and_never_ends_the_line() -> None:
    async with serve(reply()) as server, GuardedClient(HERE) as client:
        await client.request("GET", f"http://{server.place}/Work Calendar/é HTTP/1.1")
    assert [asked.target for asked in server.asked] == ["/Work%20Calendar/%C3%A9%20HTTP/1.1"]


async def test_an_ipv6_host_is_written_in_brackets() -> None:
    async with serve(reply(), host="::1") as server, GuardedClient(HERE) as client:
        assert (await client.request("GET", f"http://[::1]:{server.port}/x")).status == 200
    assert server.asked[0].headers["host"] == f"[::1]:{server.port}"


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
async def test_a_body_is_sent_whole_with_its_length_and_no_type_of_its_own(size: int) -> None:
    async with serve(reply()) as server, GuardedClient(HERE) as client:
        await client.request("PUT", f"http://{server.place}/", content=b"x" * size)
    (asked,) = server.asked
    assert (len(asked.body), asked.headers["content-length"]) == (size, str(size))
    assert not {"content-type", "transfer-encoding", "expect"} & asked.headers.keys()


# What is read


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"x" + HTTP + b"Content-Length: 2\r\n\r\nhi",
        b"hi",
        HTTP + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        HTTP + b"Content-Length: 2, 2\r\n\r\nhi",
        HTTP + b"Content-Length: +2\r\n\r\nhi",
        HTTP + b"Content-Length: 18446744073709551616\r\n\r\nhi",
        HTTP + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        HTTP + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        HTTP + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        HTTP + b"Transfer-Encoding: xchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        HTTP + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhixx0\r\n\r\n",
        HTTP + b"X: a\x00b\r\nContent-Length: 2\r\n\r\nhi",
    ],
)
async def test_what_is_not_plainly_http_1_is_no_answer(message: bytes) -> None:
    async with serve(send(message, hang_up=True)) as server, GuardedClient(HERE) as client:
        with pytest.raises(Unreachable) as caught:
            await client.request("REPORT", f"http://{server.place}/")
    assert type(caught.value) is Unreachable
    assert caught.value.__cause__ is None


async def test_the_largest_length_that_can_be_written_is_no_empty_body() -> None:
    message = HTTP + b"Content-Length: 18446744073709551615\r\n\r\nhi"
    async with serve(send(message, hang_up=True)) as server, GuardedClient(HERE) as client:
        with pytest.raises(TooLarge):
            await client.request("GET", f"http://{server.place}/")


async def test_a_body_that_stops_being_http_half_way_is_an_error_at_once() -> None:
    """The first piece is so long that the rest comes when somebody waits for it."""
    async with (
        serve(send(HTTP + b"Transfer-Encoding: chunked\r\n\r\n200000\r\n" + b"x" * 0x200000 + b"\r\nzz\r\n")) as server,
        GuardedClient(HERE) as client,
        asyncio.timeout(10),
    ):
        with pytest.raises(Unreachable):
            await client.request("GET", f"http://{server.place}/")


async def test_a_connection_that_breaks_is_not_the_end_of_a_body() -> None:
    """Without a length, only an orderly end of the connection can be the end of the body."""

    async def reset(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(HTTP + b"\r\n12345")
        await _until(lambda: any(busy._payload is not None for busy in _connector(client)._acquired))
        its_socket = writer.get_extra_info("socket")
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serve(reset) as server, GuardedClient(HERE) as client:
        with pytest.raises(Unreachable):
            await client.request("GET", f"http://{server.place}/")


async def test_header_fields_are_read_up_to_their_limits() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        length, count = map(int, asked.target[1:].split(","))
        writer.write(HTTP + b"X: " + b"y" * length + b"\r\n" + b"Y: z\r\n" * (count - 2) + b"Content-Length: 0\r\n\r\n")

    async with serve(answer) as server, GuardedClient(HERE) as client:
        url = f"http://{server.place}/"
        response = await client.request("GET", f"{url}{MAX_LINE_BYTES - 1},{MAX_FIELDS}")
        assert len(response.headers["x"]) == MAX_LINE_BYTES - 1
        assert response.headers["Y"].count("z") == MAX_FIELDS - 2
        for beyond in (f"{MAX_LINE_BYTES + 1},{MAX_FIELDS}", f"1,{MAX_FIELDS + 1}"):
            with pytest.raises(Unreachable):
                await client.request("GET", url + beyond)


async def test_header_fields_are_text_whatever_their_bytes() -> None:
    fields = b"A: \xc3\xbc\r\nB: \xe9\xff\r\nb: 2\r\nC: 1\r\n folded\r\nContent-Length: 0\r\n\r\n"
    async with serve(send(HTTP + fields)) as server, GuardedClient(HERE) as client:
        headers = (await client.request("GET", f"http://{server.place}/")).headers
    assert dict(headers) == {"a": "ü", "b": "éÿ, 2", "c": "1 folded", "content-length": "0"}
    assert "".join(headers.values()).encode()


# Connections


async def test_what_came_while_a_connection_lay_idle_is_not_the_next_answer() -> None:
    done, poisoned = asyncio.Event(), asyncio.Event()

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(raw(200, asked.target.encode()))
        if asked.target == "/first":
            await done.wait()
            writer.write(raw(200, b"poison"))
            poisoned.set()

    async with serve(answer) as server, GuardedClient(HERE) as client:
        assert (await client.request("GET", f"http://{server.place}/first")).body == b"/first"
        done.set()
        await asyncio.wait_for(poisoned.wait(), 5)
        await _until(lambda: any(idle.should_close for idle in _idle(client)))
        assert (await client.request("PUT", f"http://{server.place}/second")).body == b"/second"
    assert server.connections == 2


async def test_each_try_over_a_stale_connection_is_counted() -> None:
    told: list[str] = []
    seen: set[asyncio.StreamWriter] = set()

    async def once(_: Asked, writer: asyncio.StreamWriter) -> None:
        if writer in seen:
            writer.close()
        seen.add(writer)
        writer.write(raw())

    async with serve(once) as server, GuardedClient(HERE) as client:
        watched = client.watched(lambda _method, outcome, _seconds: told.append(outcome))
        for method in ("GET", "GET", "PUT"):
            with contextlib.suppress(Unreachable):
                await watched.request(method, f"http://{server.place}/")
    assert told == ["2xx", "Unreachable", "2xx", "Unreachable"]


async def test_no_more_connections_are_in_use_than_the_limit_says() -> None:
    at_once = most = 0

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        writer.write(raw())

    async with serve(answer) as server, GuardedClient(HERE, limits=Limits(max_connections=2)) as client:
        await asyncio.gather(*(client.request("GET", f"http://{server.place}/") for _ in range(10)))
    assert most == 2


@pytest.mark.parametrize(("idle", "opened"), [(1, 2), (0, 3)])
async def test_no_more_connections_stay_open_than_the_limits_say(idle: int, opened: int) -> None:
    names = Names({"a.example": [["127.0.0.1"]], "b.example": [["127.0.0.1"]]})
    limits = Limits(max_connections=1, max_idle_connections=idle)
    async with serve(reply()) as server, GuardedClient(HERE, resolver=names, limits=limits) as client:
        for host in ("a.example", "b.example", "b.example", "a.example"):
            assert (await client.request("GET", f"http://{host}:{server.port}/")).status == 200
    assert server.connections == opened


async def test_an_address_that_does_not_answer_holds_the_next_one_up_only_for_a_moment() -> None:
    names = Names({"cal.example": [["127.0.0.2", "127.0.0.1"]]})
    async with serve(reply()) as server, GuardedClient(HERE, resolver=names) as client:
        with _black_hole(server.port):
            assert (await client.request("GET", f"http://cal.example:{server.port}/")).status == 200


async def test_addresses_that_refuse_are_dialled_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[str] = []

    def noted(self: Guard, place: tuple[object, ...]) -> socket.socket:
        dialled.append(place[4][0])  # type: ignore[index]  # the socket's address
        return open_socket(self, place)  # type: ignore[arg-type] # handed through as it came

    open_socket = Guard.open_socket
    monkeypatch.setattr(Guard, "open_socket", noted)
    dead = [f"127.0.0.{number}" for number in range(2, 9)]
    async with serve(reply()) as server, GuardedClient(HERE, resolver=Names({"cal.example": [dead]})) as client:
        with pytest.raises(Unreachable):
            await client.request("GET", f"http://cal.example:{server.port}/")
    assert dialled == dead[:4]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
async def test_no_socket_is_opened_to_an_address_that_was_not_checked(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    """The last line of defence: whatever the resolver let pass, a socket knows where it leads."""

    async def careless(_: Guard, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        return [
            {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
            for address in addresses
        ]

    monkeypatch.setattr(Guard, "resolve", careless)
    async with serve(reply()) as inside, GuardedClient(NetPolicy()) as client:
        with pytest.raises(AddressRefused):
            await client.request("GET", f"http://cal.example:{inside.port}/")
    assert inside.connections == 0


async def test_a_server_that_could_speak_http_2_is_told_that_it_is_http_1(authority: Authority) -> None:
    agreed: list[str | None] = []

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(raw())

    tls = authority.server("127.0.0.1")
    tls.set_alpn_protocols(["h2", "http/1.1"])
    async with serve(answer, tls=tls) as server, GuardedClient(HERE, ssl_context=authority.client) as client:
        await client.request("GET", f"https://{server.place}/")
    assert agreed == ["http/1.1"]


async def test_a_server_that_says_nothing_in_the_tls_handshake_is_given_up() -> None:
    async with _saying(None) as port, GuardedClient(HERE, limits=Limits(connect=0.1)) as client:
        with pytest.raises(TimedOut):
            await client.request("GET", f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_server_without_tls_is_not_trusted(loop: Callable[[], asyncio.AbstractEventLoop], says: bytes) -> None:
    async def use() -> None:
        async with _saying(says) as port, GuardedClient(HERE) as client:
            with pytest.raises(Untrusted):
                await client.request("GET", f"https://127.0.0.1:{port}/")

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(use())


def test_all_of_this_holds_on_the_event_loop_that_serves(authority: Authority) -> None:
    tls = authority.server("cal.example.org")
    names = Names({"cal.example.org": [["127.0.0.2", "127.0.0.1"]], "dead.example.org": [["127.0.0.2"]]})

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.target == "/slow":
            await asyncio.Event().wait()
        writer.write(raw(200, b"x" * 300_000))
        if asked.target == "/last":
            writer.close()

    async def use() -> None:
        async with (
            serve(answer, tls=tls) as server,
            GuardedClient(HERE, resolver=names, ssl_context=authority.client) as client,
        ):
            url = f"https://cal.example.org:{server.port}"
            for path in ("/", "/last", "/", "/"):
                assert len((await client.request("REPORT", url + path, content=b"<q/>")).body) == 300_000
            with pytest.raises(TimedOut):
                await client.request("GET", f"{url}/slow", timeout=0.05)
            with pytest.raises(TooLarge):
                await client.request("GET", url, max_bytes=299_999)
            with pytest.raises(Untrusted):
                await client.request("GET", f"https://127.0.0.1:{server.port}/")
            with pytest.raises(Unreachable, match="does not accept"):
                await client.request("GET", f"https://dead.example.org:{server.port}/")
            with pytest.raises(AddressRefused):
                await client.request("GET", "http://10.0.0.1/")
        assert server.connections < 8

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(use())


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - nobody tells when bytes have arrived
            await asyncio.sleep(0.001)


def _idle(client: GuardedClient) -> list[ResponseHandler]:
    return [idle for of_host in _connector(client)._conns.values() for idle, _ in of_host]


def _connector(client: GuardedClient) -> BaseConnector:
    """Return the library's own idea of the connections."""
    session = client._pool._session
    assert session is not None
    assert session.connector is not None
    return session.connector


@contextlib.contextmanager
def _black_hole(port: int) -> Iterator[None]:
    """Listen on 127.0.0.2, and accept nothing: what is dialled there hangs."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.2", port))
        listening.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", port))
        yield


@contextlib.asynccontextmanager
async def _saying(says: bytes | None) -> AsyncIterator[int]:
    """Say something at once, whatever is asked, and hang up; with None, say nothing for ever."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.append(writer)
        if says is not None:
            writer.write(says)
            writer.close()

    talking: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for writer in talking:
            writer.close()
