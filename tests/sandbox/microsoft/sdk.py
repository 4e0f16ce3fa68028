"""Microsoft's own Python client works with the sandbox over HTTP.

`make test-msgraph` runs this in an environment of its own, which has the client and nothing of Kalends; the sandbox and
a person's access token come from `scripts/msgraph_sdk.py`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from kiota_abstractions.authentication import AuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.calendar import Calendar
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.day_of_week import DayOfWeek
from msgraph.generated.models.event import Event
from msgraph.generated.models.event_type import EventType
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
from msgraph.generated.models.recurrence_pattern import RecurrencePattern
from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
from msgraph.generated.models.recurrence_range import RecurrenceRange
from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.users.item.calendars.item.calendar_view.calendar_view_request_builder import (
    CalendarViewRequestBuilder,
)
from msgraph.generated.users.item.calendars.item.calendar_view.delta.delta_request_builder import DeltaRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

URL = os.environ["KALENDS_TEST_MSGRAPH_URL"]
TOKEN = os.environ["KALENDS_TEST_MSGRAPH_TOKEN"]
IMMUTABLE = 'IdType="ImmutableId"'
JANUARY = {"start_date_time": "2027-01-01T00:00:00Z", "end_date_time": "2027-02-01T00:00:00Z"}


class Bearer(AuthenticationProvider):  # type: ignore[misc] # it is of another environment, and has no types here
    """Says who asks; the client's own would insist on https."""

    async def authenticate_request(
        self, request: RequestInformation, additional_authentication_context: dict[str, Any] | None = None
    ) -> None:
        del additional_authentication_context
        request.headers.try_add("Authorization", f"Bearer {TOKEN}")


@pytest.fixture
async def graph() -> AsyncIterator[GraphServiceClient]:
    adapter = GraphRequestAdapter(Bearer())
    adapter.base_url = f"{URL}/v1.0"
    yield GraphServiceClient(request_adapter=adapter)
    await press("/faults", verb="DELETE")


@pytest.fixture
async def calendar(graph: GraphServiceClient) -> AsyncIterator[Any]:
    """Make a calendar; give the part of the client that is about it."""
    made = await graph.me.calendars.post(Calendar(name=f"Team {os.urandom(4).hex()}"))
    builder = graph.me.calendars.by_calendar_id(made.id)
    yield builder
    await builder.delete()


async def press(path: str, body: Any = None, verb: str = "POST") -> None:
    """Press a switch of the sandbox."""
    async with httpx.AsyncClient(trust_env=False) as http:
        (await http.request(verb, f"{URL}/_sandbox{path}", json=body)).raise_for_status()


def at(day: int, hour: int) -> DateTimeTimeZone:
    return DateTimeTimeZone(date_time=f"2027-01-{day:02}T{hour:02}:00:00", time_zone="W. Europe Standard Time")


def event(day: int = 5, **fields: Any) -> Event:
    return Event(**{"subject": "Meeting", "start": at(day, 9), "end": at(day, 10), **fields})


def weekly() -> Event:
    pattern = RecurrencePattern(type=RecurrencePatternType.Weekly, interval=1, days_of_week=[DayOfWeek.Monday])
    extent = RecurrenceRange(
        type=RecurrenceRangeType.Numbered, start_date=datetime(2027, 1, 4, tzinfo=UTC).date(), number_of_occurrences=4
    )
    return event(4, subject="Class", recurrence=PatternedRecurrence(pattern=pattern, range=extent))


def preferring(*preferences: str, query: Any = None) -> RequestConfiguration[Any]:
    configuration: RequestConfiguration[Any] = RequestConfiguration(query_parameters=query)
    for one in (IMMUTABLE, *preferences):
        configuration.headers.add("Prefer", one)
    return configuration


async def refused(asking: Awaitable[object]) -> tuple[int | None, str | None]:
    """Return status and code of a refusal, as the client shows them."""
    with pytest.raises(ODataError) as caught:
        await asking
    assert caught.value.error is not None
    assert caught.value.error.message
    return caught.value.response_status_code, caught.value.error.code


async def round_of(calendar: Any, link: str | None = None, size: int = 50) -> tuple[list[Event], str]:
    """Go through a round of delta by the client's links; return what it names, and the link of the next."""
    delta = calendar.calendar_view.delta
    query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(**JANUARY)
    preference = f"odata.maxpagesize={size}"
    if link is None:
        page = await delta.get(preferring(preference, query=query))
    else:
        page = await delta.with_url(link).get(preferring(preference))
    found = [*page.value]
    while page.odata_next_link:
        page = await delta.with_url(page.odata_next_link).get(preferring(preference))
        found += page.value
    assert page.odata_delta_link
    return found, page.odata_delta_link


