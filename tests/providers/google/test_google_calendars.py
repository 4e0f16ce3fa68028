"""The list of calendars: which there are, whose they are, what may be done with them."""

import asyncio
from typing import Any

import pytest

from kalends.model.calendar import ExternalCalendar
from kalends.providers.errors import CredentialsRefused, NotSupported, ProviderError, Unavailable
from kalends.providers.google.calendars import list_calendars
from kalends.providers.google.client import CalendarApi
from tests.net.loopback import Asked, serve
from tests.providers.contract import CountingClient
from tests.providers.google.scripted import ME, Tokens, refusal, said
from tests.servers import LOOPBACK

MINE = {"id": ME, "summary": "Ada", "primary": True, "accessRole": "owner", "timeZone": "Europe/Berlin"}


async def listed(*answers: bytes) -> tuple[list[ExternalCalendar], list[str]]:
    """Return the calendars, and what was asked for."""
    left = list(answers)

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    async with serve(answer) as server, CountingClient(LOOPBACK) as client:
        calendars = await list_calendars(CalendarApi(client, Tokens(), f"http://{server.place}/calendar/v3"))
    return calendars, [asked.target for asked in server.asked]


async def only(**entry: Any) -> ExternalCalendar:
    """Return what is made of an entry beside the primary calendar's."""
    calendars, _ = await listed(said(items=[MINE, {"id": "x@group.calendar.google.com", **entry}]))
    return calendars[1]


async def test_the_list_is_asked_for_whole_and_hidden_calendars_are_among_it() -> None:
    first, second = said(items=[MINE], nextPageToken="p 2"), said(items=[{"id": "b"}])
    calendars, asked = await listed(first, said(items=[], nextPageToken="p3"), second)
    assert [calendar.id for calendar in calendars] == [ME, "b"]
    query = (
        "/calendar/v3/users/me/calendarList?showHidden=true&maxResults=250&fields=nextPageToken%2Citems%28id%2Csummary"
        "%2CsummaryOverride%2Cprimary%2Cdeleted%2CaccessRole%2CdataOwner%2CbackgroundColor%2CtimeZone%29"
    )
    assert asked == [query, f"{query}&pageToken=p%202", f"{query}&pageToken=p3"]


async def test_what_is_known_of_a_calendar() -> None:
    calendars, _ = await listed(said(items=[{**MINE, "backgroundColor": "#9FE1E7"}]))
    assert calendars == [
        ExternalCalendar(ME, "Ada", primary=True, color="#9fe1e7", time_zone="Europe/Berlin", own=True, writable=True)
    ]


async def test_the_name_is_the_persons_own_where_there_is_one() -> None:
    assert (await only(summary="Team", summaryOverride="My team")).name == "My team"
    assert (await only(summary="Team", summaryOverride="")).name == "Team"
    assert (await only()).name == "x@group.calendar.google.com"
    assert len((await only(summary="x" * 500)).name) == 200


@pytest.mark.parametrize(
    ("role", "writable"),
    [
        ("owner", True),
        ("writer", True),
        ("writerWithoutPrivateAccess", True),
        ("reader", False),
        ("freeBusyReader", False),
        ("yet another", False),
    ],
)
async def test_who_may_write(role: str, writable: bool) -> None:
    assert (await only(accessRole=role)).writable is writable


@pytest.mark.parametrize(
    ("key", "more", "own"),
    [
        ("x@group.calendar.google.com", {}, True),
        ("x@group.calendar.google.com", {"dataOwner": ME}, True),
        ("x@group.calendar.google.com", {"dataOwner": "bob@example.org"}, False),
        ("x@group.calendar.google.com", {"accessRole": "writer"}, False),
        ("bob@example.org", {}, False),
        ("room@resource.calendar.google.com", {}, False),
        ("x@import.calendar.google.com", {}, False),
        ("de.german#holiday@group.v.calendar.google.com", {"accessRole": "reader"}, False),
    ],
)
async def test_whose_a_calendar_is(key: str, more: dict[str, Any], own: bool) -> None:
    assert (await only(**{"id": key, "accessRole": "owner", **more})).own is own


async def test_a_calendar_that_shows_only_free_and_busy_is_listed() -> None:
    assert (await only(accessRole="freeBusyReader", summary="Bob")).name == "Bob"


async def test_odd_values_are_left_out_and_deleted_calendars_too() -> None:
    odd = await only(summary=7, backgroundColor="red", timeZone="Mars/Olympus", accessRole=None)
    assert (odd.color, odd.time_zone, odd.writable) == (None, None, False)
    calendars, _ = await listed(said(items=[MINE, {"id": "gone", "deleted": True}]))
    assert [calendar.id for calendar in calendars] == [ME]
    assert (await listed(said(kind="calendar#calendarList")))[0] == []


@pytest.mark.parametrize(
    "answers",
    [
        (said(items={}),),
        (said(items=[{}]),),
        (said(items=["x"]),),
        (said(items=[], nextPageToken=7),),
        (said(items=[MINE], nextPageToken="same"),),
        (said(items=[MINE], nextPageToken="p"), refusal(404, "notFound")),
        (said(items=[MINE], nextPageToken="p"), refusal(400, "invalid", location="pageToken")),
        (refusal(500, "backendError"),),
    ],
)
async def test_an_account_is_listed_entirely_or_not_at_all(answers: tuple[bytes, ...]) -> None:
    with pytest.raises(Unavailable):
        await listed(*answers)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(401, "authError"), CredentialsRefused),
        (refusal(403, "insufficientPermissions"), CredentialsRefused),
        (refusal(403, "accessNotConfigured"), NotSupported),
    ],
)
async def test_refusals_are_the_accounts(answer: bytes, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        await listed(answer)
