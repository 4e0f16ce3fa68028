"""Answers, those that are well and those that are not."""

import zlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from kalends.client import (
    Calendar,
    CalendarType,
    Connection,
    ConnectMethod,
    Event,
    ExportDedicated,
    ExportPrimary,
    ExportSwitch,
    Features,
    ImportCalendars,
    ImportFeature,
    ImportPrimary,
    ImportSwitch,
    ProtocolError,
    Provider,
    SyncConfig,
)
from tests.client.calling import Kind, answer, calling, providers, script
from tests.net.loopback import raw, serve

BARE = {"id": "c", "providerId": "p", "scheduleId": "s"}
EVENT = {"scheduleId": "s", "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00+01:00"}


async def told(kind: Kind, reply: bytes, ask: Any, **options: Any) -> Any:
    async with serve(script(reply)) as server, calling(kind, f"http://{server.place}", **options) as call:
        return await call(ask)


def connection(client: Any) -> Any:
    return client.external_calendars.get_connection("c")


def events(client: Any) -> Any:
    return client.external_calendars.list_events(cursor="any")


async def test_what_is_unknown_is_passed_over_and_new_words_stay_strings(kind: Kind) -> None:
    features = {
        "connectMethods": ["OAUTH", "CARRIER_PIGEON"],
        "updateSyncConfig": True,
        "listEventFromCalendars": "SOME",
    }
    provider = {"id": "p", "calendarType": "LUNAR", "features": {**features, "new": 1}, "appDefId": "p"}
    (found,) = await told(kind, answer({"providers": [provider], "more": {}}), providers)
    assert found == Provider("p", None, "LUNAR", Features((ConnectMethod.OAUTH, "CARRIER_PIGEON"), True, "SOME"))
    assert isinstance(found.features.connect_methods[0], ConnectMethod)
    assert not isinstance(found.calendar_type, CalendarType)
    assert not isinstance(found.features.list_event_from_calendars, ImportFeature)


async def test_what_is_left_out_or_null_is_none_or_undefined(kind: Kind) -> None:
    for missing in ({}, {"userId": None, "status": None, "syncConfig": None, "errorReason": None}):
        assert await told(kind, answer({"connection": {**BARE, **missing}}), connection) == Connection("c", "p", "s")


CONFIGS: list[tuple[dict[str, Any], SyncConfig]] = [
    ({}, SyncConfig()),
    (
        {
            "listEventFromCalendars": {
                "enabled": True,
                "calendars": {"calendars": [{"id": "1"}, {"id": "2", "name": "B"}]},
            }
        },
        SyncConfig(imports=ImportCalendars([Calendar("1"), Calendar("2", "B")])),
    ),
    ({"listEventFromCalendars": {"calendars": {}}}, SyncConfig(imports=ImportCalendars([], enabled=None))),
    ({"listEventFromCalendars": {"primaryCalendar": {}}}, SyncConfig(imports=ImportPrimary(enabled=None))),
    ({"listEventFromCalendars": {"enabled": False}}, SyncConfig(imports=ImportSwitch(enabled=False))),
    ({"syncToCalendar": {"enabled": True, "primaryCalendar": {}}}, SyncConfig(exports=ExportPrimary())),
    ({"syncToCalendar": {"enabled": True, "dedicatedCalendar": {}}}, SyncConfig(exports=ExportDedicated())),
    ({"syncToCalendar": {"enabled": False}}, SyncConfig(exports=ExportSwitch(enabled=False))),
]


@pytest.mark.parametrize(("json", "config"), CONFIGS)
async def test_a_sync_config_is_read_as_it_is_written(json: dict[str, Any], config: SyncConfig) -> None:
    found = await told("blocking", answer({"connection": {**BARE, "syncConfig": json}}), connection)
    assert found.sync_config == config


async def test_events_have_aware_times(kind: Kind) -> None:
    page = await told(kind, answer({"events": [EVENT]}), events)
    (event,) = page.events
    assert isinstance(event, Event)
    assert event.start.utcoffset() == timedelta()
    assert event.end == datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1)))
    assert (page.count, page.has_next, page.next_cursor) == (1, False, None)


NO_PAGE: dict[str, tuple[Any, str]] = {
    "no list": ({}, "The answer has no events."),
    "null": ({"events": None}, "The answer has no events."),
    "another type": ({"events": {}}, "events of the answer is not a list."),
    "no start": ({"events": [EVENT, {**EVENT, "start": None}]}, r"The answer has no events\[1\].start."),
    "no offset": (
        {"events": [{**EVENT, "end": "2026-01-01T00:00:00"}]},
        r"events\[0\].end of the answer is not a date",
    ),
    "no date": (
        {"events": [{**EVENT, "end": "soon"}]},
        r"events\[0\].end of the answer is not a date-time with offset",
    ),
    "number for text": ({"events": [{**EVENT, "scheduleId": 7}]}, r"events\[0\].scheduleId of the answer is not str"),
    "text for flag": ({"events": [{**EVENT, "allDay": "no"}]}, r"events\[0\].allDay of the answer is not bool"),
    "flag for number": ({"events": [], "pagingMetadata": {"count": True}}, "count of the answer is not int"),
    "paging": ({"events": [], "pagingMetadata": [1]}, "pagingMetadata of the answer is not an object"),
    "cursors": (
        {"events": [], "pagingMetadata": {"cursors": "a"}},
        "pagingMetadata.cursors of the answer is not an obj",
    ),
    "a list": ([], "The answer is not a JSON object."),
}


