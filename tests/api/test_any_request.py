"""Whatever is sent, the answer is a JSON object and never a 500."""

import asyncio
from typing import Any

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.api.application import create_api
from kalends.api.events import ListEvents
from kalends.api.reading import parameters
from tests.api.calls import CALLS, GoodCall
from tests.api.conftest import BASE
from tests.api.standins import CONNECTION, PROVIDER, StandIns

NAMES = [
    *(one.name for one in parameters(ListEvents)),
    *("connectionId", "syncConfig", "listEventFromCalendars", "syncToCalendar", "primaryCalendar", "calendars"),
    *("schedule", "query", "filter", "sort", "name", "revision", "timeZone", "owner", "userId", "$eq", "$in", "limit"),
    *("externalId", "extendedFields", "defaultCapacity", "permissions", "fieldName", "order", "idempotencyKey"),
    *("event", "start", "end", "localDate", "recurrenceRule", "days", "until", "fromLocalDate", "recurrenceType"),
    *("events", "eventIds", "fieldmask", "notes", "allDay", "participants", "title", "returnEntity"),
    *("id", "enabled", "providerId", "scheduleId", "email", "password", "redirectUrl", ".r", "cursorPaging"),
]
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from([PROVIDER, CONNECTION, "true", "OWN_PI", "2026-01-01T00:00:00Z", "a@b.c", "http://[", "e30", "\0"]),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
queries = st.lists(st.tuples(st.sampled_from(NAMES), texts), max_size=6)


def send(call: GoodCall, *, query: Any = None, body: Any = None, content: bytes | None = None) -> httpx2.Response:
    async def sent() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=create_api(StandIns().services))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://kalends.test{BASE}") as client:
            return await client.request(
                call.method, call.url, params=query, json=body, content=content, headers={"Authorization": "all"}
            )

    return asyncio.run(sent())


def check(answer: httpx2.Response) -> None:
    assert answer.status_code in {200, 400}, answer.text
    assert isinstance(answer.json(), dict)


@settings(max_examples=60, deadline=None)
@given(call=st.sampled_from([one for one in CALLS if one.method == "GET"]), query=queries)
def test_any_query(call: GoodCall, query: list[tuple[str, str]]) -> None:
    check(send(call, query=query))


@settings(max_examples=60, deadline=None)
@given(call=st.sampled_from([one for one in CALLS if one.method != "GET"]), body=objects)
def test_any_body(call: GoodCall, body: dict[str, Any]) -> None:
    check(send(call, body={**(call.body or {}), **body}))


@settings(max_examples=40, deadline=None)
@given(call=st.sampled_from([one for one in CALLS if one.method != "GET"]), content=st.binary(max_size=60))
def test_any_bytes(call: GoodCall, content: bytes) -> None:
    check(send(call, content=content))
