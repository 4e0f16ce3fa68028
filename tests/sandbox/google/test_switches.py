"""The switches under /_sandbox: time, faults, requests, and calendars without a token."""

import asyncio

import httpx2
import pytest

from kalends.sandbox.serving import serving
from tests.sandbox.google.stage import EVENTS, OWNER, Stage, timed

MINE = f"/users/{OWNER.email}/calendars"


async def test_time_goes_forward_only(stage: Stage) -> None:
    before = stage.clock.now()
    said = await stage.press("/time", {"advanceSeconds": 3600})
    assert said["now"][:16] == stage.clock.now().isoformat()[:16]
    assert (stage.clock.now() - before).total_seconds() >= 3600
    for wrong in ({"advanceSeconds": -1}, {"advanceSeconds": "x"}, {"advanceSeconds": 1e300}, {"advanceSeconds": True}):
        answer = await stage.http.post("/_sandbox/time", json=wrong)
        assert answer.status_code == 400


async def test_a_fault_answers_as_often_as_ordered(stage: Stage) -> None:
    order = {"method": "GET", "path": "/events", "times": 2, "status": 503, "retryAfter": "7"}
    await stage.press("/faults", order)
    await stage.post(EVENTS, timed())
    assert (await stage.get("/colors"))["kind"]
    answer = await stage.ask("GET", EVENTS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert await stage.refused("GET", EVENTS) == (503, "backendError")
    assert len((await stage.get(EVENTS))["items"]) == 1


async def test_a_fault_names_the_reason_and_may_stay_until_it_is_taken_away(stage: Stage) -> None:
    order = {"path": "pageToken=|colors", "times": None, "status": 403, "reason": "rateLimitExceeded"}
    await stage.press("/faults", {**order, "domain": "usageLimits"})
    for _ in range(3):
        assert await stage.refused("GET", "/colors") == (403, "rateLimitExceeded")
    assert (await stage.press("/faults", verb="GET"))["faults"][0]["times"] is None
    await stage.press("/faults", verb="DELETE")
    assert (await stage.get("/colors"))["kind"]


async def test_a_fault_may_wait_and_then_let_the_request_through(stage: Stage) -> None:
    await stage.press("/faults", {"delaySeconds": 0.2})
    before = asyncio.get_running_loop().time()
    assert (await stage.get("/colors"))["kind"]
    assert asyncio.get_running_loop().time() - before >= 0.2


async def test_a_fault_may_cut_the_connection(stage: Stage) -> None:
    async with serving(stage.app) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        await http.post("/_sandbox/faults", json={"cut": True})
        headers = {"Authorization": "Bearer owner"}
        with pytest.raises(httpx2.RemoteProtocolError):
            await http.get("/calendar/v3/colors", headers=headers)
        assert (await http.get("/calendar/v3/colors", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "order",
    [{"paths": "x"}, {"path": "("}, {"status": 9}, {"times": "2"}, {"delaySeconds": 1e9}, {"path": None}, {"cut": 1}],
)
async def test_an_order_that_makes_no_sense_is_refused(stage: Stage, order: dict[str, object]) -> None:
    assert (await stage.http.post("/_sandbox/faults", json=order)).status_code == 400
    assert (await stage.press("/faults", verb="GET"))["faults"] == []


async def test_requests_are_recorded_without_secrets(loose: Stage) -> None:
    await loose.ask("GET", "/colors", oauth_token="tell-nobody", fields="kind")
    await loose.refused("GET", "/calendars/x/events")
    await loose.http.get("/token?code=tell-nobody")
    said = await loose.press("/requests", verb="GET")
    assert [(one["method"], one["status"]) for one in said["requests"]] == [("GET", 200), ("GET", 404), ("GET", 404)]
    assert "fields=kind" in said["requests"][0]["path"]
    assert "tell-nobody" not in str(said)
    assert "owner" not in str(said)
    assert (await loose.press("/requests", verb="DELETE"))["requests"] == []


async def test_events_are_made_changed_and_deleted_without_a_token(stage: Stage) -> None:
    _, token = await stage.all()
    made = (await stage.press(f"{MINE}/primary/events", timed()))["id"]
    await stage.press(f"{MINE}/primary/events/{made}", {"summary": "New"}, "PATCH")
    ((told,), following) = await stage.all(syncToken=token)
    assert told["summary"] == "New"
    await stage.press(f"{MINE}/primary/events/{made}", verb="DELETE")
    assert [one["status"] for one in (await stage.all(syncToken=following))[0]] == ["cancelled"]
    (raw,) = (await stage.press(f"{MINE}/primary/events", verb="GET"))["events"]
    assert (raw["id"], raw["status"]) == (made, "cancelled")


async def test_calendars_are_made_shown_and_deleted_without_a_token(stage: Stage) -> None:
    made = (await stage.press(MINE, {"summary": "Team"}))["id"]
    assert [one["id"] for one in (await stage.press(MINE, verb="GET"))["calendars"]] == [OWNER.email, made]
    await stage.press(f"{MINE}/{made}", verb="DELETE")
    assert await stage.refused("GET", f"/calendars/{made}") == (404, "notFound")
    assert (await stage.press("/users", verb="GET"))["users"][0]["email"] == OWNER.email
    assert (await stage.http.get("/_sandbox/users/nobody/calendars")).status_code == 404


async def test_only_programs_on_this_machine_press_switches(stage: Stage) -> None:
    elsewhere = httpx2.ASGITransport(app=stage.app, client=("192.0.2.1", 1))
    async with httpx2.AsyncClient(transport=elsewhere, base_url="http://127.0.0.1", trust_env=False) as http:
        assert (await http.get("/_sandbox/users")).status_code == 403
    for headers in ({"Host": "rebound.example"}, {"Origin": "http://127.0.0.1"}):
        assert (await stage.http.get("/_sandbox/users", headers=headers)).status_code == 403
