"""The profile, calendars and their collection."""

from tests.sandbox.microsoft.stage import GUEST, OWNER, Json, Stage, timed


async def test_the_profile_names_the_user(stage: Stage) -> None:
    me = await stage.get("/me")
    assert (me["id"], me["mail"], me["userPrincipalName"]) == (OWNER.id, OWNER.email, OWNER.email)
    chosen = await stage.get("/me", select_="displayName")
    assert {name for name in chosen if not name.startswith("@")} == {"id", "displayName"}


async def test_everybody_has_a_default_calendar(stage: Stage) -> None:
    (own,) = (await stage.get("/me/calendars"))["value"]
    assert own["isDefaultCalendar"]
    assert not own["isRemovable"]
    assert own["canEdit"]
    assert own["hexColor"] == ""
    assert own["owner"] == {"name": "Owner", "address": OWNER.email}
    default = await stage.get("/me/calendar")
    assert {name: value for name, value in default.items() if name != "@odata.context"} == own
    assert await stage.get(f"/me/calendars/{own['id']}") == default


async def test_a_calendar_is_made_changed_and_deleted(stage: Stage) -> None:
    made = await stage.post("/me/calendars", {"name": "Team", "color": "lightBlue"})
    assert (made["name"], made["isDefaultCalendar"], made["isRemovable"]) == ("Team", False, True)
    assert made["hexColor"].startswith("#")
    changed = await stage.patch(f"/me/calendars/{made['id']}", {"name": "Crew"})
    assert (changed["name"], changed["color"]) == ("Crew", "lightBlue")
    assert changed["changeKey"] != made["changeKey"]
    await stage.delete(f"/me/calendars/{made['id']}")
    assert await stage.refused("GET", f"/me/calendars/{made['id']}") == (404, "ErrorItemNotFound")
    assert len((await stage.get("/me/calendars"))["value"]) == 1


async def test_the_default_calendar_stays(stage: Stage) -> None:
    default = await stage.get("/me/calendar")
    path = f"/me/calendars/{default['id']}"
    assert await stage.refused("DELETE", path) == (400, "ErrorDeleteDistinguishedFolder")


async def test_no_two_calendars_have_one_name(stage: Stage) -> None:
    made = await stage.post("/me/calendars", {"name": "Team"})
    assert await stage.refused("POST", "/me/calendars", {"name": "team"}) == (409, "ErrorFolderExists")
    path = f"/me/calendars/{made['id']}"
    assert await stage.refused("PATCH", path, {"name": "Calendar"}) == (409, "ErrorFolderExists")
    await stage.patch(path, {"name": "TEAM"})


async def test_a_calendar_is_found_by_an_extended_property(stage: Stage) -> None:
    name = "String {00020329-0000-0000-C000-000000000046} Name mark"
    made = await stage.post("/me/calendars", {"name": "Team", **_marked(name, "one")})
    assert "singleValueExtendedProperties" not in made
    assert [one["id"] for one in await _marked_so(stage, f"p/id eq '{name}' and p/value eq 'one'")] == [made["id"]]
    assert [one["id"] for one in await _marked_so(stage, f"p/id eq '{name}' and p/value ne null")] == [made["id"]]
    assert await _marked_so(stage, f"p/id eq '{name}' and p/value eq 'two'") == []
    await stage.patch(f"/me/calendars/{made['id']}", {"name": "Crew"})
    assert len(await _marked_so(stage, f"p/id eq '{name}' and p/value eq 'one'")) == 1
    await stage.patch(f"/me/calendars/{made['id']}", _marked(name, None))
    assert await _marked_so(stage, f"p/id eq '{name}' and p/value ne null") == []
    for asked in ("name eq 'Team'", "singleValueExtendedProperties/any(p:p/id eq 'mark' and p/value eq 'one')"):
        assert (await stage.refused("GET", "/me/calendars", filter_=asked))[0] == 400


def _marked(name: str, value: str | None) -> Json:
    return {"singleValueExtendedProperties": [{"id": name, "value": value}]}


async def _marked_so(stage: Stage, how: str) -> list[Json]:
    page = await stage.get("/me/calendars", filter_=f"singleValueExtendedProperties/any(p:{how})")
    found: list[Json] = page["value"]
    return found


async def test_bodies_of_calendars_are_strict(stage: Stage) -> None:
    wrong: list[tuple[Json, str]] = [
        ({}, "ErrorPropertyValidationFailure"),
        ({"name": ""}, "ErrorPropertyValidationFailure"),
        ({"name": 5}, "ErrorPropertyValidationFailure"),
        ({"name": "a", "color": "pink"}, "ErrorPropertyValidationFailure"),
        ({"name": "a", "hexColor": "#fff"}, "ErrorPropertyValidationFailure"),
        ({"name": "a", "summary": "b"}, "RequestBodyRead"),
    ]
    for body, code in wrong:
        assert await stage.refused("POST", "/me/calendars", body) == (400, code)
    assert len((await stage.get("/me/calendars"))["value"]) == 1


