"""What arrives through the proxy is what each fault claims, by plain HTTP clients."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree.ElementTree import ParseError, fromstring

import httpx2
import pytest

from tests.faults.faults import LIES, Fault
from tests.faults.proxy import FaultProxy, at_random, in_turn, no_fault, running_proxy
from tests.net.loopback import Asked, raw, serve

LISTING = (
    b'<d:multistatus xmlns:d="DAV:"><d:response><d:href>/c/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/>'
    b"</d:resourcetype></d:prop></d:propstat></d:response>"
    + b"".join(b"<d:response><d:href>/c/%d.ics</d:href></d:response>" % number for number in range(20))
    + b"<d:sync-token>t</d:sync-token></d:multistatus>"
)


@asynccontextmanager
async def proxied(*bodies: bytes, seed: int = 1) -> AsyncIterator[tuple[FaultProxy, httpx2.AsyncClient]]:
    """A proxy before a server that gives these listings in turn, the last one again and again; and a client of it."""
    left = list(bodies or [LISTING])

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        body = left.pop(0) if len(left) > 1 else left[0]
        writer.write(raw(207, body, {"Content-Type": "application/xml; charset=utf-8"}))

    async with (
        serve(answer) as server,
        running_proxy(f"http://{server.place}", seed) as proxy,
        httpx2.AsyncClient(base_url=proxy.url, trust_env=False, timeout=10) as client,
    ):
        yield proxy, client


async def answer_with(fault: Fault, **options: Any) -> httpx2.Response:
    async with proxied() as (proxy, client):
        proxy.choice = in_turn(fault)
        answer = await client.request("PROPFIND", "/c/", **options)
        assert proxy.faults == {fault: 1}
        assert (await client.request("PROPFIND", "/c/")).content == LISTING, "the next one is whole"
        return answer


async def raw_answer(fault: Fault) -> tuple[bytes, bool]:
    """Return what arrives within a second, and whether the connection was closed after it."""
    async with proxied() as (proxy, _):
        proxy.choice = in_turn(fault)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"PROPFIND /c/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        received = b""
        try:
            async with asyncio.timeout(1):
                while piece := await reader.read(1 << 16):
                    received += piece
                closed = True
        except TimeoutError:
            closed = False
        writer.close()
        await writer.wait_closed()
        return received, closed


def hrefs(body: bytes) -> list[str]:
    return [one.text or "" for one in fromstring(body).iter("{DAV:}href")]  # noqa: S314 - it is our own


async def test_without_a_fault_an_answer_arrives_as_it_is() -> None:
    async with proxied() as (proxy, client):
        answer = await client.request("PROPFIND", "/c/")
    assert (answer.status_code, answer.content) == (207, LISTING)
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert (proxy.requests, proxy.faults.total()) == (1, 0)


async def test_a_delay_and_a_drip_bring_everything_late() -> None:
    for fault, least in ((Fault.DELAY, 0.1), (Fault.DRIP, 0.2)):
        begun = time.monotonic()
        assert (await answer_with(fault)).content == LISTING
        assert time.monotonic() - begun > least


async def test_a_cut_before_the_answer_sends_nothing() -> None:
    assert await raw_answer(Fault.CUT_BEFORE_ANSWER) == (b"", True)


async def test_a_cut_in_the_headers_sends_a_part_of_them() -> None:
    received, closed = await raw_answer(Fault.CUT_IN_HEADERS)
    assert closed
    assert b"HTTP/1.1 207 Word\r\n".startswith(received[:19])
    assert len(received) > 0
    assert b"\r\n\r\n" not in received


async def test_a_cut_in_the_body_sends_less_than_was_announced() -> None:
    received, closed = await raw_answer(Fault.CUT_IN_BODY)
    head, _, body = received.partition(b"\r\n\r\n")
    assert closed
    assert b"content-length: %d" % len(LISTING) in head
    assert len(body) < len(LISTING)
    assert LISTING.startswith(body)


async def test_a_connection_that_was_kept_alive_is_closed_after_a_whole_answer() -> None:
    received, closed = await raw_answer(Fault.CLOSED_AFTERWARDS)
    assert closed
    assert received.endswith(LISTING)
    assert b"connection: close" not in received.lower()


async def test_refusals_say_what_they_claim() -> None:
    for fault, status in ((Fault.SERVER_ERROR, 500), (Fault.UNAVAILABLE, 503)):
        answer = await answer_with(fault)
        assert (answer.status_code, answer.headers.get("retry-after")) == (status, None)
    for fault, status in ((Fault.TOO_MANY_REQUESTS, 429), (Fault.UNAVAILABLE_FOR_A_TIME, 503)):
        answer = await answer_with(fault)
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "1")
    answer = await answer_with(Fault.TOO_MANY_REQUESTS_UNTIL)
    assert answer.status_code == 429
    assert parsedate_to_datetime(answer.headers["retry-after"]) >= parsedate_to_datetime(answer.headers["date"])
    assert abs((parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)).total_seconds()) < 60


async def test_garbage_is_no_xml_and_a_login_page_is_a_page() -> None:
    answer = await answer_with(Fault.GARBAGE)
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    with pytest.raises(ParseError):
        hrefs(answer.content)
    answer = await answer_with(Fault.LOGIN_PAGE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert b"<form" in answer.content


async def test_a_redirect_loop_has_no_end() -> None:
    with pytest.raises(httpx2.TooManyRedirects):
        await answer_with(Fault.REDIRECT_LOOP, follow_redirects=True)


async def test_truncated_xml_is_announced_with_the_length_that_it_has() -> None:
    answer = await answer_with(Fault.TRUNCATED)
    assert len(answer.content) < len(LISTING)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert LISTING.startswith(answer.content)


async def test_a_wrong_length_is_longer_or_shorter_than_what_is_sent() -> None:
    for fault, longer in ((Fault.LENGTH_TOO_LONG, True), (Fault.LENGTH_TOO_SHORT, False)):
        received, closed = await raw_answer(fault)
        head, _, body = received.partition(b"\r\n\r\n")
        announced = int(head.lower().partition(b"content-length: ")[2].split()[0])
        assert (closed, body, announced > len(LISTING), announced == len(LISTING)) == (True, LISTING, longer, False)


async def test_a_wrong_type_stands_over_the_right_content() -> None:
    answer = await answer_with(Fault.WRONG_TYPE)
    assert "xml" not in answer.headers["content-type"]
    assert answer.content == LISTING


async def test_listings_are_emptied_thinned_out_and_doubled() -> None:
    assert hrefs((await answer_with(Fault.EMPTY)).content) == []
    lacking, doubled = (await answer_with(Fault.LACKING)).content, (await answer_with(Fault.DOUBLED)).content
    assert "/c/" in hrefs(lacking)
    assert set(hrefs(lacking)) < set(hrefs(LISTING))
    assert sorted(hrefs(doubled)) == sorted(2 * hrefs(LISTING))
    for body in (lacking, doubled):
        assert [one.text for one in fromstring(body).iter("{DAV:}sync-token")] == ["t"]  # noqa: S314 - from a server of ours


async def test_a_stale_answer_is_an_earlier_one_to_the_same_question() -> None:
    newer = LISTING.replace(b">t<", b">u<")
    async with proxied(LISTING, newer, newer) as (proxy, client):
        proxy.choice = at_random(1, [Fault.STALE])
        first = await client.request("PROPFIND", "/c/")
        stale = await client.request("PROPFIND", "/c/")
        other = await client.request("PROPFIND", "/c/", headers={"Depth": "1"})
    assert [one.content for one in (first, stale, other)] == [LISTING, LISTING, newer]
    assert proxy.lied_about == {"/c/": 1}


async def test_the_same_seed_plays_the_same_faults_and_they_can_be_switched_off_at_once() -> None:
    told = []
    for seed in (7, 7, 8):
        async with proxied(seed=seed) as (proxy, client):
            proxy.choice = at_random(0.5, LIES | {Fault.WRONG_TYPE})
            contents = [(await client.request("PROPFIND", "/c/")).headers["content-type"] for _ in range(20)]
            told.append((contents, dict(proxy.faults)))
            proxy.choice = no_fault
            before = proxy.faults.total()
            for _ in range(10):
                assert (await client.request("PROPFIND", "/c/")).content == LISTING
            assert proxy.faults.total() == before
    assert told[0] == told[1]
    assert told[0] != told[2]


async def test_two_questions_of_an_account_at_once_are_noted_and_those_of_two_accounts_are_not() -> None:
    async with proxied() as (proxy, client):
        for users, noted in ((("a", "b"), 0), (("a", "a"), 1)):
            proxy.choice = in_turn(Fault.DELAY, Fault.DELAY)
            asking = [client.request("PROPFIND", f"/slow-{user}/", auth=(user, "x")) for user in users]
            await asyncio.gather(*asking)
            assert len(proxy.at_once) == noted
