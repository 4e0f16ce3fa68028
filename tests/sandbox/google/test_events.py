"""Writing and reading events: what Google keeps, and what it refuses."""

from typing import Any

import pytest

from tests.sandbox.google.stage import EVENTS, GUEST, HOLIDAYS, OWNER, Stage, all_day, timed


async def test_an_event_is_kept_with_what_google_adds(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed(description="Bring the plan"))
    assert made["kind"] == "calendar#event"
    assert made["iCalUID"] == f"{made['id']}@google.com"
    assert made["start"] == {"dateTime": "2026-01-05T09:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert made["organizer"] == made["creator"] == {"email": OWNER.email, "self": True}
    assert (made["status"], made["sequence"], made["eventType"]) == ("confirmed", 0, "default")
    assert made["created"] == made["updated"]
    assert await stage.get(f"{EVENTS}/{made['id']}") == made


async def test_times_are_shown_in_the_zone_asked_for_beside_the_events_own(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed())
    shown = await stage.get(f"{EVENTS}/{made['id']}", timeZone="America/New_York")
    assert shown["start"] == {"dateTime": "2026-01-05T03:00:00-05:00", "timeZone": "Europe/Berlin"}
    shown = await stage.get(f"{EVENTS}/{made['id']}", timeZone="UTC")
    assert shown["start"]["dateTime"] == "2026-01-05T08:00:00Z"


async def test_an_id_once_used_is_taken_for_ever_also_after_deletion(stage: Stage) -> None:
    await stage.post(EVENTS, timed(id="abc12"))
    assert await stage.refused("POST", EVENTS, timed(id="abc12")) == (409, "duplicate")
    await stage.delete(f"{EVENTS}/abc12")
    assert await stage.refused("POST", EVENTS, timed(id="abc12")) == (409, "duplicate")


async def test_an_icalendar_uid_is_had_by_one_event_at_a_time(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed(iCalUID="1@elsewhere.example"))
    assert await stage.refused("POST", EVENTS, timed(iCalUID="1@elsewhere.example")) == (409, "duplicate")
    await stage.delete(f"{EVENTS}/{made['id']}")
    assert (await stage.post(EVENTS, timed(iCalUID="1@elsewhere.example")))["id"] != made["id"]


@pytest.mark.parametrize("event_id", ["abcd", "wxyz12", "ABCDE", "abc_12", "a" * 1025])
async def test_ids_are_base32hex_of_5_to_1024_characters(stage: Stage, event_id: str) -> None:
    assert await stage.refused("POST", EVENTS, timed(id=event_id)) == (400, "invalid")


async def test_the_longest_id_is_good(stage: Stage) -> None:
    assert (await stage.post(EVENTS, timed(id="v" * 1024)))["id"] == "v" * 1024


async def test_a_deleted_event_is_deleted_only_once_and_can_still_be_got(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed())
    await stage.delete(f"{EVENTS}/{made['id']}")
    assert await stage.refused("DELETE", f"{EVENTS}/{made['id']}") == (410, "deleted")
    assert (await stage.get(f"{EVENTS}/{made['id']}"))["status"] == "cancelled"


async def test_what_never_was_is_not_found(stage: Stage) -> None:
    for verb in ("GET", "DELETE"):
        assert await stage.refused(verb, f"{EVENTS}/nosuchevent") == (404, "notFound")
    assert await stage.refused("GET", "/calendars/nobody@example.com/events") == (404, "notFound")


async def test_a_patch_joins_objects_replaces_lists_and_takes_away_by_null(stage: Stage) -> None:
    properties = {"private": {"a": "1", "b": "2"}}
    made = await stage.post(EVENTS, timed(location="Here", extendedProperties=properties, attendees=[_guest()]))
    changed = await stage.patch(
        f"{EVENTS}/{made['id']}",
        {
            "location": None,
            "extendedProperties": {"private": {"a": None, "c": "3"}},
            "attendees": [{"email": "third@example.com"}],
        },
    )
    assert "location" not in changed
    assert changed["extendedProperties"] == {"private": {"b": "2", "c": "3"}}
    assert [one["email"] for one in changed["attendees"]] == ["third@example.com"]
    assert changed["summary"] == "Meeting"
    assert changed["sequence"] == 0


async def test_an_update_replaces_all(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed(location="Here"))
    answer = await stage.ask("PUT", f"{EVENTS}/{made['id']}", timed(hour=10))
    assert "location" not in answer.json()
    assert answer.json()["sequence"] == 1
    assert answer.json()["iCalUID"] == made["iCalUID"]


async def test_a_sequence_below_the_current_one_is_refused(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed())
    await stage.patch(f"{EVENTS}/{made['id']}", timed(hour=11))
    assert await stage.refused("PATCH", f"{EVENTS}/{made['id']}", {"sequence": 0}) == (400, "invalid")


async def test_a_patch_of_a_deleted_event_restores_it_only_where_it_says_so(stage: Stage) -> None:
    path = f"{EVENTS}/{(await stage.post(EVENTS, timed()))['id']}"
    await stage.delete(path)
    assert (await stage.patch(path, {"summary": "Again"}))["status"] == "cancelled"
    assert (await stage.patch(path, {"status": "confirmed"}))["status"] == "confirmed"
    await stage.delete(path)


async def test_setting_the_status_to_cancelled_deletes(stage: Stage) -> None:
    path = f"{EVENTS}/{(await stage.post(EVENTS, timed()))['id']}"
    await stage.patch(path, {"status": "cancelled"})
    assert await stage.ids() == []
    assert await stage.refused("DELETE", path) == (410, "deleted")


async def test_a_change_of_another_version_than_if_match_says_is_refused(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed())
    path, old = f"{EVENTS}/{made['id']}", {"If-Match": made["etag"]}
    first = await stage.ask("PATCH", path, {"summary": "One"}, headers=old)
    assert first.status_code == 200
    assert first.json()["etag"] != made["etag"]
    for verb, body in (("PATCH", {"summary": "Two"}), ("PUT", timed()), ("DELETE", None)):
        assert await stage.refused(verb, path, body, headers=old) == (412, "conditionNotMet")
    assert (await stage.ask("DELETE", path, headers={"If-Match": "*"})).status_code == 204


async def test_what_did_not_change_is_not_sent_again(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed())
    for path in (f"{EVENTS}/{made['id']}", EVENTS):
        etag = (await stage.get(path))["etag"]
        answer = await stage.ask("GET", path, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.content) == (304, b"")
    await stage.patch(f"{EVENTS}/{made['id']}", {"summary": "New"})
    assert (await stage.ask("GET", EVENTS, headers={"If-None-Match": etag})).status_code == 200


async def test_the_owners_own_answer_is_marked_as_self(stage: Stage) -> None:
    me = {"email": OWNER.email, "responseStatus": "declined"}
    made = await stage.post(EVENTS, timed(attendees=[me, _guest()]))
    assert made["attendees"] == [
        {**me, "self": True, "organizer": True},
        {"email": GUEST.email, "responseStatus": "needsAction"},
    ]


async def test_more_attendees_than_wanted_are_left_out_but_oneself(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed(attendees=[{"email": OWNER.email}, _guest()]))
    shown = await stage.get(f"{EVENTS}/{made['id']}", maxAttendees=1)
    assert shown["attendeesOmitted"] is True
    assert [one["email"] for one in shown["attendees"]] == [OWNER.email]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"end": {"date": "2026-01-06"}}, "required"),
        ({"start": {"date": "2026-01-05"}}, "required"),
        ({"start": {"date": "2026-01-05"}, "end": {"date": "2026-01-05"}}, "timeRangeEmpty"),
        ({"start": {"date": "2026-13-05"}, "end": {"date": "2026-01-05"}}, "invalid"),
        ({"start": {"dateTime": "2026-01-05T09:00:00"}, "end": {"dateTime": "2026-01-05T10:00:00Z"}}, "required"),
        (
            {"start": {"dateTime": "2026-01-05T09:00:00Z"}, "end": {"dateTime": "2026-01-05T08:00:00Z"}},
            "timeRangeEmpty",
        ),
        ({"start": {"date": "2026-01-05"}, "end": {"dateTime": "2026-01-05T08:00:00Z"}}, "invalid"),
        (timed(status="maybe"), "invalid"),
        (timed(attendees=[{"displayName": "Nobody"}]), "required"),
        (timed(summary=5), "invalid"),
        (timed(extendedProperties={"private": {"k" * 45: "v"}}), "invalid"),
        (timed(recurrence=["FREQ=DAILY"]), "invalid"),
        (timed(recurrence=["RRULE:FREQ=HOURLY"]), "invalid"),
        (timed(eventType="fromGmail"), "eventTypeRestriction"),
        (timed(eventType="workingLocation"), "malformedWorkingLocationEvent"),
        (all_day(eventType="focusTime"), "invalid"),
    ],
)
async def test_a_bad_event_is_refused_and_changes_nothing(loose: Stage, body: dict[str, object], reason: str) -> None:
    assert await loose.refused("POST", EVENTS, body) == (400, reason)
    assert await loose.ids() == []