@pytest.mark.parametrize(("body", "said"), NO_PAGE.values(), ids=NO_PAGE)
async def test_an_answer_that_is_not_of_the_contract_never_passes_for_no_events(body: Any, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        await told("blocking", answer(body), events)


NO_ANSWER = {
    "no json": (raw(200, b"<html>"), "not JSON"),
    "empty": (raw(200), "not JSON"),
    "no content": (raw(204), "not JSON"),
    "not utf-8": (raw(200, b'{"a": "\xff"}'), "not JSON"),
    "too deep": (raw(200, b"[" * 100_000), "not JSON"),
    "a redirect": (raw(307, b"", {"Location": "http://127.0.0.1:1/"}), "answers 307; redirects are not followed"),
    "no gzip": (raw(200, b"{}", {"Content-Encoding": "gzip"}), "cannot be decompressed"),
}


@pytest.mark.parametrize(("message", "said"), NO_ANSWER.values(), ids=NO_ANSWER)
async def test_what_cannot_be_read_is_no_answer(kind: Kind, message: bytes, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        await told(kind, message, providers)


async def test_an_answer_is_read_to_its_limit_and_no_further(kind: Kind) -> None:
    body = b'{"providers": [' + b" " * 10_000 + b"]}"
    assert await told(kind, raw(200, body), providers, max_bytes=len(body)) == ()
    with pytest.raises(ProtocolError, match="larger than 9999 bytes"):
        await told(kind, raw(200, body), providers, max_bytes=9_999)
    packing = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    bomb = packing.compress(bytes(50_000_000)) + packing.flush()
    with pytest.raises(ProtocolError, match="larger than 1000000 bytes"):
        await told(kind, raw(200, bomb, {"Content-Encoding": "gzip"}), providers, max_bytes=1_000_000)


async def test_redirects_take_no_credentials_anywhere(kind: Kind) -> None:
    async with serve(script(answer({}))) as other:
        moved = raw(302, b"", {"Location": f"http://{other.place}/"})
        with pytest.raises(ProtocolError):
            await told(kind, moved, providers)
        assert other.asked == []


async def test_pages_are_followed_to_the_end_empty_ones_too(kind: Kind) -> None:
    pages = [([EVENT], "b"), ([], "c"), ([EVENT, EVENT], None)]
    replies = [
        answer({"events": found, "pagingMetadata": {"count": 9, "cursors": {"next": after}, "hasNext": bool(after)}})
        for found, after in pages
    ]
    async with serve(script(*replies)) as server, calling(kind, f"http://{server.place}") as call:
        found = await call(_all_events)
    assert len(found) == 3
    first, *others = [one.target.partition("?")[2] for one in server.asked]
    assert first == "from=2026-01-01T00%3A00%3A00Z&to=2026-02-01T00%3A00%3A00Z&cursorPaging.limit=2"
    assert others == ["cursorPaging.cursor=b", "cursorPaging.cursor=c"]


def _all_events(client: Any) -> Any:
    span = {"from_": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    return client.external_calendars.iter_events(**span, page_size=2)


async def test_pages_are_fetched_as_they_are_needed() -> None:
    more = answer({"events": [EVENT], "pagingMetadata": {"cursors": {"next": "b"}, "hasNext": True}})
    async with serve(script(more)) as server:
        url = f"http://{server.place}"
        async with calling("awaiting", url) as call:
            events = _all_events(call.client)
            assert server.asked == []
            await anext(events)
            assert len(server.asked) == 1
            await events.aclose()


ENDLESS = {
    "the same cursor again": (
        {"cursors": {"next": "a"}, "hasNext": True},
        "cursor of the next page is that of this page",
    ),
    "no cursor": ({"cursors": {}, "hasNext": True}, "more pages, but no cursor"),
}


@pytest.mark.parametrize(("paging", "said"), ENDLESS.values(), ids=ENDLESS)
async def test_pages_that_lead_nowhere_are_an_error_and_no_end(kind: Kind, paging: dict[str, Any], said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        await told(kind, answer({"events": [EVENT], "pagingMetadata": paging}), _all_events)


async def test_schedules_are_iterated_by_cursor_too(kind: Kind) -> None:
    schedule = {"id": "s", "revision": "1"}
    replies = [
        answer({"schedules": [schedule], "pagingMetadata": {"cursors": {"next": "b"}, "hasNext": True}}),
        answer({"schedules": [schedule], "pagingMetadata": {"cursors": {}, "hasNext": False}}),
    ]
    async with serve(script(*replies)) as server, calling(kind, f"http://{server.place}") as call:
        found = await call(lambda client: client.schedules.iter(filter={"status": "ACTIVE"}, page_size=1))
    assert [one.id for one in found] == ["s", "s"]
    assert [one.body for one in server.asked] == [
        b'{"query": {"filter": {"status": "ACTIVE"}, "cursorPaging": {"limit": 1}}}',
        b'{"query": {"cursorPaging": {"cursor": "b"}}}',
    ]
