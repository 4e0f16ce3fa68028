"""What is in an answer, and what is not (contract §4, §5)."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from kalends.connections.events import EventPage, ListedEvent
from kalends.connections.views import Failures
from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import ErrorReason, ImportChoice, ImportConfig, Status
from kalends.model.occurrence import Availability
from kalends.model.provider import CalendarType
from tests.api.standins import (
    APP,
    CONNECTION,
    OWNER,
    PROVIDER,
    SCHEDULE,
    StandIns,
    connection,
    in_error,
    view,
)

SPAN = "from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z"
FAILED = Failures((PROVIDER,), (CONNECTION,), (SCHEDULE,))
NAMED = {"failedProviderIds": [PROVIDER], "failedConnectionIds": [CONNECTION], "failedScheduleIds": [SCHEDULE]}
NONE_NAMED: dict[str, list[str]] = {"failedProviderIds": [], "failedConnectionIds": [], "failedScheduleIds": []}

WIRE_CONNECTION = {
    "id": CONNECTION,
    "providerId": PROVIDER,
    "calendarType": "OTHER",
    "scheduleId": SCHEDULE,
    "userId": OWNER,
    "appId": APP,
    "externalAccountEmail": "someone@example.org",
    "status": "SYNCED",
    "syncConfig": {
        "listEventFromCalendars": {
            "enabled": True,
            "calendars": {"calendars": [{"id": "/someone/work/", "name": "Work"}, {"id": "/someone/nameless/"}]},
        },
        "syncToCalendar": {"enabled": False},
    },
}


async def test_providers(client: httpx2.AsyncClient, standins: StandIns) -> None:
    assert (await client.get("/providers")).json() == {
        "providers": [
            {
                "id": PROVIDER,
                "name": "Staff calendars",
                "calendarType": "OTHER",
                "features": {
                    "connectMethods": ["CREDENTIALS"],
                    "updateSyncConfig": True,
                    "listEventFromCalendars": "SPECIFIC_CALENDARS",
                    "syncToCalendar": "NOT_SUPPORTED",
                },
            }
        ]
    }
    standins.providers = ()
    assert (await client.get("/providers")).json() == {"providers": []}


async def test_connections(client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"/connections/{CONNECTION}")).json() == {"connection": WIRE_CONNECTION}
    assert (await client.get("/connections")).json() == {"connections": [WIRE_CONNECTION]}


async def test_what_is_unknown_is_left_out(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.connections = (view(connection(owner_id=None, app_id=None, account_email="")),)
    absent = {"userId", "appId", "externalAccountEmail"}
    expected = {name: value for name, value in WIRE_CONNECTION.items() if name not in absent}
    assert (await client.get("/connections")).json() == {"connections": [expected]}


@pytest.mark.parametrize(
    ("config", "side"),
    [
        (ImportConfig(True, ImportChoice.PRIMARY), {"enabled": True, "primaryCalendar": {}}),
        (ImportConfig(False, ImportChoice.CALENDARS), {"enabled": False, "calendars": {"calendars": []}}),
    ],
)
async def test_exactly_one_arm_of_the_sync_config(
    client: httpx2.AsyncClient, standins: StandIns, config: ImportConfig, side: dict[str, Any]
) -> None:
    standins.connections = (view(connection(import_config=config)),)
    answer = (await client.get(f"/connections/{CONNECTION}")).json()
    assert answer["connection"]["syncConfig"] == {"listEventFromCalendars": side, "syncToCalendar": {"enabled": False}}


@pytest.mark.parametrize("status", Status)
async def test_the_reason_of_an_error_stands_only_beside_the_error(
    client: httpx2.AsyncClient, standins: StandIns, status: Status
) -> None:
    standins.connections = (view(connection(status=status, error_reason=ErrorReason.TOKEN_REVOKED)),)
    one = (await client.get(f"/connections/{CONNECTION}")).json()["connection"]
    assert one["status"] == status.value
    assert one.get("errorReason") == ("TOKEN_REVOKED" if status is Status.ERROR else None)


async def test_an_error_without_a_reason_is_undefined(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.connections = (view(in_error(None)),)
    assert (await client.get("/connections")).json()["connections"][0]["errorReason"] == "UNDEFINED"


async def test_what_failed_is_named_exactly_when_asked_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    listed = {"connections": [WIRE_CONNECTION]}
    assert (await client.get("/connections?partialFailure=false")).json() == listed
    assert (await client.get("/connections?partialFailure=true")).json() == listed | NONE_NAMED
    standins.failures = FAILED
    assert (await client.get("/connections?partialFailure=true")).json() == listed | NAMED


async def test_connecting(client: httpx2.AsyncClient) -> None:
    asked = {"providerId": PROVIDER, "scheduleId": SCHEDULE}
    by_oauth = await client.post("/connections:connectByOAuth", json={**asked, "redirectUrl": "http://localhost/"})
    assert by_oauth.json() == {"oauthUrl": "https://kalends.example/connect/once"}
    credentials = {**asked, "email": "a@example.com", "password": "pässword"}
    by_credentials = await client.post("/connections:connectByCredentials", json=credentials)
    assert by_credentials.json() == {"connection": WIRE_CONNECTION}
    assert "pässword" not in by_credentials.text


async def test_calendars(client: httpx2.AsyncClient, standins: StandIns) -> None:
    answer = await client.get(f"/connections/{CONNECTION}/calendars")
    assert answer.json() == {"calendars": [{"id": "/someone/work/", "name": "Work"}]}
    standins.calendars = ()
    assert (await client.get(f"/connections/{CONNECTION}/calendars")).json() == {"calendars": []}
    standins.calendars = (ExternalCalendar("a", ""),)
    assert (await client.get(f"/connections/{CONNECTION}/calendars")).json() == {"calendars": [{"id": "a"}]}


async def test_disconnecting(client: httpx2.AsyncClient) -> None:
    answer = await client.post(f"/connections/{CONNECTION}/disconnect")
    assert answer.json() == {"connection": WIRE_CONNECTION | {"status": "DISCONNECTED"}}


def event(start: datetime, end: datetime, *, all_day: bool = False, **more: Any) -> ListedEvent:
    return ListedEvent(
        schedule_id=SCHEDULE,
        calendar_type=CalendarType.I_CAL,
        start=start,
        end=end,
        all_day=all_day,
        availability=Availability.BUSY,
        **({"owner_id": OWNER} | more),
    )


BARE = {
    "scheduleId": SCHEDULE,
    "calendarType": "I_CAL",
    "start": "2024-01-01T09:00:00Z",
    "end": "2024-01-01T10:00:00Z",
    "allDay": False,
    "scheduleOwnerId": OWNER,
}
NINE, TEN = datetime(2024, 1, 1, 9, tzinfo=UTC), datetime(2024, 1, 1, 10, tzinfo=UTC)


async def test_events(client: httpx2.AsyncClient, standins: StandIns) -> None:
    named = event(NINE, TEN, calendar_name="Work", title="Dentist", owner_name="Someone")
    standins.page = EventPage((event(NINE, TEN), named), None, None)
    assert (await client.get(f"/events?{SPAN}")).json() == {
        "events": [BARE, BARE | {"calendarName": "Work", "title": "Dentist", "scheduleOwnerName": "Someone"}],
        "pagingMetadata": {"count": 2, "cursors": {}, "hasNext": False},
    }


async def test_an_event_without_owner(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.page = EventPage((event(NINE, TEN, owner_id=None),), None, None)
    (one,) = (await client.get(f"/events?{SPAN}")).json()["events"]
    assert one == {name: value for name, value in BARE.items() if name != "scheduleOwnerId"}


async def test_an_empty_title_is_a_title(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.page = EventPage((event(NINE, TEN, title=""),), None, None)
    assert (await client.get(f"/events?{SPAN}")).json()["events"] == [BARE | {"title": ""}]


async def test_a_page_with_a_next_one(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.page = EventPage((event(NINE, TEN),), "opaque", FAILED)
    assert (await client.get(f"/events?{SPAN}&partialFailure=true")).json() == {
        "events": [BARE],
        "pagingMetadata": {"count": 1, "cursors": {"next": "opaque"}, "hasNext": True},
        **NAMED,
    }


async def test_what_failed_is_named_on_later_pages_too(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.page = EventPage((), None, FAILED)
    answer = (await client.get("/events?cursorPaging.cursor=c")).json()
    assert {name: answer.get(name) for name in NAMED} == NAMED


async def test_a_page_of_nothing(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.page = EventPage((), None, Failures())
    assert (await client.get(f"/events?{SPAN}&partialFailure=true")).json() == {
        "events": [],
        "pagingMetadata": {"count": 0, "cursors": {}, "hasNext": False},
        **NONE_NAMED,
    }


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), "2024-01-01T00:00:00+01:00"),
        (datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")), "2024-07-01T00:00:00+02:00"),
        (datetime(2024, 1, 1, tzinfo=ZoneInfo("Pacific/Marquesas")), "2024-01-01T00:00:00-09:30"),
        (datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/London")), "2024-01-01T00:00:00Z"),
        (datetime(1900, 1, 1, tzinfo=ZoneInfo("Europe/Paris")), "1899-12-31T23:50:39Z"),
        (datetime(2024, 1, 1, 9, 0, 0, 250_000, tzinfo=UTC), "2024-01-01T09:00:00.250000Z"),
        (datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=14))), "2024-01-01T00:00:00+14:00"),
    ],
)
async def test_how_moments_are_written(
    client: httpx2.AsyncClient, standins: StandIns, moment: datetime, written: str
) -> None:
    standins.page = EventPage((event(moment, moment, all_day=True),), None, None)
    (one,) = (await client.get(f"/events?{SPAN}")).json()["events"]
    assert (one["start"], one["allDay"]) == (written, True)
    assert datetime.fromisoformat(written) == moment


async def test_every_answer_stays_out_of_caches(client: httpx2.AsyncClient) -> None:
    for path in ("/providers", "/connections?partialFailure=x", "/nothing"):
        assert (await client.get(path)).headers["cache-control"] == "no-store"
