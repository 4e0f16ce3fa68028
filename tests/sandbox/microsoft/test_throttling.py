"""Throttling: so many requests at a time, and so many in ten minutes."""

import asyncio

from tests.sandbox.google.receiver import soon
from tests.sandbox.microsoft.stage import GUEST, OWNER, Stage

CALENDARS = "/me/calendars"


async def test_a_fifth_request_at_a_time_is_refused(stage: Stage) -> None:
    await stage.press("/throttling", {"latencySeconds": 0.2, "retryAfterSeconds": 7})
    answers = await asyncio.gather(*(stage.ask("GET", CALENDARS) for _ in range(6)))
    refused = [one for one in answers if one.status_code == 429]
    assert sorted(one.status_code for one in answers) == [200] * 4 + [429] * 2
    assert {one.json()["error"]["code"] for one in refused} == {"ApplicationThrottled"}
    assert {one.json()["error"]["message"] for one in refused} == {"Application is over its MailboxConcurrency limit."}
    assert {one.headers["Retry-After"] for one in refused} == {"7"}
    shown = await stage.press("/throttling", verb="GET")
    assert (shown["peak"], shown["refused"]) == (5, 2), "those turned away were under way as well"
    asked = (await stage.press("/requests", verb="GET"))["requests"]
    assert sorted(one["status"] for one in asked) == [200] * 4 + [429] * 2
    assert (await stage.ask("GET", CALENDARS)).status_code == 200


async def test_other_mailboxes_and_apps_have_their_own_places(stage: Stage) -> None:
    await stage.press("/throttling", {"latencySeconds": 0.2})
    stage.tokens.add_app("app", "Calendars.Read")
    stage.tokens.add("owner again", "Calendars.Read")
    mine = [stage.ask("GET", CALENDARS) for _ in range(4)]
    theirs = [stage.ask("GET", CALENDARS, token="guest") for _ in range(4)]
    answers = await asyncio.gather(
        *mine, *theirs, stage.ask("GET", f"/users/{OWNER.id}/calendars", token="owner again")
    )
    assert sorted(one.status_code for one in answers) == [200] * 8 + [429]
    assert (await stage.press("/throttling", verb="GET"))["peak"] == 5
    assert (await stage.press("/throttling", verb="DELETE"))["peak"] == 0
    answers = await asyncio.gather(
        *(stage.ask("GET", f"/users/{GUEST.email}/calendars", token="app") for _ in range(4))
    )
    assert {one.status_code for one in answers} == {200}


async def test_requests_that_a_fault_holds_up_count_as_under_way(stage: Stage) -> None:
    await stage.press("/faults", {"delaySeconds": 0.3, "times": 4})
    waiting = [asyncio.create_task(stage.ask("GET", CALENDARS)) for _ in range(4)]
    await soon(lambda: stage.app.state.throttle.peak == 4)
    assert (await stage.ask("GET", CALENDARS)).status_code == 429
    assert {one.status_code for one in await asyncio.gather(*waiting)} == {200}


async def test_so_many_requests_in_ten_minutes_and_no_more(stage: Stage) -> None:
    stage.advance(seconds=600 - stage.clock.now().timestamp() % 600)
    await stage.press("/throttling", {"perTenMinutes": 2})
    for _ in range(2):
        await stage.get(CALENDARS)
    answer = await stage.ask("GET", CALENDARS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "ApplicationThrottled")
    assert 0 < int(answer.headers["Retry-After"]) <= 600
    assert (await stage.ask("GET", CALENDARS, token="guest")).status_code == 200
    stage.advance(minutes=10)
    await stage.get(CALENDARS)


async def test_throttling_can_be_switched_off(stage: Stage) -> None:
    await stage.press("/throttling", {"on": False, "latencySeconds": 0.1, "perTenMinutes": 1})
    answers = await asyncio.gather(*(stage.ask("GET", CALENDARS) for _ in range(6)))
    assert {one.status_code for one in answers} == {200}
    assert (await stage.press("/throttling", verb="GET"))["peak"] == 6
    answer = await stage.http.post("/_sandbox/throttling", json={"atATime": "four"})
    assert answer.status_code == 400