async def test_the_profile(graph: GraphServiceClient) -> None:
    me = await graph.me.get()
    assert me.user_principal_name == me.mail == "manager@contoso.example"


async def test_calendars_are_listed_made_renamed_and_deleted(graph: GraphServiceClient) -> None:
    made = await graph.me.calendars.post(Calendar(name="Ours"))
    assert (made.name, made.can_edit, made.is_default_calendar) == ("Ours", True, False)
    assert made.owner.address == "manager@contoso.example"
    named = await graph.me.calendars.by_calendar_id(made.id).patch(Calendar(name="Theirs"))
    listed = (await graph.me.calendars.get()).value
    assert [one.name for one in listed if one.id == made.id] == ["Theirs"] == [named.name]
    assert (await graph.me.calendar.get()).id == next(one.id for one in listed if one.is_default_calendar)
    await graph.me.calendars.by_calendar_id(made.id).delete()
    assert await refused(graph.me.calendars.by_calendar_id(made.id).get()) == (404, "ErrorItemNotFound")


async def test_events_are_made_changed_and_deleted(graph: GraphServiceClient, calendar: Any) -> None:
    made = await calendar.events.post(event(show_as=FreeBusyStatus.Oof), preferring())
    assert (made.subject, made.type, made.show_as) == ("Meeting", EventType.SingleInstance, FreeBusyStatus.Oof)
    assert isinstance(made.last_modified_date_time, datetime)
    one = graph.me.events.by_event_id(made.id)
    changed = await one.patch(Event(subject="Renamed", start=at(6, 9), end=at(6, 11)), preferring())
    assert (changed.id, changed.change_key == made.change_key) == (made.id, False)
    shown = await one.get(preferring('outlook.timezone="UTC"'))
    assert (shown.subject, shown.start.date_time, shown.start.time_zone) == (
        "Renamed",
        "2027-01-06T08:00:00.0000000",
        "UTC",
    )
    await one.delete()
    assert await refused(one.get()) == (404, "ErrorItemNotFound")


async def test_a_view_expands_a_series_and_shows_its_exception(graph: GraphServiceClient, calendar: Any) -> None:
    master = await calendar.events.post(weekly(), preferring())
    assert master.type is EventType.SeriesMaster
    assert master.recurrence.range.number_of_occurrences == 4
    query = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters(
        **JANUARY, orderby=["start/dateTime"], top=50
    )
    asked = preferring('outlook.timezone="UTC"', query=query)
    occurrences = (await calendar.calendar_view.get(asked)).value
    assert [one.start.date_time[:13] for one in occurrences] == [
        f"2027-01-{day}T08" for day in ("04", "11", "18", "25")
    ]
    await graph.me.events.by_event_id(occurrences[1].id).patch(
        Event(subject="Special", start=at(12, 9), end=at(12, 10))
    )
    shown = (await calendar.calendar_view.get(asked)).value
    assert [(one.type, one.subject) for one in shown[:2]] == [
        (EventType.Occurrence, "Class"),
        (EventType.Exception, "Special"),
    ]
    assert {one.series_master_id for one in shown} == {master.id}


async def test_delta_pages_lead_to_a_link_and_that_to_what_has_changed(
    graph: GraphServiceClient, calendar: Any
) -> None:
    made = [await calendar.events.post(event(day), preferring()) for day in range(5, 10)]
    found, link = await round_of(calendar, size=2)
    assert {one.id for one in found} == {one.id for one in made}
    await graph.me.events.by_event_id(made[0].id).patch(Event(subject="Renamed"))
    await graph.me.events.by_event_id(made[1].id).delete()
    found, link = await round_of(calendar, link)
    by_id = {one.id: one for one in found}
    assert by_id[made[0].id].subject == "Renamed"
    assert by_id[made[1].id].additional_data["@removed"] == {"reason": "deleted"}
    assert len(found) == 2
    assert (await round_of(calendar, link))[0] == []


async def test_delta_shows_masters_whole_and_occurrences_slim(calendar: Any) -> None:
    master = await calendar.events.post(weekly(), preferring())
    found, _ = await round_of(calendar)
    whole = [one for one in found if one.type is EventType.SeriesMaster]
    slim = [one for one in found if one.type is EventType.Occurrence]
    assert ([one.subject for one in whole], len(slim)) == (["Class"], 4)
    assert {(one.subject, one.series_master_id) for one in slim} == {(None, master.id)}


async def test_a_delta_link_that_has_run_out_is_an_error_of_odata(calendar: Any) -> None:
    _, link = await round_of(calendar)
    calendar_id = (await calendar.get()).id
    await press(f"/users/manager@contoso.example/calendars/{calendar_id}/expireDelta")
    assert await refused(round_of(calendar, link)) == (410, "SyncStateNotFound")