async def test_a_zero_length_event_is_good(stage: Stage) -> None:
    await stage.post(EVENTS, timed(hours=0))


async def test_a_body_that_is_no_json_is_refused(loose: Stage) -> None:
    for raw in (b"{", b"[]", b"[" * 100_000):
        answer = await loose.http.post(f"/calendar/v3{EVENTS}", content=raw, headers={"Authorization": "Bearer owner"})
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "parseError")


async def test_an_import_keeps_uid_and_organizer_and_replaces_what_has_its_uid(stage: Stage) -> None:
    body = timed(iCalUID="1@elsewhere.example", organizer={"email": "boss@example.com"}, eventType="focusTime")
    made = await stage.post(f"{EVENTS}/import", body)
    assert (made["iCalUID"], made["organizer"]) == ("1@elsewhere.example", {"email": "boss@example.com"})
    assert made["eventType"] == "default"
    again = await stage.post(f"{EVENTS}/import", {**body, "summary": "Changed"})
    assert (again["id"], again["summary"]) == (made["id"], "Changed")
    assert await stage.refused("POST", f"{EVENTS}/import", timed()) == (400, "required")


async def test_a_move_keeps_the_id_and_leaves_a_deleted_event_behind(stage: Stage) -> None:
    team = (await stage.post("/calendars", {"summary": "Team"}))["id"]
    made = await stage.post(EVENTS, timed())
    moved = await stage.post(f"{EVENTS}/{made['id']}/move", destination=team)
    assert moved["id"] == made["id"]
    assert moved["organizer"] == {"email": team, "displayName": "Team", "self": True}
    assert await stage.ids() == []
    assert (await stage.get(f"{EVENTS}/{made['id']}"))["status"] == "cancelled"
    back = await stage.post(f"/calendars/{team}/events/{made['id']}/move", destination="primary")
    assert back["status"] == "confirmed"
    assert await stage.ids() == [made["id"]]


