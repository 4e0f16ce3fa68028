"""The switches under /_sandbox: time, faults, requests, oddities, and calendars without a token."""

from datetime import datetime

import httpx2
import pytest

from kalends.sandbox.serving import serving
from tests.sandbox.microsoft.stage import OWNER, Stage, timed, weekly

CALENDAR = f"/users/{OWNER.email}/calendars/primary"


async def test_time_moves_on_and_never_back(stage: Stage) -> None:
    before = datetime.fromisoformat((await stage.press("/time", verb="GET"))["now"])
    after = datetime.fromisoformat((await stage.press("/time", {"advanceSeconds": 86400}))["now"])
    assert 86400 <= (after - before).total_seconds() < 86460
    assert (await stage.http.post("/_sandbox/time", json={"advanceSeconds": -1})).status_code == 400
    made = await stage.create()
    assert made["createdDateTime"] >= after.strftime("%Y-%m-%dT%H:%M:%S")


async def test_a_fault_strikes_what_it_matches_and_so_often(stage: Stage) -> None:
    order = {"path": "calendarView", "method": "GET", "status": 503, "times": 2, "retryAfter": "9"}
    await stage.press("/faults", order)
    await stage.get("/me/calendars")
    for _ in range(2):
        answer = await stage.ask("GET", "/me/calendarView/delta")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "9")
        assert answer.json()["error"]["code"] == "serviceNotAvailable"
    assert await stage.refused("GET", "/me/calendarView/delta") == (400, "ErrorInvalidParameter")
    await stage.press(
        "/faults", {"status": 429, "reason": "ApplicationThrottled", "message": "Slow down.", "times": None}
    )
    assert await stage.refused("GET", "/me") == (429, "ApplicationThrottled")
    assert (await stage.press("/faults", verb="DELETE"))["faults"] == []
    await stage.get("/me")


async def test_a_fault_may_cut_the_connection(stage: Stage) -> None:
    async with serving(stage.app) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        await http.post("/_sandbox/faults", json={"cut": True})
        with pytest.raises(httpx2.RemoteProtocolError):
            await http.get("/v1.0/me")
        assert (await http.get("/v1.0/me", headers={"Authorization": "Bearer owner"})).status_code == 200


async def test_requests_are_remembered_with_what_they_asked(stage: Stage) -> None:
    await stage.get("/me/calendars", top_=3)
    await stage.refused("GET", "/me/calendars/x")
    asked = (await stage.press("/requests", verb="GET"))["requests"]
    assert asked == [
        {"method": "GET", "path": "/v1.0/me/calendars?%24top=3", "status": 200},
        {"method": "GET", "path": "/v1.0/me/calendars/x", "status": 400},
    ]
    assert (await stage.press("/requests", verb="DELETE"))["requests"] == []


async def test_oddities_are_set_one_by_one_and_checked(stage: Stage) -> None:
    await stage.odd(mostPerPage=3)
    shown = await stage.press("/oddities", {"goneStyle": "404"})
    assert (shown["mostPerPage"], shown["goneStyle"], shown["transactionSeconds"]) == (3, "404", 300.0)
    assert (await stage.press("/oddities", {"mostPerPage": None}))["mostPerPage"] is None
    for wrong in (
        {"goneStyle": "500"},
        {"masters": "middle"},
        {"removedReason": 5},
        {"unknown": 1},
        {"emptyPages": True},
        {"duplicateTransaction": "yes"},
    ):
        assert (await stage.http.post("/_sandbox/oddities", json=wrong)).status_code == 400, wrong
    assert (await stage.press("/oddities", verb="GET"))["goneStyle"] == "404"


async def test_calendars_and_events_are_changed_without_a_token(stage: Stage) -> None:
    team = await stage.press(f"/users/{OWNER.email}/calendars", {"name": "Team"})
    shown = await stage.press(f"/users/{OWNER.email}/calendars", verb="GET")
    assert [one["name"] for one in shown["calendars"]] == ["Calendar", "Team"]
    made = await stage.press(f"{CALENDAR}/events", weekly(3))
    assert [one["id"] for one in (await stage.get("/me/events"))["value"]] == [made["id"]]
    second = (await stage.view())[1]["id"]
    changed = await stage.press(f"{CALENDAR}/events/{second}", {"subject": "Changed"}, "PATCH")
    assert changed["type"] == "exception"
    listed = (await stage.press(f"{CALENDAR}/events", verb="GET"))["events"]
    assert [one["type"] for one in listed] == ["seriesMaster", "exception"]
    await stage.press(f"{CALENDAR}/events/{made['id']}", verb="DELETE")
    assert (await stage.get("/me/events"))["value"] == []
    await stage.press(f"/users/{OWNER.email}/calendars/{team['id']}", verb="DELETE")
    assert len((await stage.get("/me/calendars"))["value"]) == 1


async def test_switches_refuse_what_they_cannot_do(stage: Stage) -> None:
    for verb, path, body, status in (
        ("POST", "/users/nobody@contoso.example/calendars", {"name": "x"}, 404),
        ("POST", f"{CALENDAR}/share", {"email": "nobody@x.y", "role": "read"}, 400),
        ("POST", f"{CALENDAR}/share", {"email": OWNER.email, "role": "read"}, 400),
        ("POST", f"{CALENDAR}/events", {"subject": "x"}, 400),
        ("POST", f"{CALENDAR}/events", timed(summary="x"), 400),
        ("DELETE", CALENDAR, None, 400),
        ("POST", "/faults", {"status": 5}, 400),
    ):
        answer = await stage.http.request(verb, f"/_sandbox{path}", json=body)
        assert answer.status_code == status, (path, answer.text)


async def test_switches_are_for_this_machine_only(stage: Stage) -> None:
    for headers in ({"Origin": "http://127.0.0.1"}, {"Host": "sandbox.example"}):
        assert (await stage.http.get("/_sandbox/users", headers=headers)).status_code == 403
    users = (await stage.press("/users", verb="GET"))["users"]
    assert {"id": OWNER.id, "email": OWNER.email, "tenantId": OWNER.tenant_id} in users
