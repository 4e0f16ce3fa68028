import asyncio
import gzip
import time
import tracemalloc
from ipaddress import ip_address

import pytest

from kalends.net import GuardedClient, Limits, NetError, NetPolicy, TimedOut, TooLarge, Unreachable
from kalends.net.address import IPAddress
from tests.net.loopback import Asked, Names, raw, reply, send, serve

HERE = NetPolicy.parse(allow="127.0.0.0/8")
HTTP = b"HTTP/1.1 200 OK\r\n"


async def test_a_slow_drip_ends_at_the_total_deadline() -> None:
    """Each byte comes in time, so that only the deadline of the whole can end it."""

    async def drip(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(HTTP + b"Content-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serve(drip) as server, GuardedClient(HERE, limits=Limits(read=5, total=60)) as client:
        started = time.monotonic()
        with pytest.raises(TimedOut, match=r"127\.0\.0\.1"):
            await client.request("GET", f"http://{server.place}/", timeout=0.2)
        assert time.monotonic() - started < 2


async def test_redirects_do_not_prolong_the_total_deadline() -> None:
    async def slow(_: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(raw(302, headers={"Location": "/"}))

    async with serve(slow) as server, GuardedClient(HERE, limits=Limits(total=0.4)) as client:
        with pytest.raises(TimedOut):
            await client.request("GET", f"http://{server.place}/")
        assert len(server.asked) < 5


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 ", HTTP, HTTP + b"Content-Length: 5\r\n\r\n123"])
async def test_a_server_that_falls_silent_is_given_up(begun: bytes) -> None:
    async def silence(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await asyncio.Event().wait()

    async with serve(silence) as server, GuardedClient(HERE, limits=Limits(read=0.1)) as client:
        with pytest.raises(TimedOut):
            await client.request("GET", f"http://{server.place}/")


async def test_endless_interim_answers_end_at_the_total_deadline() -> None:
    async def interim(_: Asked, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with serve(interim) as server, GuardedClient(HERE, limits=Limits(total=0.2)) as client:
        with pytest.raises(TimedOut):
            await client.request("GET", f"http://{server.place}/")


async def test_a_name_server_that_falls_silent_is_given_up() -> None:
    class Asleep(Names):
        async def addresses(self, host: str, port: int) -> list[IPAddress]:
            await asyncio.Event().wait()
            raise AssertionError(host, port)

    async with GuardedClient(HERE, resolver=Asleep(), limits=Limits(connect=0.05)) as client:
        with pytest.raises(TimedOut):
            await client.request("GET", "http://cal.example/")


async def test_a_deadline_leaves_the_client_usable_and_no_connection_behind() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.target == "/slow":
            await asyncio.Event().wait()
        writer.write(raw())

    async with serve(answer) as server, GuardedClient(HERE, limits=Limits(max_connections=1)) as client:
        for _ in range(3):
            with pytest.raises(TimedOut):
                await client.request("GET", f"http://{server.place}/slow", timeout=0.05)
            assert (await client.request("GET", f"http://{server.place}/")).status == 200


async def test_a_cancelled_request_is_cancelled() -> None:
    arrived = asyncio.Event()

    async def never(_: Asked, writer: asyncio.StreamWriter) -> None:
        del writer
        arrived.set()
        await asyncio.Event().wait()

    async with serve(never) as server, GuardedClient(HERE) as client:
        task = asyncio.create_task(client.request("GET", f"http://{server.place}/"))
        await asyncio.wait_for(arrived.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    async with serve(reply(200, b"x" * 1000)) as server, GuardedClient(HERE) as client:
        assert len((await client.request("GET", f"http://{server.place}/", max_bytes=1000)).body) == 1000
        with pytest.raises(TooLarge):
            await client.request("GET", f"http://{server.place}/", max_bytes=999)


@pytest.mark.parametrize("head", [b"Transfer-Encoding: chunked\r\n\r\n", b"Connection: close\r\n\r\n"])
async def test_an_endless_body_ends_at_the_limit(head: bytes) -> None:
    piece = b"x" * 0x1000

    async def pour(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(HTTP + head)
        while True:
            writer.write(b"1000\r\n" + piece + b"\r\n" if b"chunked" in head else piece)
            await writer.drain()

    async with serve(pour) as server, GuardedClient(HERE) as client:
        with pytest.raises(TooLarge):
            await client.request("GET", f"http://{server.place}/", max_bytes=100_000)


async def test_an_announced_size_beyond_the_limit_is_refused_before_the_body_is_read() -> None:
    async with serve(send(HTTP + b"Content-Length: 99999999999\r\n\r\n")) as server, GuardedClient(HERE) as client:
        with pytest.raises(TooLarge):
            await client.request("GET", f"http://{server.place}/")


async def test_endless_header_fields_end() -> None:
    async def pour(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(HTTP)
        while True:
            writer.write(b"X: " + b"y" * 1000 + b"\r\n")
            await writer.drain()

    async with serve(pour) as server, GuardedClient(HERE) as client:
        with pytest.raises(Unreachable):
            await client.request("GET", f"http://{server.place}/")


async def test_a_gzip_body_is_taken_decompressed() -> None:
    text = b"".join(b"UID:%06d\r\n" % number for number in range(25_000))
    packed = gzip.compress(text[:100_000]) + gzip.compress(text[100_000:])
    async with serve(reply(200, packed, Content_Encoding="gzip")) as server, GuardedClient(HERE) as client:
        assert (await client.request("GET", f"http://{server.place}/")).body == text
        assert (await client.request("GET", f"http://{server.place}/", max_bytes=300_000)).body == text
        with pytest.raises(TooLarge):
            await client.request("GET", f"http://{server.place}/", max_bytes=299_999)


async def test_a_gzip_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 100_000
    async with serve(reply(200, bomb, Content_Encoding="gzip")) as server, GuardedClient(HERE) as client:
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge):
                await client.request("GET", f"http://{server.place}/", max_bytes=1_000_000)
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "compress", "x"])
async def test_a_coding_that_was_not_offered_is_an_error_and_never_a_body(coding: str) -> None:
    async with serve(reply(200, b"BEGIN:VCALENDAR", Content_Encoding=coding)) as server, GuardedClient(HERE) as client:
        with pytest.raises(Unreachable):
            await client.request("GET", f"http://{server.place}/")


@pytest.mark.parametrize("coding", ["identity", "GZIP", "x-gzip"])
async def test_an_empty_body_is_empty_in_any_coding(coding: str) -> None:
    async with serve(reply(204, Content_Encoding=coding)) as server, GuardedClient(HERE) as client:
        assert (await client.request("GET", f"http://{server.place}/")).body == b""


PACKED = gzip.compress(b"BEGIN:VCALENDAR\r\n" * 1000, mtime=0)
"""Without the time of day, which would name the tests below differently in each process that collects them."""


@pytest.mark.parametrize(
    "message",
    [
        HTTP + b"Content-Length: 10\r\n\r\n12345",
        HTTP + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        HTTP + b"Transfer-Encoding: chunked\r\n\r\n5\r\n123",
        HTTP + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
        HTTP + b"Content-Length: 10\r\n",
        HTTP + b"Content-Length: 10\r\nContent-Length: 5\r\n\r\n12345",
        HTTP + b"Content-Length: ten\r\n\r\n12345",
        HTTP + b"Content-Length: -1\r\n\r\n",
        HTTP + b"Transfer-Encoding: gzip\r\n\r\n12345",
        HTTP + b"Content-Encoding: gzip\r\n\r\n" + PACKED[:-1],
        HTTP + b"Content-Encoding: gzip\r\n\r\n" + PACKED[:20],
        HTTP + b"Content-Encoding: gzip\r\n\r\n" + PACKED + b"\x1f",
        HTTP + b"Content-Encoding: gzip\r\n\r\n" + PACKED + b"garbage",
        HTTP + b"Content-Encoding: gzip\r\n\r\n" + PACKED[:-8] + b"\0" * 8,
        HTTP + b"Content-Encoding: gzip\r\n\r\nplain text",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_cut_short_or_broken_is_an_error_and_never_a_short_success(message: bytes) -> None:
    """Failure case 13, and the first rule: a truncated read never counts as success."""
    async with serve(send(message, hang_up=True)) as server, GuardedClient(HERE) as client:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await client.request("REPORT", f"http://{server.place}/")


async def test_an_answer_that_ends_with_the_connection_says_so() -> None:
    async with (
        serve(send(HTTP + b"Connection: close\r\n\r\n12345", hang_up=True)) as server,
        GuardedClient(HERE) as client,
    ):
        response = await client.request("GET", f"http://{server.place}/")
    assert (response.body, response.framed) == (b"12345", False)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("GET", HTTP + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("HEAD", HTTP + b"Content-Length: 10\r\n\r\n"),
        ("HEAD", HTTP + b"\r\n"),
    ],
)
async def test_an_answer_that_cannot_have_been_cut_short_counts_as_framed(method: str, message: bytes) -> None:
    async with serve(send(message)) as server, GuardedClient(HERE) as client:
        response = await client.request(method, f"http://{server.place}/")
    assert (response.body, response.framed) == (b"", True)


async def test_no_error_quotes_the_answer() -> None:
    async with serve(send(b"SUMMARY:secret meeting\r\n\r\n", hang_up=True)) as server, GuardedClient(HERE) as client:
        with pytest.raises(NetError) as caught:
            await client.request("GET", f"http://{server.place}/secret.ics")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_name_with_very_many_addresses_is_tried_a_few_times_only() -> None:
    many = [str(ip_address("127.1.0.0") + number) for number in range(1000)]
    names = Names({"cal.example": [[*many, "127.0.0.1"]]})
    async with serve(reply()) as server, GuardedClient(HERE, resolver=names) as client:
        with pytest.raises(Unreachable):
            await client.request("GET", f"http://cal.example:{server.port}/")
    assert server.connections == 0