async def test_calendars_come_in_pages(stage: Stage) -> None:
    names = ["Calendar", *(f"Team {number}" for number in range(12))]
    for name in names[1:]:
        await stage.post("/me/calendars", {"name": name})
    page = await stage.get("/me/calendars", select_="name")
    assert len(page["value"]) == 10
    second = await stage.get(page["@odata.nextLink"])
    assert "@odata.nextLink" not in second
    assert [one["name"] for one in page["value"] + second["value"]] == names
    assert set(second["value"][0]) == {"id", "name"}
    small = await stage.get("/me/calendars", top_=5, skip_=5)
    assert [one["name"] for one in small["value"]] == names[5:10]


async def test_parameters_that_are_not_known_are_refused(stage: Stage) -> None:
    for name in ("filter_", "foo", "delta_", "showHidden"):
        assert await stage.refused("GET", "/me/calendars", None, **{name: "1"}) == (400, "ErrorInvalidUrlQuery")
    for value in ("0", "1001", "ten", "-1"):
        assert await stage.refused("GET", "/me/calendars", top_=value) == (400, "ErrorInvalidUrlQuery")
    assert await stage.refused("GET", "/me/calendars", select_="nonsense") == (400, "RequestBroker--ParseUri")
    twice = await stage.http.get("/v1.0/me/calendars?$top=1&$top=2", headers={"Authorization": "Bearer owner"})
    assert twice.status_code == 400


async def test_ids_that_are_none_are_malformed(stage: Stage) -> None:
    other = stage.state.mailboxes[GUEST.id].default
    assert await stage.refused("GET", "/me/calendars/nonsense") == (400, "ErrorInvalidIdMalformed")
    assert await stage.refused("GET", "/me/calendars/AAMkAG!!") == (400, "ErrorInvalidIdMalformed")
    assert await stage.refused("GET", f"/me/calendars/{other.id}") == (404, "ErrorItemNotFound")
    event = await stage.create()
    assert await stage.refused("GET", f"/me/calendars/{event['id']}") == (400, "ErrorInvalidIdMalformed")


async def test_a_shared_calendar_has_another_id_and_its_owner(stage: Stage) -> None:
    team = await stage.post("/me/calendars", {"name": "Team"})
    await stage.press(f"/users/{OWNER.email}/calendars/{team['id']}/share", {"email": GUEST.email, "role": "read"})
    _, shared = (await stage.get("/me/calendars", token="guest"))["value"]
    assert shared["id"] != team["id"]
    assert (shared["canEdit"], shared["owner"]["address"]) == (False, OWNER.email)
    await stage.post(f"/me/calendars/{team['id']}/events", timed())
    path = f"/me/calendars/{shared['id']}/events"
    (event,) = (await stage.get(path, token="guest"))["value"]
    assert event["organizer"]["emailAddress"]["address"] == OWNER.email
    assert await stage.refused("POST", path, timed(), token="guest") == (403, "ErrorAccessDenied")
    assert await stage.refused("DELETE", f"{path}/{event['id']}", token="guest") == (403, "ErrorAccessDenied")
    await stage.delete(f"/me/calendars/{team['id']}")
    assert len((await stage.get("/me/calendars", token="guest"))["value"]) == 1


async def test_a_calendar_gets_another_id_and_so_do_its_events(stage: Stage) -> None:
    team = await stage.post("/me/calendars", {"name": "Team"})
    path = f"/me/calendars/{team['id']}/events"
    ordinary = await stage.post(path, timed())
    immutable = (await stage.get(path, headers={"Prefer": 'IdType="ImmutableId"'}))["value"][0]["id"]
    changed = await stage.press(f"/users/{OWNER.email}/calendars/{team['id']}/changeId")
    assert changed["id"] != team["id"]
    assert changed["name"] == "Team"
    assert await stage.refused("GET", f"/me/calendars/{team['id']}") == (404, "ErrorItemNotFound")
    assert await stage.refused("GET", f"/me/events/{ordinary['id']}") == (404, "ErrorItemNotFound")
    found = await stage.get(f"/me/events/{immutable}")
    assert found["subject"] == "Meeting"
    assert found["id"] != ordinary["id"]


async def test_a_new_calendar_may_be_answered_with_another_id_than_it_is_listed_with(stage: Stage) -> None:
    await stage.odd(otherPostedIds=True)
    posted = await stage.post("/me/calendars", {"name": "Team"})
    _, listed = (await stage.get("/me/calendars"))["value"]
    assert posted["id"] != listed["id"]
    assert (await stage.get(f"/me/calendars/{posted['id']}"))["id"] == listed["id"]
