"""Delta of a calendar's view: rounds, tokens, what is told of a change, and how tokens run out."""

from typing import Any

import pytest

from tests.sandbox.microsoft.stage import IMMUTABLE, JANUARY, OWNER, Json, Stage, all_day, at, starts, timed, weekly

EVENTS = "/me/events"
DELTA = "/me/calendarView/delta"


def removed(rows: list[Json]) -> list[tuple[str, str]]:
    return [(one["id"], one["@removed"]["reason"]) for one in rows if "@removed" in one]


def kinds(rows: list[Json]) -> list[str]:
    return [one.get("type", "removed") for one in rows]


async def test_the_first_round_holds_what_is_there_and_the_next_nothing(stage: Stage) -> None:
    made = await stage.create()
    await stage.create(day=28, start=at("2026-03-01T09:00:00"), end=at("2026-03-01T10:00:00"))
    rows, link = await stage.round()
    assert [one["id"] for one in rows] == [made["id"]]
    assert rows[0]["subject"] == "Meeting"
    assert rows[0]["@odata.type"] == "#microsoft.graph.event"
    rows, again = await stage.round(link)
    assert rows == []
    assert again != link


async def test_occurrences_are_slim_and_their_master_is_whole(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    rows, _ = await stage.round()
    assert kinds(rows) == ["seriesMaster", "occurrence", "occurrence", "occurrence"]
    assert rows[0]["recurrence"]["range"]["numberOfOccurrences"] == 3
    for one in rows[1:]:
        assert set(one) == {"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"}
        assert one["seriesMasterId"] == made["id"]
    view = await stage.view()
    assert [one["id"] for one in rows[1:]] == [one["id"] for one in view]


async def test_changes_are_told_once(stage: Stage) -> None:
    kept, changed, deleted = [await stage.create(day=day) for day in (5, 6, 7)]
    _, link = await stage.round()
    await stage.patch(f"{EVENTS}/{changed['id']}", {"subject": "Changed"})
    await stage.patch(f"{EVENTS}/{changed['id']}", {"subject": "Changed again"})
    await stage.delete(f"{EVENTS}/{deleted['id']}")
    made = await stage.create(day=8)
    rows, following = await stage.round(link)
    assert [(one["id"], one["subject"]) for one in rows if "subject" in one] == [
        (changed["id"], "Changed again"),
        (made["id"], "Meeting"),
    ]
    assert removed(rows) == [(deleted["id"], "deleted")]
    assert kept["id"] not in {one["id"] for one in rows}
    assert (await stage.round(following))[0] == []
    same, _ = await stage.round(link)
    assert same == rows, "a token may be used again"


async def test_a_cancelled_occurrence_is_removed_and_a_changed_one_is_whole(stage: Stage) -> None:
    await stage.post(EVENTS, weekly(3))
    (_, first, second, third), link = await stage.round()
    await stage.delete(f"{EVENTS}/{first['id']}")
    await stage.patch(f"{EVENTS}/{third['id']}", {"subject": "Changed"})
    rows, link = await stage.round(link)
    assert [(one["id"], one["type"], one["subject"]) for one in rows if "type" in one] == [
        (third["id"], "exception", "Changed")
    ]
    assert removed(rows) == [(first["id"], "deleted")]
    assert second["id"] not in {one["id"] for one in rows}


async def test_a_renamed_series_is_told_by_its_master_alone(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    _, link = await stage.round()
    await stage.patch(f"{EVENTS}/{made['id']}", {"subject": "Renamed"})
    assert kinds((await stage.round(link))[0]) == ["seriesMaster"]
    await stage.odd(occurrencesFollow=True)
    assert kinds((await stage.round(link))[0]) == ["seriesMaster", *["occurrence"] * 3]


async def test_a_moved_series_is_told_with_its_occurrences(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    before, link = await stage.round()
    patch = {"start": at("2026-01-06T09:00:00"), "end": at("2026-01-06T10:00:00")}
    recurrence = {**weekly(2)["recurrence"]}
    recurrence = {
        "pattern": {**recurrence["pattern"], "daysOfWeek": ["tuesday"]},
        "range": {**recurrence["range"], "startDate": "2026-01-06"},
    }
    await stage.patch(f"{EVENTS}/{made['id']}", {**patch, "recurrence": recurrence})
    rows, _ = await stage.round(link)
    assert kinds(rows) == ["seriesMaster", "occurrence", "occurrence", "removed", "removed", "removed"]
    assert starts(rows[1:3]) == ["06T08", "13T08"]
    assert {one for one, _ in removed(rows)} == {one["id"] for one in before[1:]}


async def test_what_leaves_the_window_or_lies_outside_comes_as_removed(stage: Stage) -> None:
    inside = await stage.create()
    outside = await stage.create(start=at("2026-03-01T09:00:00"), end=at("2026-03-01T10:00:00"))
    other = await stage.create(start=at("2026-03-02T09:00:00"), end=at("2026-03-02T10:00:00"))
    _, link = await stage.round()
    away = {"start": at("2026-03-01T09:00:00"), "end": at("2026-03-01T10:00:00")}
    await stage.patch(f"{EVENTS}/{inside['id']}", away)
    await stage.patch(f"{EVENTS}/{outside['id']}", {"subject": "Changed"})
    await stage.delete(f"{EVENTS}/{other['id']}")
    expected = [(inside["id"], "deleted"), (outside["id"], "deleted"), (other["id"], "deleted")]
    rows, following = await stage.round(link)
    assert removed(rows) == expected
    await stage.odd(removedReason="changed")
    rows, _ = await stage.round(link)
    assert removed(rows) == [(inside["id"], "changed"), *expected[1:]]
    await stage.patch(
        f"{EVENTS}/{outside['id']}", {"start": at("2026-01-09T09:00:00"), "end": at("2026-01-09T10:00:00")}
    )
    rows, _ = await stage.round(following)
    assert [one["id"] for one in rows] == [outside["id"]]
    assert rows[0]["subject"] == "Changed"


async def test_what_lies_outside_may_come_as_nulls_or_not_at_all(stage: Stage) -> None:
    outside = await stage.create(start=at("2026-03-01T09:00:00"), end=at("2026-03-01T10:00:00"))
    other = await stage.create(start=at("2026-03-02T09:00:00"), end=at("2026-03-02T10:00:00"))
    _, link = await stage.round()
    await stage.patch(f"{EVENTS}/{outside['id']}", {"subject": "Changed"})
    await stage.delete(f"{EVENTS}/{other['id']}")
    await stage.odd(outside="nulls")
    first, second = (await stage.ask("GET", link)).json()["value"]
    assert {name for name, value in first.items() if value is not None} == {"@odata.type", "id"}
    assert (first["id"], first["start"], first["type"]) == (outside["id"], None, None)
    assert removed([second]) == [(other["id"], "deleted")]
    await stage.odd(outside="silent")
    assert (await stage.round(link))[0] == []


async def test_a_round_comes_in_pages_and_is_one_whatever_happens_meanwhile(stage: Stage) -> None:
    made = [await stage.create(day=day) for day in range(5, 10)]
    page = await stage.get(DELTA, **JANUARY, headers={"Prefer": "odata.maxpagesize=2"})
    assert len(page["value"]) == 2
    assert set(page) == {"@odata.context", "value", "@odata.nextLink"}
    await stage.delete(f"{EVENTS}/{made[-1]['id']}")
    rows, link = await stage.round(page["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=2"})
    assert [one["id"] for one in page["value"] + rows] == [one["id"] for one in made]
    rows, _ = await stage.round(link)
    assert removed(rows) == [(made[-1]["id"], "deleted")]


async def test_pages_may_be_short_or_empty(stage: Stage) -> None:
    await stage.odd(mostPerPage=1, emptyPages=2)
    for day in (5, 6):
        await stage.create(day=day)
    page, sizes = await stage.get(DELTA, **JANUARY), []
    while True:
        sizes.append(len(page["value"]))
        if "@odata.nextLink" not in page:
            break
        page = await stage.get(page["@odata.nextLink"])
    assert sizes == [0, 0, 1, 1]


async def test_ids_are_of_the_kind_that_is_preferred(stage: Stage) -> None:
    await stage.post(EVENTS, weekly(1))
    ordinary, _ = await stage.round()
    immutable, link = await stage.round(headers=IMMUTABLE)
    assert not {one["id"] for one in ordinary} & {one["id"] for one in immutable}
    assert immutable[1]["seriesMasterId"] == immutable[0]["id"]
    await stage.delete(f"{EVENTS}/{immutable[1]['id']}")
    rows, _ = await stage.round(link, headers=IMMUTABLE)
    assert {one for one, _ in removed(rows)} >= {immutable[1]["id"]}


@pytest.mark.parametrize("name", ["select_", "filter_", "orderby_", "expand_", "search_", "top_", "skip_"])
async def test_delta_takes_no_parameters_of_odata(stage: Stage, name: str) -> None:
    query: dict[str, Any] = {**JANUARY, name: "id"}
    assert await stage.refused("GET", DELTA, None, **query) == (400, "ErrorInvalidUrlQuery")


async def test_tokens_go_alone_and_are_opaque(stage: Stage) -> None:
    assert await stage.refused("GET", DELTA) == (400, "ErrorInvalidParameter")
    assert await stage.refused("GET", DELTA, None, **JANUARY, foo=1) == (400, "ErrorInvalidUrlQuery")
    _, link = await stage.round()
    assert await stage.refused("GET", f"{link}&startDateTime=2026-01-01T00:00:00Z") == (400, "ErrorInvalidUrlQuery")
    assert await stage.refused("GET", f"{link}x") == (400, "ErrorInvalidUrlQuery")
    team = (await stage.post("/me/calendars", {"name": "Team"}))["id"]
    other = link.replace("/me/calendarView", f"/me/calendars/{team}/calendarView")
    assert await stage.refused("GET", other) == (400, "ErrorInvalidUrlQuery")
    assert await stage.refused("GET", link[:-4] + "abcd") == (410, "SyncStateNotFound")


@pytest.mark.parametrize(
    ("style", "status", "code"),
    [
        ("410", 410, "SyncStateNotFound"),
        ("410-resync", 410, "resyncRequired"),
        ("400", 400, "SyncStateInvalid"),
        ("404", 404, "SyncStateNotFound"),
    ],
)
async def test_tokens_run_out_in_several_ways(stage: Stage, style: str, status: int, code: str) -> None:
    await stage.create()
    _, link = await stage.round()
    await stage.odd(goneStyle=style)
    await stage.press(f"/users/{OWNER.email}/calendars/primary/expireDelta")
    assert await stage.refused("GET", link) == (status, code)
    rows, link = await stage.round()
    assert len(rows) == 1
    assert (await stage.round(link))[0] == []


async def test_a_token_runs_out_on_a_later_page(stage: Stage) -> None:
    _, link = await stage.round()
    for day in range(5, 10):
        await stage.create(day=day)
    await stage.odd(mostPerPage=2, goneOnPage=3)
    page = await stage.get(link)
    page = await stage.get(page["@odata.nextLink"])
    assert await stage.refused("GET", page["@odata.nextLink"]) == (410, "SyncStateNotFound")
    assert len((await stage.round(link))[0]) == 5


async def test_masters_may_come_late_or_not_at_all(stage: Stage) -> None:
    await stage.post(EVENTS, weekly(2))
    await stage.odd(masters="last")
    assert kinds((await stage.round())[0]) == ["occurrence", "occurrence", "seriesMaster"]
    await stage.odd(masters="missing")
    assert kinds((await stage.round())[0]) == ["occurrence", "occurrence"]


async def test_the_window_is_frozen_in_the_token(stage: Stage) -> None:
    _, link = await stage.round()
    stage.advance(days=30)
    made = await stage.create(start=at("2026-02-10T09:00:00"), end=at("2026-02-10T10:00:00"))
    rows, _ = await stage.round(link)
    assert removed(rows) == [(made["id"], "deleted")]


async def test_all_day_events_are_at_midnight_here_too(stage: Stage) -> None:
    await stage.post(EVENTS, all_day(5, zone="Tonga Standard Time"))
    rows, _ = await stage.round(headers={"Prefer": 'outlook.timezone="Hawaiian Standard Time"'})
    assert rows[0]["start"] == {"dateTime": "2026-01-05T00:00:00.0000000", "timeZone": "Hawaiian Standard Time"}


async def test_a_calendar_with_another_id_begins_anew(stage: Stage) -> None:
    team = (await stage.post("/me/calendars", {"name": "Team"}))["id"]
    await stage.post(f"/me/calendars/{team}/events", timed())
    _, link = await stage.round(path=f"/me/calendars/{team}")
    changed = await stage.press(f"/users/{OWNER.email}/calendars/{team}/changeId")
    assert await stage.refused("GET", link) == (404, "ErrorItemNotFound")
    rows, _ = await stage.round(path=f"/me/calendars/{changed['id']}")
    assert len(rows) == 1