async def test_only_default_events_move(stage: Stage) -> None:
    team = (await stage.post("/calendars", {"summary": "Team"}))["id"]
    made = await stage.post(EVENTS, timed(eventType="outOfOffice"))
    path = f"{EVENTS}/{made['id']}/move"
    assert await stage.refused("POST", path, destination=team) == (400, "eventTypeRestriction")


async def test_status_events_are_for_primary_calendars(stage: Stage) -> None:
    team = (await stage.post("/calendars", {"summary": "Team"}))["id"]
    refused = await stage.refused("POST", f"/calendars/{team}/events", timed(eventType="focusTime"))
    assert refused == (400, "eventTypeRestriction")


async def test_readers_may_not_write_and_see_private_events_as_times(stage: Stage) -> None:
    await stage.post(EVENTS, timed(visibility="private"))
    await stage.press(f"/users/{OWNER.email}/calendars/primary/share", {"email": GUEST.email, "role": "reader"})
    path = f"/calendars/{OWNER.email}/events"
    assert await stage.refused("POST", path, timed(), token="guest") == (403, "requiredAccessLevel")
    (seen,) = (await stage.get(path, token="guest"))["items"]
    assert "summary" not in seen
    assert seen["visibility"] == "private"


async def test_a_calendar_of_others_is_not_there(stage: Stage) -> None:
    assert await stage.refused("GET", f"/calendars/{OWNER.email}/events", token="guest") == (404, "notFound")
    assert await stage.refused("GET", f"/calendars/{HOLIDAYS.replace('#', '%23')}/events") == (404, "notFound")


