"""calendars, calendarList, freebusy, settings and colors."""

from tests.sandbox.google.stage import EVENTS, GUEST, OWNER, Stage, all_day, timed, weekly

LIST = "/users/me/calendarList"


async def test_everybody_has_a_primary_calendar_named_after_their_address(stage: Stage) -> None:
    (entry,), _ = await stage.all(LIST)
    assert (entry["id"], entry["primary"], entry["accessRole"]) == (OWNER.email, True, "owner")
    assert (await stage.get("/calendars/primary"))["id"] == OWNER.email
    assert (await stage.get(f"{LIST}/primary"))["id"] == OWNER.email


async def test_a_calendar_is_made_changed_and_deleted(stage: Stage) -> None:
    made = await stage.post("/calendars", {"summary": "Team", "timeZone": "Europe/London", "description": "Ours"})
    path = f"/calendars/{made['id']}"
    changed = await stage.patch(path, {"summary": "Team A", "description": None})
    assert (changed["summary"], changed["timeZone"], "description" in changed) == ("Team A", "Europe/London", False)
    assert changed["etag"] != made["etag"]
    stale = {"If-Match": made["etag"]}
    assert await stage.refused("PUT", path, {"summary": "B"}, headers=stale) == (412, "conditionNotMet")
    await stage.delete(path)
    assert await stage.refused("GET", path) == (404, "notFound")
    assert await stage.refused("GET", f"{path}/events") == (404, "notFound")
    assert await stage.refused("POST", "/calendars", {"timeZone": "UTC"}) == (400, "required")
    assert await stage.refused("POST", "/calendars", {"summary": "x", "timeZone": "Nowhere"}) == (400, "invalid")


async def test_a_primary_calendar_is_cleared_not_deleted_and_others_the_other_way_round(stage: Stage) -> None:
    await stage.post(EVENTS, timed())
    assert await stage.refused("DELETE", "/calendars/primary") == (403, "cannotDeletePrimaryCalendar")
    assert (await stage.ask("POST", "/calendars/primary/clear")).status_code == 204
    assert await stage.ids() == []
    made = await stage.post("/calendars", {"summary": "Team"})
    assert await stage.refused("POST", f"/calendars/{made['id']}/clear") == (400, "invalid")


async def test_the_list_syncs_and_tells_what_was_deleted_or_hidden(stage: Stage) -> None:
    one = (await stage.post("/calendars", {"summary": "One"}))["id"]
    two = (await stage.post("/calendars", {"summary": "Two"}))["id"]
    _, token = await stage.all(LIST)
    await stage.patch(f"{LIST}/{one}", {"hidden": True, "summaryOverride": "Mine"})
    await stage.delete(f"/calendars/{two}")
    told, following = await stage.all(LIST, syncToken=token)
    assert {entry["id"]: (entry.get("hidden"), entry.get("deleted")) for entry in told} == {
        one: (True, None),
        two: (None, True),
    }
    assert (await stage.all(LIST, syncToken=following))[0] == []
    assert [entry["id"] for entry in (await stage.all(LIST))[0]] == [OWNER.email]
    assert len((await stage.all(LIST, showHidden=True))[0]) == 2
    assert len((await stage.all(LIST, showHidden=True, showDeleted=True))[0]) == 3


async def test_a_changed_title_of_the_calendar_is_no_change_of_the_list(stage: Stage) -> None:
    one = (await stage.post("/calendars", {"summary": "One"}))["id"]
    _, token = await stage.all(LIST)
    await stage.patch(f"/calendars/{one}", {"summary": "Uno"})
    assert (await stage.all(LIST, syncToken=token))[0] == []


async def test_the_lists_sync_token_goes_with_no_restriction_and_runs_out(stage: Stage) -> None:
    _, token = await stage.all(LIST)
    for query in ({"minAccessRole": "owner"}, {"showDeleted": False}, {"showHidden": False}):
        assert await stage.refused("GET", LIST, syncToken=token, **query) == (400, "invalid")
    assert await stage.refused("GET", LIST, token="guest", syncToken=token) == (400, "invalid")
    await stage.press(f"/users/{OWNER.email}/calendarList/expireSyncTokens")
    assert await stage.refused("GET", LIST, syncToken=token) == (410, "fullSyncRequired")


