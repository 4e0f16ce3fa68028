"""Single events: what is kept of them, and how they are shown."""

import pytest

from tests.sandbox.microsoft.stage import BERLIN, IMMUTABLE, OWNER, Json, Stage, all_day, at, starts, timed

EVENTS = "/me/events"
OURS = "String {66F5A359-4659-4830-9070-00047EC6AC6E} Name copyOf"


def prefer(text: str) -> Json:
    return {"headers": {"Prefer": text}}


async def test_an_event_is_made_with_graphs_defaults(stage: Stage) -> None:
    made = await stage.create()
    assert made["@odata.etag"] == f'W/"{made["changeKey"]}"'
    assert (made["type"], made["showAs"], made["sensitivity"]) == ("singleInstance", "busy", "normal")
    assert (made["isAllDay"], made["isCancelled"], made["isOrganizer"]) == (False, False, True)
    assert made["recurrence"] is None
    assert made["originalStartTimeZone"] == BERLIN
    assert made["start"] == {"dateTime": "2026-01-05T08:00:00.0000000", "timeZone": "UTC"}
    assert made["organizer"] == {"emailAddress": {"name": "Owner", "address": OWNER.email}}
    read = await stage.get(f"{EVENTS}/{made['id']}")
    assert {**read, "@odata.context": ""} == {**made, "@odata.context": ""}
    assert [one["id"] for one in (await stage.get(EVENTS))["value"]] == [made["id"]]


async def test_times_are_shown_in_the_zone_that_is_preferred(stage: Stage) -> None:
    made = await stage.create()
    path = f"{EVENTS}/{made['id']}"
    for zone, shown in (("Tokyo Standard Time", "17"), ("America/New_York", "03"), ("UTC", "08")):
        answer = await stage.ask("GET", path, headers={"Prefer": f'outlook.timezone="{zone}"'})
        assert answer.json()["start"] == {"dateTime": f"2026-01-05T{shown}:00:00.0000000", "timeZone": zone}
        assert f'outlook.timezone="{zone}"' in answer.headers["Preference-Applied"]
    wrong = await stage.refused("GET", path, **prefer('outlook.timezone="Nowhere"'))
    assert wrong == (400, "TimeZoneNotSupportedException")


@pytest.mark.parametrize("zone", ["Nowhere/Land", "+01:00", "", 5])
async def test_only_zones_that_have_a_name_can_be_named(stage: Stage, zone: object) -> None:
    if zone == "":
        made = await stage.create(start={"dateTime": "2026-01-05T08:00:00", "timeZone": ""}, end=at("2026-01-05T11:00"))
        assert made["originalStartTimeZone"] == "UTC"
        return
    body = timed() | {"start": {"dateTime": "2026-01-05T09:00:00", "timeZone": zone}}
    assert await stage.refused("POST", EVENTS, body) == (400, "TimeZoneNotSupportedException")


async def test_a_time_may_have_an_offset_or_fractions(stage: Stage) -> None:
    body = timed() | {"start": at("2026-01-05T09:00:00+02:00"), "end": at("2026-01-05T09:30:00.0000000Z")}
    made = await stage.post(EVENTS, body, **prefer(f'outlook.timezone="{BERLIN}"'))
    assert [made[name]["dateTime"][11:16] for name in ("start", "end")] == ["08:00", "10:30"]