async def test_fields_select_a_part_of_the_answer(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed())
    shown = await stage.get(EVENTS, fields="items(id,start/dateTime),summary")
    assert shown == {
        "items": [{"id": made["id"], "start": {"dateTime": "2026-01-05T09:00:00+01:00"}}],
        "summary": OWNER.email,
    }
    for wrong in ("items(", "a,,(b)", "items)x", "§"):
        assert await stage.refused("GET", EVENTS, fields=wrong) == (400, "invalidParameter")


def _guest() -> dict[str, object]:
    return {"email": GUEST.email}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b'{"summary": "\\ud800"}', 400),
        (b'{"source": {"x": NaN}}', 400),
        (b'{"summary": "\xff"}', 400),
        (b'{"summary": "' + b"y" * 2**20 + b'"}', 413),
    ],
    ids=["surrogate", "nan", "latin-1", "large"],
)
async def test_what_could_not_be_written_back_is_refused(loose: Stage, raw: bytes, status: int) -> None:
    await loose.post(EVENTS, timed(id="abcde"))
    headers = {"Authorization": "Bearer owner"}
    assert (await loose.http.patch(f"/calendar/v3{EVENTS}/abcde", content=raw, headers=headers)).status_code == status
    assert (await loose.get(f"{EVENTS}/abcde"))["summary"] == "Meeting"


async def test_many_levels_are_refused_or_kept_but_break_nothing(loose: Stage) -> None:
    made = await loose.post(EVENTS, timed(id="abcde"))
    for levels in (100, 500, 900):
        raw = b'{"gadget": ' + b'{"x":' * levels + b"1" + b"}" * levels + b"}"
        answer = await loose.http.patch(
            f"/calendar/v3{EVENTS}/{made['id']}", content=raw, headers={"Authorization": "Bearer owner"}
        )
        assert answer.status_code in {200, 400}
    loose.validated.violations.clear()


@pytest.mark.parametrize("year", ["0001", "9999"])
async def test_the_edges_of_the_calendar_break_nothing(stage: Stage, year: str) -> None:
    day = {"date": f"{year}-01-01"}
    assert await stage.refused("POST", EVENTS, {"start": day, "end": {"date": f"{year}-01-02"}}) == (400, "invalid")
    far = all_day(recurrence=["RRULE:FREQ=DAILY;COUNT=2", f"RDATE;VALUE=DATE:{year}0101"])
    assert await stage.refused("POST", EVENTS, far) == (400, "invalid")
    await stage.post(EVENTS, all_day(recurrence=["RRULE:FREQ=MONTHLY"]))
    spans: list[dict[str, Any]] = [
        {"timeMin": f"{year}-01-01T00:00:00Z"},
        {"timeMax": f"{year}-12-31T23:59:59-05:00"},
    ]
    for zone in ("America/New_York", "Pacific/Kiritimati"):
        for bounds in spans:
            for single in (True, False):
                answer = await stage.ask("GET", EVENTS, timeZone=zone, singleEvents=single, **bounds)
                assert answer.status_code == 200


async def test_a_series_whose_end_is_too_far_away_is_refused(stage: Stage) -> None:
    endless = all_day(recurrence=["RRULE:FREQ=DAILY;COUNT=999999"])
    assert await stage.refused("POST", EVENTS, endless) == (400, "invalid")


async def test_an_empty_recurrence_is_none(stage: Stage) -> None:
    assert "recurrence" not in await stage.post(EVENTS, timed(recurrence=[]))
