"""Series, their instances, and exceptions."""

from tests.sandbox.google.stage import EVENTS, Stage, all_day, timed, weekly


async def test_a_series_is_one_event_or_its_instances(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    assert await stage.ids() == [made["id"]]
    shown, _ = await stage.all(singleEvents=True)
    assert [one["id"] for one in shown] == [f"{made['id']}_202601{day}T080000Z" for day in ("05", "12", "19")]
    assert {one["recurringEventId"] for one in shown} == {made["id"]}
    assert {one["iCalUID"] for one in shown} == {made["iCalUID"]}
    assert not any("recurrence" in one for one in shown)
    assert shown[1]["originalStartTime"] == shown[1]["start"]
    assert shown[1]["start"]["dateTime"] == "2026-01-12T09:00:00+01:00"


async def test_instances_keep_their_wall_time_across_a_change_of_offset(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(20))
    shown, _ = await stage.all(f"{EVENTS}/{made['id']}/instances", timeMin="2026-03-22T00:00:00Z")
    assert [one["start"]["dateTime"] for one in shown[:2]] == ["2026-03-23T09:00:00+01:00", "2026-03-30T09:00:00+02:00"]
    assert shown[1]["id"].endswith("_20260330T070000Z")


async def test_an_all_day_series_has_dates_in_its_instances_ids(stage: Stage) -> None:
    made = await stage.post(EVENTS, all_day(recurrence=["RRULE:FREQ=DAILY;COUNT=2"]))
    shown, _ = await stage.all(singleEvents=True)
    assert [one["id"] for one in shown] == [f"{made['id']}_20260105", f"{made['id']}_20260106"]
    assert shown[0]["originalStartTime"] == {"date": "2026-01-05"}


async def test_a_timed_series_needs_a_time_zone(stage: Stage) -> None:
    start, end = {"dateTime": "2026-01-05T09:00:00Z"}, {"dateTime": "2026-01-05T10:00:00Z"}
    body = {"start": start, "end": end, "recurrence": ["RRULE:FREQ=DAILY"]}
    assert await stage.refused("POST", EVENTS, body) == (400, "required")


async def test_dates_are_added_and_left_out(stage: Stage) -> None:
    lines = ["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;TZID=Europe/Berlin:20260112T090000", "RDATE:20260114T100000Z"]
    await stage.post(EVENTS, timed(recurrence=lines))
    shown, _ = await stage.all(singleEvents=True, orderBy="startTime")
    assert [one["start"]["dateTime"][8:13] for one in shown] == ["05T09", "14T11", "19T09"]


async def test_a_moved_instance_is_an_exception_that_keeps_its_original_start(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    second = f"{made['id']}_20260112T080000Z"
    moved = await stage.patch(f"{EVENTS}/{second}", timed(13, 15))
    assert moved["id"] == second
    assert moved["originalStartTime"]["dateTime"] == "2026-01-12T09:00:00+01:00"
    assert moved["start"]["dateTime"] == "2026-01-13T15:00:00+01:00"
    assert await stage.ids() == [made["id"], second]
    shown, _ = await stage.all(singleEvents=True, orderBy="startTime")
    assert [one["start"]["dateTime"][8:13] for one in shown] == ["05T09", "13T15", "19T09"]
    again = await stage.patch(f"{EVENTS}/{second}", timed(14, 15))
    assert again["originalStartTime"] == moved["originalStartTime"]


async def test_an_exception_moved_out_of_its_series_span_is_found_where_it_is(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(2))
    second = f"{made['id']}_20260112T080000Z"
    await stage.patch(f"{EVENTS}/{second}", timed(28))
    late = {"timeMin": "2026-01-25T00:00:00Z", "timeMax": "2026-01-31T00:00:00Z"}
    assert await stage.ids(singleEvents=True, **late) == [second]
    assert await stage.ids(**late) == [second]
    before = {"timeMin": "2026-01-11T00:00:00Z", "timeMax": "2026-01-13T00:00:00Z"}
    assert await stage.ids(singleEvents=True, **before) == []
    assert second in await stage.ids(**before), "else the series would seem to take place there"


async def test_a_cancelled_instance_stays_a_cancelled_exception(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    second = f"{made['id']}_20260112T080000Z"
    await stage.delete(f"{EVENTS}/{second}")
    assert await stage.refused("DELETE", f"{EVENTS}/{second}") == (410, "deleted")
    whole, _ = await stage.all()
    assert [(one["id"], one["status"]) for one in whole] == [(made["id"], "confirmed"), (second, "cancelled")]
    assert whole[1]["originalStartTime"]["dateTime"] == "2026-01-12T09:00:00+01:00"
    assert len(await stage.ids(singleEvents=True)) == 2
    assert len(await stage.ids(singleEvents=True, showDeleted=True)) == 3


async def test_an_instance_that_the_rule_does_not_make_is_not_found(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(2))
    for point in ("20260106T080000Z", "20260105", "20260105T080001Z", "99990101T000000Z", "00010101T000000Z"):
        assert await stage.refused("GET", f"{EVENTS}/{made['id']}_{point}") == (404, "notFound")


async def test_an_untouched_instance_can_be_got(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(2))
    got = await stage.get(f"{EVENTS}/{made['id']}_20260112T080000Z")
    assert (got["summary"], got["recurringEventId"]) == ("Meeting", made["id"])


async def test_deleting_a_series_takes_its_exceptions_with_it(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    second = f"{made['id']}_20260112T080000Z"
    await stage.patch(f"{EVENTS}/{second}", {"summary": "Changed"})
    _, token = await stage.all()
    await stage.patch(f"{EVENTS}/{second}", {"summary": "Changed again"})
    await stage.delete(f"{EVENTS}/{made['id']}")
    assert await stage.ids() == await stage.ids(singleEvents=True) == []
    assert (await stage.get(f"{EVENTS}/{second}"))["status"] == "cancelled"
    changed, _ = await stage.all(syncToken=token)
    assert [{name: one[name] for name in one if name not in {"kind", "etag"}} for one in changed] == [
        {"id": made["id"], "status": "cancelled"}
    ]


async def test_restoring_a_series_brings_its_exceptions_back(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    second = f"{made['id']}_20260112T080000Z"
    await stage.patch(f"{EVENTS}/{second}", {"summary": "Changed"})
    await stage.delete(f"{EVENTS}/{made['id']}")
    _, token = await stage.all()
    await stage.patch(f"{EVENTS}/{made['id']}", {"status": "confirmed"})
    assert (await stage.get(f"{EVENTS}/{second}"))["summary"] == "Changed"
    changed, _ = await stage.all(syncToken=token)
    assert [one["id"] for one in changed] == [made["id"], second]


async def test_a_new_rule_keeps_the_exceptions_it_still_makes_and_cancels_the_others(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(4))
    second, third = (f"{made['id']}_202601{day}T080000Z" for day in (12, 19))
    for instance in (second, third):
        await stage.patch(f"{EVENTS}/{instance}", {"summary": "Changed"})
    _, token = await stage.all()
    await stage.patch(f"{EVENTS}/{made['id']}", {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    changed, _ = await stage.all(syncToken=token)
    assert {one["id"]: one["status"] for one in changed} == {
        made["id"]: "confirmed",
        second: "confirmed",
        third: "cancelled",
    }
    assert await stage.ids() == [made["id"], second]
    await stage.patch(f"{EVENTS}/{made['id']}", {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]})
    shown, _ = await stage.all(singleEvents=True, orderBy="startTime")
    assert [one["summary"] for one in shown] == ["Meeting", "Changed", "Meeting", "Meeting"]
    assert (await stage.get(f"{EVENTS}/{third}"))["status"] == "confirmed"
    assert (await stage.patch(f"{EVENTS}/{third}", {"summary": "Again"}))["summary"] == "Again"
    assert len(await stage.ids(singleEvents=True)) == 4


async def test_instances_are_found_by_original_start_and_with_cancelled_ones(stage: Stage) -> None:
    made = await stage.post(EVENTS, weekly(3))
    path = f"{EVENTS}/{made['id']}/instances"
    second = f"{made['id']}_20260112T080000Z"
    await stage.patch(f"{EVENTS}/{second}", timed(13))
    await stage.delete(f"{EVENTS}/{made['id']}_20260119T080000Z")
    found, _ = await stage.all(path, originalStart="2026-01-12T09:00:00+01:00")
    assert [one["id"] for one in found] == [second]
    assert len((await stage.all(path))[0]) == 2
    assert len((await stage.all(path, showDeleted=True))[0]) == 3
    assert len((await stage.all(path, maxResults=1))[0]) == 2


async def test_a_series_without_end_is_expanded_two_years_ahead(stage: Stage) -> None:
    begins = stage.clock.now().date().isoformat()
    stamp = {"dateTime": f"{begins}T23:00:00", "timeZone": "UTC"}
    await stage.post(EVENTS, {"start": stamp, "end": stamp, "recurrence": ["RRULE:FREQ=DAILY"]})
    assert 728 <= len(await stage.ids(singleEvents=True, maxResults=2500)) <= 731


async def test_a_daily_series_of_long_ago_can_be_expanded(stage: Stage) -> None:
    rule = "RRULE:FREQ=DAILY;BYDAY=SU,MO,TU,WE,TH,FR,SA"
    made = await stage.post(
        EVENTS, {"start": {"date": "1850-01-01"}, "end": {"date": "1850-01-02"}, "recurrence": [rule]}
    )
    first = await stage.get(f"{EVENTS}/{made['id']}/instances", maxResults=1, timeMax="2046-01-01T00:00:00Z")
    assert first["items"][0]["start"] == {"date": "1850-01-01"}


async def test_a_rule_that_never_matches_is_no_endless_work(stage: Stage) -> None:
    made = await stage.post(EVENTS, all_day(recurrence=["RRULE:FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7"]))
    assert await stage.ids(singleEvents=True) == [f"{made['id']}_20260105"]


async def test_a_moved_series_takes_its_exceptions_along(stage: Stage) -> None:
    team = (await stage.post("/calendars", {"summary": "Team"}))["id"]
    made = await stage.post(EVENTS, weekly(2))
    second = f"{made['id']}_20260112T080000Z"
    await stage.patch(f"{EVENTS}/{second}", {"summary": "Changed"})
    await stage.post(f"{EVENTS}/{made['id']}/move", destination=team)
    there, _ = await stage.all(f"/calendars/{team}/events")
    assert [(one["id"], one["summary"]) for one in there] == [(made["id"], "Meeting"), (second, "Changed")]
    assert await stage.ids() == []
    path = f"/calendars/{team}/events/{second}/move"
    assert await stage.refused("POST", path, destination="primary") == (400, "cannotChangeOrganizerOfInstance")