async def test_bodies_of_events_are_strict(stage: Stage) -> None:
    wrong: list[tuple[Json, str]] = [
        ({"summary": "no"}, "RequestBodyRead"),
        ({"subject": 5}, "ErrorPropertyValidationFailure"),
        ({"showAs": "opaque"}, "ErrorPropertyValidationFailure"),
        ({"id": "x"}, "ErrorPropertyValidationFailure"),
        ({"isCancelled": True}, "ErrorPropertyValidationFailure"),
        ({"start": None}, "ErrorPropertyValidationFailure"),
        ({"start": {"dateTime": "2026-02-30T09:00:00", "timeZone": "UTC"}}, "ErrorPropertyValidationFailure"),
        ({"start": {"date": "2026-01-05"}}, "ErrorPropertyValidationFailure"),
        ({"end": at("2026-01-05T08:00:00")}, "ErrorPropertyValidationFailure"),
        ({"isAllDay": True}, "ErrorPropertyValidationFailure"),
        ({"isAllDay": 1}, "ErrorPropertyValidationFailure"),
        ({"body": {"contentType": "markdown", "content": ""}}, "ErrorPropertyValidationFailure"),
        ({"body": {"text": "no"}}, "RequestBodyRead"),
        ({"location": {"name": "no"}}, "RequestBodyRead"),
        ({"attendees": [{"emailAddress": {"address": "nobody"}}]}, "ErrorPropertyValidationFailure"),
        ({"attendees": [{"email": "a@b.c"}]}, "RequestBodyRead"),
        ({"singleValueExtendedProperties": [{"id": "copyOf", "value": "1"}]}, "ErrorPropertyValidationFailure"),
    ]
    for fields, code in wrong:
        assert await stage.refused("POST", EVENTS, timed() | fields) == (400, code), fields
    assert (await stage.get(EVENTS))["value"] == []


