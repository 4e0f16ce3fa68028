"""Tokens, scopes, roles and quotas."""

from kalends.sandbox.google.methods import METHODS, SCOPES
from kalends.sandbox.google.routes import HANDLERS
from tests.sandbox.google import discovery
from tests.sandbox.google.stage import EVENTS, GUEST, OWNER, Stage, timed

LIST = "/users/me/calendarList"
LEFT_OUT = {"calendars.transferOwnership", "events.quickAdd", "settings.watch"}


def test_methods_paths_and_scopes_are_those_of_googles_document() -> None:
    theirs = {
        name: (method["httpMethod"], method["path"], {one.removeprefix(SCOPES) for one in method["scopes"]})
        for name, method in discovery.methods()
        if not name.startswith("acl.") and name not in LEFT_OUT
    }
    assert {name: (method.verb, method.path, set(method.scopes)) for name, method in METHODS.items()} == theirs
    assert set(HANDLERS) == set(METHODS)


async def test_an_unknown_token_is_answered_as_google_does(stage: Stage) -> None:
    for headers in ({"Authorization": "Bearer stale"}, {"Authorization": "Basic owner"}, {"Authorization": ""}):
        answer = await stage.http.get("/calendar/v3/users/me/calendarList", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        error = answer.json()["error"]
        assert error["code"] == 401
        assert error["errors"][0] == {
            "domain": "global",
            "reason": "authError",
            "message": "Invalid Credentials",
            "locationType": "header",
            "location": "Authorization",
        }


async def test_scopes_decide_which_methods_may_be_called(stage: Stage) -> None:
    events = stage.tokens.add("events", OWNER, "calendar.events")
    assert await stage.refused("GET", LIST, token=events) == (403, "insufficientPermissions")
    assert (await stage.ask("POST", EVENTS, timed(), token=events)).status_code == 200
    read = stage.tokens.add("read", OWNER, "calendar.events.readonly")
    assert await stage.refused("POST", EVENTS, timed(), token=read) == (403, "insufficientPermissions")
    assert len((await stage.get(EVENTS, token=read))["items"]) == 1
    assert await stage.refused("GET", EVENTS, token=stage.tokens.add("none", OWNER)) == (
        403,
        "insufficientPermissions",
    )


async def test_an_application_reaches_only_the_calendars_it_made(stage: Stage) -> None:
    mine = stage.tokens.add("mine", OWNER, "calendar.app.created")
    others = stage.tokens.add("others", OWNER, "calendar.app.created", client="8-other")
    made = (await stage.post("/calendars", {"summary": "Copies"}, token=mine))["id"]
    path = f"/calendars/{made}/events"
    assert (await stage.post(path, timed(), token=mine))["id"]
    assert await stage.refused("GET", path, token=others) == (403, "insufficientPermissions")
    assert await stage.refused("GET", EVENTS, token=mine) == (403, "insufficientPermissions")
    assert await stage.refused("GET", f"{LIST}/primary", token=mine) == (403, "insufficientPermissions")


async def test_owned_and_public_and_availability_scopes_reach_as_far_as_they_say(stage: Stage) -> None:
    await stage.post(EVENTS, timed())
    await stage.press(f"/users/{OWNER.email}/calendars/primary/share", {"email": GUEST.email, "role": "writer"})
    path = f"/calendars/{OWNER.email}/events"
    owned = stage.tokens.add("owned", GUEST, "calendar.events.owned")
    assert await stage.refused("GET", path, token=owned) == (403, "insufficientPermissions")
    assert (await stage.get(EVENTS, token=owned))["items"] == []
    public = stage.tokens.add("public", GUEST, "calendar.events.public.readonly")
    assert await stage.refused("GET", path, token=public) == (403, "insufficientPermissions")
    stage.state.calendars[OWNER.email].public = True
    assert len((await stage.get(path, token=public))["items"]) == 1
    busy = stage.tokens.add("busy", OWNER, "calendar.events.freebusy")
    (seen,) = (await stage.get(EVENTS, token=busy))["items"]
    assert "summary" not in seen
    assert seen["start"]["dateTime"] == "2026-01-05T09:00:00+01:00"


async def test_one_request_too_many_in_a_minute_is_refused_until_the_next(stage: Stage) -> None:
    await stage.press("/quotas", {"perUser": 3})
    for _ in range(3):
        await stage.get("/colors")
    assert await stage.refused("GET", "/colors") == (403, "userRateLimitExceeded")
    assert (await stage.get("/colors", token="guest"))["kind"]
    answer = await stage.ask("GET", "/colors")
    assert answer.json()["error"]["errors"][0]["domain"] == "usageLimits"
    stage.advance(minutes=1)
    assert (await stage.get("/colors"))["kind"]


async def test_a_project_has_a_quota_of_its_own_and_refusals_may_be_429(stage: Stage) -> None:
    await stage.press("/quotas", {"perProject": 1})
    await stage.get("/colors")
    assert await stage.refused("GET", "/colors", token="guest") == (403, "rateLimitExceeded")
    await stage.press("/quotas", {"style": "429"})
    assert await stage.refused("GET", "/colors") == (429, "rateLimitExceeded")
    await stage.press("/quotas", {"on": False})
    assert (await stage.get("/colors"))["kind"]


async def test_google_has_no_such_method(loose: Stage) -> None:
    assert await loose.refused("GET", "/calendars/primary/shoes") == (404, "notFound")
    assert await loose.refused("DELETE", "/colors") == (404, "notFound")