class Told(BaseHTTPRequestHandler):
    """Answers with the token by which Graph proves an address, and keeps what it is told."""

    bodies: Queue[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = parse_qs(urlsplit(self.path).query).get("validationToken")
        if token is None:
            self.bodies.put(body)
        self.send_response(200 if token else 202)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(token[0].encode() if token else b"")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def receiver() -> Any:
    """Serve an address for notifications; give it, and what comes."""
    Told.bodies = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", Told.bodies
    server.shutdown()
    thread.join()
    server.server_close()


async def test_subscriptions_are_proven_told_renewed_and_ended(
    graph: GraphServiceClient, calendar: Any, receiver: tuple[str, Queue[bytes]]
) -> None:
    address, told = receiver
    calendar_id = (await calendar.get()).id
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    made = await graph.subscriptions.post(
        Subscription(
            change_type="created,updated,deleted",
            notification_url=address,
            lifecycle_notification_url=address,
            resource=f"/me/calendars/{calendar_id}/events",
            expiration_date_time=ends,
            client_state="kept",
        )
    )
    assert made.expiration_date_time == ends
    await calendar.events.post(event())
    assert b'"clientState":"kept"' in (await asyncio.to_thread(told.get, timeout=20)).replace(b": ", b":")
    one = graph.subscriptions.by_subscription_id(made.id)
    renewed = await one.patch(Subscription(expiration_date_time=ends + timedelta(days=1)))
    assert renewed.expiration_date_time == ends + timedelta(days=1)
    assert made.id in {each.id for each in (await graph.subscriptions.get()).value}
    await one.delete()
    assert (await refused(one.get()))[0] == 404


async def test_an_address_that_does_not_prove_itself_is_refused(graph: GraphServiceClient, calendar: Any) -> None:
    subscription = Subscription(
        change_type="created",
        notification_url=f"{URL}/nobody-here",
        resource=f"/me/calendars/{(await calendar.get()).id}/events",
        expiration_date_time=datetime.now(UTC) + timedelta(hours=1),
    )
    assert await refused(graph.subscriptions.post(subscription)) == (400, "ValidationError")


async def test_a_batch_answers_each_of_its_requests(graph: GraphServiceClient, calendar: Any) -> None:
    made = await calendar.events.post(event(), preferring())
    one = graph.me.events.by_event_id(made.id)
    asked = {
        "there": one.to_get_request_information(),
        "nowhere": graph.me.events.by_event_id("AAMkNowhere").to_get_request_information(),
        "another": calendar.events.to_post_request_information(event(subject="Another")),
        "gone": one.to_delete_request_information(),
    }
    items = {name: BatchRequestItem(request, name) for name, request in asked.items()}
    for item in items.values():
        # the client writes whole addresses, and a batch takes what comes after the version
        item.url = item.url.removeprefix(f"{URL}/v1.0")
    answered = await graph.batch.post(BatchRequestContent(items))
    assert answered.get_response_status_codes() == {"there": 200, "nowhere": 400, "another": 201, "gone": 204}
    # the client loses what an answer says, where that is no text
    assert [each.subject for each in (await calendar.events.get()).value] == ["Another"]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda graph: graph.me.events.post(Event(subject="Nowhere")), 400),
        (lambda graph: graph.me.events.by_event_id("AAMkNowhere").get(), 400),
        (lambda graph: graph.users.by_user_id("trainer@contoso.example").calendar.events.get(), 403),
    ],
    ids=["no times", "no id", "not theirs"],
)
async def test_refusals_are_errors_with_a_code(
    graph: GraphServiceClient, ask: Callable[[GraphServiceClient], Awaitable[object]], expected: int
) -> None:
    status, code = await refused(ask(graph))
    assert (status, bool(code)) == (expected, True)


async def test_an_unknown_token_is_an_error_with_a_code(graph: GraphServiceClient) -> None:
    configuration: RequestConfiguration[Any] = RequestConfiguration()
    configuration.headers.add("Authorization", "Bearer nobody")
    assert await refused(graph.me.calendars.get(configuration)) == (401, "InvalidAuthenticationToken")


async def test_being_throttled_is_waited_for_by_the_client_itself(graph: GraphServiceClient) -> None:
    await press(
        "/faults", {"path": "/me/calendars", "status": 429, "reason": "ApplicationThrottled", "retryAfter": "1"}
    )
    assert (await graph.me.calendars.get()).value


async def test_trouble_is_an_error_of_odata(graph: GraphServiceClient) -> None:
    await press("/faults", {"path": "/me/calendars", "status": 500, "reason": "ErrorInternalServerError", "times": 9})
    assert await refused(graph.me.calendars.get()) == (500, "ErrorInternalServerError")