async def test_the_list_comes_in_pages_and_by_role(stage: Stage) -> None:
    made = [(await stage.post("/calendars", {"summary": str(number)}))["id"] for number in range(3)]
    await stage.press(f"/users/{OWNER.email}/calendars/{made[0]}/share", {"email": GUEST.email, "role": "reader"})
    assert len((await stage.all(LIST, maxResults=1))[0]) == 4
    seen = [entry["id"] for entry in (await stage.get(LIST, token="guest"))["items"]]
    assert seen == [GUEST.email, made[0]]
    assert len((await stage.get(LIST, token="guest", minAccessRole="writer"))["items"]) == 1


async def test_a_shared_calendar_leaves_the_list_and_comes_back(stage: Stage) -> None:
    made = (await stage.post("/calendars", {"summary": "Team"}))["id"]
    await stage.press(f"/users/{OWNER.email}/calendars/{made}/share", {"email": GUEST.email, "role": "reader"})
    assert (await stage.ask("DELETE", f"{LIST}/{made}", token="guest")).status_code == 204
    assert await stage.refused("GET", f"{LIST}/{made}", token="guest") == (404, "notFound")
    assert (await stage.get(f"/calendars/{made}", token="guest"))["summary"] == "Team"
    back = await stage.post(LIST, {"id": made}, token="guest")
    assert back["accessRole"] == "reader"
    assert await stage.refused("POST", LIST, {"id": "nobody@example.com"}, token="guest") == (404, "notFound")


async def test_busy_times_are_joined_and_leave_out_what_does_not_block(stage: Stage) -> None:
    declined = [{"email": OWNER.email, "responseStatus": "declined"}]
    for body in (
        timed(5, 9),
        timed(5, 10),
        timed(5, 13, transparency="transparent"),
        timed(5, 14, attendees=declined),
        timed(5, 15, status="tentative"),
        weekly(2, summary="Again"),
        all_day(7),
    ):
        await stage.post(EVENTS, body)
    asked = {"timeMin": "2026-01-05T00:00:00Z", "timeMax": "2026-01-13T00:00:00Z", "items": [{"id": "primary"}]}
    said = await stage.post("/freeBusy", asked)
    assert said["calendars"]["primary"]["busy"] == [
        {"start": "2026-01-05T08:00:00Z", "end": "2026-01-05T10:00:00Z"},
        {"start": "2026-01-05T14:00:00Z", "end": "2026-01-05T15:00:00Z"},
        {"start": "2026-01-06T23:00:00Z", "end": "2026-01-07T23:00:00Z"},
        {"start": "2026-01-12T08:00:00Z", "end": "2026-01-12T09:00:00Z"},
    ]


async def test_busy_times_end_where_the_question_does_and_are_in_the_zone_asked_for(stage: Stage) -> None:
    await stage.post(EVENTS, timed(5, 9, hours=4))
    asked = {"timeMin": "2026-01-05T09:00:00Z", "timeMax": "2026-01-05T10:00:00Z", "items": [{"id": "primary"}]}
    said = await stage.post("/freeBusy", {**asked, "timeZone": "Asia/Tokyo"})
    assert said["calendars"]["primary"]["busy"] == [
        {"start": "2026-01-05T18:00:00+09:00", "end": "2026-01-05T19:00:00+09:00"}
    ]


async def test_busy_times_of_a_calendar_that_may_not_be_seen_are_an_error_in_the_answer(stage: Stage) -> None:
    asked = {"timeMin": "2026-01-05T00:00:00Z", "timeMax": "2026-01-06T00:00:00Z", "items": [{"id": GUEST.email}]}
    said = await stage.post("/freeBusy", asked)
    assert said["calendars"][GUEST.email]["errors"] == [{"domain": "global", "reason": "notFound"}]
    assert await stage.refused("POST", "/freeBusy", {"items": []}) == (400, "required")
    too_many = {**asked, "items": [{"id": "primary"}] * 51}
    assert await stage.refused("POST", "/freeBusy", too_many) == (400, "tooManyCalendarsRequested")


async def test_settings_and_colors_can_be_looked_up(stage: Stage) -> None:
    assert (await stage.get("/users/me/settings/timezone"))["value"] == "Europe/Berlin"
    assert len((await stage.get("/users/me/settings"))["items"]) == 3
    assert await stage.refused("GET", "/users/me/settings/shoe") == (404, "notFound")
    assert (await stage.get("/colors"))["event"]["1"]["background"]
