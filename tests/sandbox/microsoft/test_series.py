"""Series: patterns and ranges, occurrences, exceptions, and what is left of them when the series changes."""

import pytest

from tests.sandbox.microsoft.stage import BERLIN, JANUARY, Json, Stage, all_day, at, recurring, starts, timed, weekly

EVENTS = "/me/events"
YEARS = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2030-12-31T00:00:00Z", "top_": 50}
PREFER = {"Prefer": f'outlook.timezone="{BERLIN}"'}


async def days(stage: Stage, made: Json, **more: object) -> list[str]:
    """Return the days of all occurrences until the end of 2030."""
    page = await stage.get(f"{EVENTS}/{made['id']}/instances", headers=PREFER, **{**YEARS, **more})
    return [one["start"]["dateTime"][:10] for one in page["value"]]


PATTERNS: list[tuple[Json, int, list[str]]] = [
    ({"type": "daily", "interval": 3}, 3, ["2026-01-05", "2026-01-08", "2026-01-11"]),
    (
        {"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "friday"], "firstDayOfWeek": "monday"},
        4,
        ["2026-01-05", "2026-01-09", "2026-01-19", "2026-01-23"],
    ),
    (
        {"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "sunday"], "firstDayOfWeek": "sunday"},
        3,
        ["2026-01-05", "2026-01-18", "2026-01-19"],
    ),
    ({"type": "absoluteMonthly", "dayOfMonth": 5}, 3, ["2026-01-05", "2026-02-05", "2026-03-05"]),
    ({"type": "absoluteMonthly", "dayOfMonth": 31}, 4, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
    ({"type": "absoluteMonthly", "dayOfMonth": 30}, 2, ["2026-01-30", "2026-02-28"]),
    (
        {"type": "relativeMonthly", "daysOfWeek": ["monday"], "index": "first"},
        3,
        ["2026-01-05", "2026-02-02", "2026-03-02"],
    ),
    (
        {"type": "relativeMonthly", "daysOfWeek": ["saturday", "sunday"], "index": "last"},
        3,
        ["2026-01-31", "2026-02-28", "2026-03-29"],
    ),
    ({"type": "absoluteYearly", "dayOfMonth": 29, "month": 2}, 3, ["2026-02-28", "2027-02-28", "2028-02-29"]),
    (
        {"type": "relativeYearly", "daysOfWeek": ["thursday"], "index": "fourth", "month": 11},
        2,
        ["2026-11-26", "2027-11-25"],
    ),
]


@pytest.mark.parametrize(("pattern", "count", "expected"), PATTERNS)
async def test_patterns(stage: Stage, pattern: Json, count: int, expected: list[str]) -> None:
    made = await stage.create(recurrence=recurring(pattern, count=count))
    assert await days(stage, made) == expected
    assert made["recurrence"]["range"]["startDate"] == expected[0], "a series begins with its first occurrence"


async def test_a_recurrence_is_shown_whole(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(4))
    assert (made["type"], made["seriesMasterId"]) == ("seriesMaster", None)
    assert made["recurrence"] == {
        "pattern": {
            "type": "weekly",
            "interval": 1,
            "month": 0,
            "dayOfMonth": 0,
            "daysOfWeek": ["monday"],
            "firstDayOfWeek": "sunday",
            "index": "first",
        },
        "range": {
            "type": "numbered",
            "startDate": "2026-01-05",
            "endDate": "0001-01-01",
            "recurrenceTimeZone": BERLIN,
            "numberOfOccurrences": 4,
        },
    }


async def test_a_range_ends_on_its_day_or_never(stage: Stage) -> None:
    mondays = {"type": "weekly", "daysOfWeek": ["monday"]}
    until = await stage.create(recurrence=recurring(mondays, until="2026-01-19"))
    assert await days(stage, until) == ["2026-01-05", "2026-01-12", "2026-01-19"]
    forever = await stage.create(recurrence=recurring(mondays))
    assert len(await days(stage, forever, top_=1000)) == 261


async def test_recurrences_that_cannot_be_are_refused(stage: Stage) -> None:
    mondays = {"type": "weekly", "daysOfWeek": ["monday"]}
    good = recurring(mondays, count=2)
    wrong: list[tuple[Json, str]] = [
        ({"pattern": good["pattern"]}, "ErrorPropertyValidationFailure"),
        (recurring({"type": "hourly"}), "ErrorPropertyValidationFailure"),
        (recurring({"type": "weekly"}), "ErrorPropertyValidationFailure"),
        (recurring({**mondays, "interval": 0}), "ErrorPropertyValidationFailure"),
        (recurring({**mondays, "daysOfWeek": ["Mon"]}), "ErrorPropertyValidationFailure"),
        (recurring({"type": "absoluteMonthly"}), "ErrorPropertyValidationFailure"),
        (recurring({"type": "absoluteYearly", "dayOfMonth": 5}), "ErrorPropertyValidationFailure"),
        (
            recurring({"type": "relativeMonthly", "daysOfWeek": ["monday"], "index": "fifth"}),
            "ErrorPropertyValidationFailure",
        ),
        (recurring(mondays, count=0), "ErrorPropertyValidationFailure"),
        (recurring(mondays, count=1000), "ErrorPropertyValidationFailure"),
        (recurring(mondays, "2026-01-12"), "ErrorPropertyValidationFailure"),
        (recurring(mondays, until="2025-12-31"), "ErrorPropertyValidationFailure"),
        ({**good, "rule": "FREQ=DAILY"}, "RequestBodyRead"),
        (recurring({**mondays, "byDay": "MO"}), "RequestBodyRead"),
    ]
    for recurrence, code in wrong:
        assert await stage.refused("POST", EVENTS, timed(recurrence=recurrence)) == (400, code), recurrence


async def test_a_pattern_that_never_comes_is_refused(stage: Stage) -> None:
    pattern = {"type": "weekly", "daysOfWeek": ["monday"]}
    recurrence = recurring(pattern, "2026-01-06", until="2026-01-07")
    body = timed(6, recurrence=recurrence)
    assert await stage.refused("POST", EVENTS, body) == (400, "ErrorPropertyValidationFailure")


async def test_occurrences_keep_their_wall_time_across_a_change_of_offset(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(20))
    window = {"startDateTime": "2026-03-22T00:00:00Z", "endDateTime": "2026-04-01T00:00:00Z"}
    page = await stage.get(f"{EVENTS}/{made['id']}/instances", **window)
    assert [one["start"]["dateTime"][:16] for one in page["value"]] == ["2026-03-23T08:00", "2026-03-30T07:00"]
    assert [one["end"]["dateTime"][:16] for one in page["value"]] == ["2026-03-23T09:00", "2026-03-30T08:00"]


async def test_occurrences_have_their_masters_properties_and_ids_of_their_own(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3, showAs="oof"))
    rows = await stage.view()
    assert {(one["type"], one["seriesMasterId"], one["showAs"]) for one in rows} == {("occurrence", made["id"], "oof")}
    assert [one["originalStart"] for one in rows] == [f"2026-01-{day}T08:00:00Z" for day in ("05", "12", "19")]
    assert len({one["id"] for one in rows} | {made["id"]}) == 4
    assert len({one["iCalUId"] for one in rows} | {made["iCalUId"]}) == 4
    assert not any(one["recurrence"] for one in rows)
    read = await stage.get(f"{EVENTS}/{rows[1]['id']}")
    assert {**read, "@odata.context": ""} == {"@odata.context": "", **rows[1]}
    assert [one["id"] for one in (await stage.get(EVENTS))["value"]] == [made["id"]], "the list holds masters"


async def test_a_changed_occurrence_is_an_exception_with_the_same_id(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    second = (await stage.view())[1]
    patch = {"subject": "Moved", "start": at("2026-01-13T15:00:00"), "end": at("2026-01-13T16:00:00")}
    changed = await stage.patch(f"{EVENTS}/{second['id']}", patch)
    assert (changed["id"], changed["type"], changed["subject"]) == (second["id"], "exception", "Moved")
    assert changed["originalStart"] == second["originalStart"]
    rows = await stage.view()
    assert starts(rows) == ["05T08", "13T14", "19T08"]
    assert [one["type"] for one in rows] == ["occurrence", "exception", "occurrence"]
    again = await stage.patch(f"{EVENTS}/{second['id']}", {"showAs": "free"})
    assert (again["subject"], again["showAs"]) == ("Moved", "free")
    master = await stage.get(f"{EVENTS}/{made['id']}")
    assert (master["subject"], master["@odata.etag"]) == ("Meeting", made["@odata.etag"])


async def test_a_deleted_occurrence_is_gone_and_the_series_stays(stage: Stage) -> None:
    await stage.post(EVENTS, weekly(3))
    first, second, third = await stage.view()
    await stage.patch(f"{EVENTS}/{third['id']}", {"subject": "Changed"})
    for one in (second, third):
        await stage.delete(f"{EVENTS}/{one['id']}")
        assert await stage.refused("GET", f"{EVENTS}/{one['id']}") == (404, "ErrorItemNotFound")
    assert [one["id"] for one in await stage.view()] == [first["id"]]


async def test_an_occurrence_cannot_pass_its_neighbours(stage: Stage) -> None:
    await stage.post(EVENTS, weekly(3))
    _, second, _ = await stage.view()
    for day, hour in ((5, 12), (19, 9), (19, 12), (28, 9), (4, 9)):
        body = {name: timed(day, hour)[name] for name in ("start", "end")}
        refused = await stage.refused("PATCH", f"{EVENTS}/{second['id']}", body)
        assert refused == (400, "ErrorOccurrenceCrossingBoundary"), (day, hour)
    first, _, _ = await stage.view()
    await stage.patch(f"{EVENTS}/{first['id']}", {"end": at("2026-01-06T12:00:00")})
    overlapping = [
        {"start": at("2026-01-06T09:00:00"), "end": at("2026-01-06T13:00:00")},
        {"start": at("2026-01-18T20:00:00"), "end": at("2026-01-19T12:00:00")},
    ]
    for body in overlapping:
        refused = await stage.refused("PATCH", f"{EVENTS}/{second['id']}", body)
        assert refused == (400, "ErrorOccurrenceCrossingBoundary"), body
    wrong = await stage.refused("PATCH", f"{EVENTS}/{second['id']}", {"recurrence": weekly()["recurrence"]})
    assert wrong == (400, "ErrorPropertyValidationFailure")
    assert starts(await stage.view()) == ["05T08", "12T08", "19T08"]


@pytest.mark.parametrize(
    "patch",
    [
        {"start": at("2026-01-05T10:00:00"), "end": at("2026-01-05T11:00:00")},
        {"start": at("2026-01-06T09:00:00"), "end": at("2026-01-06T10:00:00")},
        {"recurrence": recurring({"type": "weekly", "daysOfWeek": ["monday"]}, count=4)},
    ],
)
async def test_a_series_with_another_rule_or_start_drops_its_exceptions(stage: Stage, patch: Json) -> None:
    made = await stage.post(EVENTS, weekly(3))
    _, second, third = await stage.view()
    await stage.patch(f"{EVENTS}/{second['id']}", {"subject": "Changed"})
    await stage.delete(f"{EVENTS}/{third['id']}")
    await stage.patch(f"{EVENTS}/{made['id']}", patch)
    rows = await stage.view()
    assert {one["type"] for one in rows} == {"occurrence"}
    assert {one["subject"] for one in rows} == {"Meeting"}
    assert len(rows) >= 3


async def test_a_series_with_another_subject_keeps_its_exceptions(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    _, second, third = await stage.view()
    await stage.patch(f"{EVENTS}/{second['id']}", {"subject": "Changed"})
    await stage.delete(f"{EVENTS}/{third['id']}")
    await stage.patch(f"{EVENTS}/{made['id']}", {"subject": "Renamed"})
    assert [one["subject"] for one in await stage.view()] == ["Renamed", "Changed"]


async def test_a_series_becomes_a_single_event_and_back(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    single = await stage.patch(f"{EVENTS}/{made['id']}", {"recurrence": None})
    assert (single["type"], single["recurrence"]) == ("singleInstance", None)
    assert starts(await stage.view()) == ["05T08"]
    again = await stage.patch(f"{EVENTS}/{made['id']}", {"recurrence": weekly(2)["recurrence"]})
    assert again["type"] == "seriesMaster"
    assert starts(await stage.view()) == ["05T08", "12T08"]


async def test_an_all_day_series_has_days(stage: Stage) -> None:
    recurrence = recurring({"type": "daily", "interval": 2}, count=3)
    await stage.post(EVENTS, all_day(5, zone="Tonga Standard Time", recurrence=recurrence))
    rows = await stage.view(headers={"Prefer": 'outlook.timezone="Hawaiian Standard Time"'})
    assert [(one["start"]["dateTime"][:16], one["end"]["dateTime"][:16]) for one in rows] == [
        (f"2026-01-{day:02}T00:00", f"2026-01-{day + 1:02}T00:00") for day in (5, 7, 9)
    ]


async def test_days_are_days_when_the_clocks_change(stage: Stage) -> None:
    start, end = at("2026-03-28T00:00:00"), at("2026-03-29T00:00:00")
    series = recurring({"type": "daily"}, "2026-03-28", count=3)
    made = await stage.post(EVENTS, {"isAllDay": True, "start": start, "end": end, "recurrence": series})
    page = await stage.get(f"{EVENTS}/{made['id']}/instances", **YEARS)
    assert [one["end"]["dateTime"][:16] for one in page["value"]] == [
        "2026-03-29T00:00",
        "2026-03-30T00:00",
        "2026-03-31T00:00",
    ]


async def test_only_masters_have_instances(stage: Stage) -> None:
    single = await stage.create()
    path = f"{EVENTS}/{single['id']}/instances"
    assert await stage.refused("GET", path, None, **JANUARY) == (400, "ErrorInvalidRequest")
    assert await stage.refused("GET", path) == (400, "ErrorInvalidParameter")


async def test_a_daily_series_of_long_ago_can_be_expanded(stage: Stage) -> None:
    start = {"dateTime": "1900-01-01T09:00:00", "timeZone": "UTC"}
    await stage.post(EVENTS, {"start": start, "end": start, "recurrence": recurring({"type": "daily"}, "1900-01-01")})
    assert len(await stage.view()) == 31
