"""The view of a calendar: what takes place in a span."""

from tests.sandbox.microsoft.stage import JANUARY, Stage, all_day, starts, timed, weekly

VIEW = "/me/calendarView"


async def test_a_view_needs_a_span(stage: Stage) -> None:
    wrong = [
        {},
        {"startDateTime": "2026-01-01T00:00:00Z"},
        {"startDateTime": "2026-02-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"},
    ]
    for query in wrong:
        assert await stage.refused("GET", VIEW, None, **query) == (400, "ErrorInvalidParameter")
    nonsense = {**JANUARY, "endDateTime": "tomorrow"}
    assert await stage.refused("GET", VIEW, None, **nonsense) == (400, "ErrorInvalidUrlQuery")
    long = {**JANUARY, "endDateTime": "2032-01-01T00:00:00Z"}
    assert await stage.refused("GET", VIEW, None, **long) == (400, "ErrorCalendarViewRangeTooBig")


async def test_a_view_holds_what_lies_in_it_if_only_in_part(stage: Stage) -> None:
    for hour in (8, 9, 10, 11, 12):
        await stage.create(hour=hour, zone="UTC")
    span = {"startDateTime": "2026-01-05T10:30:00+01:00", "endDateTime": "2026-01-05T11:00:00"}
    assert starts((await stage.get(VIEW, **span))["value"]) == ["05T09", "05T10"]


async def test_the_names_of_the_span_may_be_in_small_letters(stage: Stage) -> None:
    await stage.create()
    page = await stage.get(VIEW, startdatetime="2026-01-01T00:00:00Z", enddatetime="2026-02-01T00:00:00Z")
    assert len(page["value"]) == 1


async def test_a_view_is_in_order_and_comes_in_pages(stage: Stage) -> None:
    await stage.post("/me/events", weekly(4))
    await stage.create(day=13)
    await stage.post("/me/events", all_day(7))
    page = await stage.get(VIEW, **JANUARY, top_=2, select_="start,type")
    assert starts(page["value"]) == ["05T08", "07T00"]
    rows = await stage.view(top_=2)
    assert starts(rows) == ["05T08", "07T00", "12T08", "13T08", "19T08", "26T08"]
    assert "seriesMaster" not in {one["type"] for one in rows}


async def test_a_view_is_of_one_calendar(stage: Stage) -> None:
    team = (await stage.post("/me/calendars", {"name": "Team"}))["id"]
    await stage.post(f"/me/calendars/{team}/events", timed())
    assert await stage.view() == []
    assert len(await stage.view(f"/me/calendars/{team}")) == 1
    assert len(await stage.view("/me/calendar")) == 0


async def test_an_all_day_event_lies_between_the_midnights_of_its_own_zone(stage: Stage) -> None:
    await stage.post("/me/events", all_day(5, zone="Tonga Standard Time"))
    before = {"startDateTime": "2026-01-04T11:30:00Z", "endDateTime": "2026-01-04T12:00:00Z"}
    after = {"startDateTime": "2026-01-05T11:00:00Z", "endDateTime": "2026-01-05T23:00:00Z"}
    assert len((await stage.get(VIEW, **before))["value"]) == 1
    assert (await stage.get(VIEW, **after))["value"] == []