async def test_a_body_has_to_be_json_and_say_so(stage: Stage) -> None:
    headers = {"Authorization": "Bearer owner"}
    for content, kind in ((b"{", "application/json"), (b"[]", "application/json"), (b'{"a": NaN}', "application/json")):
        answer = await stage.http.post("/v1.0/me/events", content=content, headers={**headers, "Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    answer = await stage.http.post("/v1.0/me/events", content=b'{"subject": ""}', headers=headers)
    assert answer.json()["error"]["code"] == "RequestBodyRead"


async def test_a_body_is_kept_as_html_and_shown_as_preferred(stage: Stage) -> None:
    made = await stage.create(body={"contentType": "text", "content": "One < two\nthree"})
    assert made["body"]["contentType"] == "html"
    assert made["body"]["content"].startswith("<html>")
    assert "One &lt; two<br>" in made["body"]["content"]
    assert made["bodyPreview"].split() == ["One", "<", "two", "three"]
    read = await stage.get(f"{EVENTS}/{made['id']}", **prefer('outlook.body-content-type="text"'))
    assert read["body"] == {"contentType": "text", "content": "One < two\r\nthree"}


async def test_a_patch_changes_what_it_names(stage: Stage) -> None:
    made = await stage.create(showAs="tentative", location={"displayName": "Room 1"})
    changed = await stage.patch(f"{EVENTS}/{made['id']}", {"subject": "Other", "location": {"displayName": "Room 2"}})
    assert (changed["subject"], changed["showAs"]) == ("Other", "tentative")
    assert [one["displayName"] for one in changed["locations"]] == ["Room 2"]
    assert changed["changeKey"] != made["changeKey"]
    emptied = await stage.patch(f"{EVENTS}/{made['id']}", {"location": None, "showAs": None})
    assert (emptied["location"]["displayName"], emptied["locations"], emptied["showAs"]) == ("", [], "busy")


async def test_a_deleted_event_is_gone(stage: Stage) -> None:
    made = await stage.create()
    path = f"{EVENTS}/{made['id']}"
    await stage.delete(path)
    for verb, body in (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None)):
        assert await stage.refused(verb, path, body) == (404, "ErrorItemNotFound")


async def test_a_change_to_another_version_than_the_one_known_is_refused(stage: Stage) -> None:
    made = await stage.create()
    path, old = f"{EVENTS}/{made['id']}", {"If-Match": made["@odata.etag"]}
    changed = await stage.patch(path, {"subject": "One"}, headers=old)
    for verb, body in (("PATCH", {"subject": "Two"}), ("DELETE", None)):
        assert await stage.refused(verb, path, body, headers=old) == (412, "ErrorIrresolvableConflict")
    assert (await stage.get(path))["subject"] == "One"
    await stage.patch(path, {"subject": "Two"}, headers={"If-Match": "*"})
    latest = (await stage.get(path))["@odata.etag"]
    assert latest != changed["@odata.etag"]
    await stage.delete(path, headers={"If-Match": latest})


async def test_an_immutable_id_is_another_one_and_names_the_same(stage: Stage) -> None:
    made = await stage.create()
    answer = await stage.ask("GET", f"{EVENTS}/{made['id']}", headers=IMMUTABLE)
    immutable = answer.json()["id"]
    assert immutable != made["id"]
    assert 'IdType="ImmutableId"' in answer.headers["Preference-Applied"]
    assert (await stage.get(f"{EVENTS}/{immutable}"))["id"] == made["id"]
    for wrong in ("AAMkADAA", "AAkALgAA", made["id"][:-2], "x" * 300):
        assert await stage.refused("GET", f"{EVENTS}/{wrong}") == (400, "ErrorInvalidIdMalformed")


async def test_an_event_is_found_below_its_own_calendar_only(stage: Stage) -> None:
    team = (await stage.post("/me/calendars", {"name": "Team"}))["id"]
    made = await stage.post(f"/me/calendars/{team}/events", timed())
    assert (await stage.get(f"/me/calendars/{team}/events/{made['id']}"))["id"] == made["id"]
    assert (await stage.get(EVENTS))["value"] == []
    default = (await stage.get("/me/calendar"))["id"]
    wrong = await stage.refused("GET", f"/me/calendars/{default}/events/{made['id']}")
    assert wrong == (404, "ErrorItemNotFound")


async def test_a_transaction_makes_one_event_while_it_is_remembered(stage: Stage) -> None:
    first = await stage.create(transactionId="t-1")
    for style in ("400", "409"):
        await stage.odd(duplicateTransaction=style)
        answer = await stage.ask("POST", EVENTS, timed(transactionId="t-1"))
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (int(style), "ErrorDuplicateTransactionId")
        assert error["@event.existingEventId"] == first["id"]
    await stage.odd(duplicateTransaction="existing")
    again = await stage.create(transactionId="t-1", subject="Again")
    assert (again["id"], again["subject"]) == (first["id"], "Meeting")
    await stage.odd(duplicateTransaction="400")
    stage.advance(minutes=5)
    other = await stage.create(transactionId="t-1")
    assert other["id"] != first["id"]
    assert await stage.refused("PATCH", f"{EVENTS}/{other['id']}", {"transactionId": "t-2"}) == (
        400,
        "ErrorPropertyValidationFailure",
    )


async def test_extended_properties_are_shown_where_they_are_asked_for(stage: Stage) -> None:
    made = await stage.create(singleValueExtendedProperties=[{"id": OURS, "value": "it's 7"}])
    other = await stage.create(subject="Other")
    path = f"{EVENTS}/{made['id']}"
    assert "singleValueExtendedProperties" not in await stage.get(path)
    expand = f"singleValueExtendedProperties($filter=id eq '{OURS}')"
    read = await stage.get(path, expand_=expand)
    lower = OURS.replace("66F5A359", "66f5a359").replace("00047EC6AC6E", "00047ec6ac6e")
    assert read["singleValueExtendedProperties"] == [{"id": lower, "value": "it's 7"}]
    assert "singleValueExtendedProperties" not in await stage.get(f"{EVENTS}/{other['id']}", expand_=expand)
    holds = f"singleValueExtendedProperties/Any(ep: ep/id eq '{OURS}' and ep/value eq"
    assert [one["id"] for one in (await stage.get(EVENTS, filter_=f"{holds} 'it''s 7')"))["value"]] == [made["id"]]
    assert (await stage.get(EVENTS, filter_=f"{holds} 'it''s 8')"))["value"] == []
    any_value = holds.replace("eq", "ne null)").replace("id ne null)", "id eq")
    found = (await stage.get(EVENTS, filter_=any_value, expand_=expand))["value"]
    assert [one["singleValueExtendedProperties"][0]["value"] for one in found] == ["it's 7"]
    await stage.patch(path, {"singleValueExtendedProperties": [{"id": lower, "value": None}]})
    assert (await stage.get(EVENTS, filter_=any_value))["value"] == []


async def test_listings_are_filtered_ordered_and_cut_to_what_is_asked_for(stage: Stage) -> None:
    for day in (7, 5, 6):
        await stage.create(day=day, subject=f"On {day}")
    shown = await stage.get(EVENTS, orderby_="start/dateTime", select_="subject,start")
    assert starts(shown["value"]) == ["05T08", "06T08", "07T08"]
    assert set(shown["value"][0]) == {"@odata.etag", "id", "subject", "start"}
    down = await stage.get(EVENTS, orderby_="start/dateTime desc", top_=2)
    assert starts(down["value"]) == ["07T08", "06T08"]
    rest = await stage.get(down["@odata.nextLink"])
    assert starts(rest["value"]) == ["05T08"]
    (found,) = (await stage.get(EVENTS, filter_="subject eq 'On 6'"))["value"]
    by_uid = (await stage.get(EVENTS, filter_=f"iCalUId eq '{found['iCalUId']}'"))["value"]
    assert [one["id"] for one in by_uid] == [found["id"]]
    small = await stage.get(EVENTS, **prefer("odata.maxpagesize=1"))
    assert len(small["value"]) == 1
    for name, value in (
        ("filter_", "startswith(subject,'On')"),
        ("expand_", "attachments"),
        ("orderby_", "color"),
        ("search_", "x"),
        ("singleEvents", "true"),
    ):
        assert await stage.refused("GET", EVENTS, None, **{name: value}) == (400, "ErrorInvalidUrlQuery"), name
    assert await stage.refused("GET", EVENTS, select_="summary") == (400, "RequestBroker--ParseUri")


@pytest.mark.parametrize("zone", ["UTC", "Samoa Standard Time", "Line Islands Standard Time", "Dateline Standard Time"])
async def test_an_all_day_event_is_shown_at_midnight_whatever_zone_is_preferred(stage: Stage, zone: str) -> None:
    made = await stage.post(EVENTS, all_day(5, 2, zone))
    assert (made["isAllDay"], made["originalStartTimeZone"]) == (True, zone)
    for preferred in ("UTC", "Hawaiian Standard Time", "Tonga Standard Time"):
        read = await stage.get(f"{EVENTS}/{made['id']}", **prefer(f'outlook.timezone="{preferred}"'))
        assert read["start"] == {"dateTime": "2026-01-05T00:00:00.0000000", "timeZone": preferred}
        assert read["end"] == {"dateTime": "2026-01-07T00:00:00.0000000", "timeZone": preferred}


async def test_all_day_needs_midnights_in_one_zone_and_a_day_between(stage: Stage) -> None:
    midnight = at("2026-01-05T00:00:00")
    for start, end in (
        (midnight, midnight),
        (midnight, at("2026-01-05T23:59:59")),
        (at("2026-01-05T01:00:00"), at("2026-01-06T01:00:00")),
        (midnight, at("2026-01-06T00:00:00", "UTC")),
    ):
        body = {"isAllDay": True, "start": start, "end": end}
        assert await stage.refused("POST", EVENTS, body) == (400, "ErrorPropertyValidationFailure")
    dates = await stage.post(EVENTS, {"isAllDay": True, "start": at("2026-01-05"), "end": at("2026-01-06")})
    assert dates["end"]["dateTime"] == "2026-01-06T00:00:00.0000000"


async def test_switches_say_what_others_do_to_an_event(stage: Stage) -> None:
    organizer = {"emailAddress": {"name": "Other", "address": "other@fabrikam.example"}}
    body = timed(organizer=organizer, isOrganizer=False, responseStatus={"response": "declined"})
    made = await stage.press(f"/users/{OWNER.email}/calendars/primary/events", body)
    read = await stage.get(f"{EVENTS}/{made['id']}")
    assert (read["isOrganizer"], read["responseStatus"]["response"]) == (False, "declined")
    assert read["organizer"] == organizer
    await stage.press(f"/users/{OWNER.email}/calendars/primary/events/{made['id']}", {"isCancelled": True}, "PATCH")
    assert (await stage.get(f"{EVENTS}/{made['id']}"))["isCancelled"]
