"""JSON batching."""

from tests.sandbox.microsoft.stage import Json, Stage, good, timed

BATCH = "/$batch"
JSON = {"Content-Type": "application/json"}


async def batch(stage: Stage, *requests: Json, token: str = "owner") -> dict[str, Json]:
    said = good(await stage.ask("POST", BATCH, {"requests": [*requests]}, token=token))
    assert set(said) == {"responses"}
    return {one["id"]: one for one in said["responses"]}


def get(name: str, url: str, **fields: object) -> Json:
    return {"id": name, "method": "GET", "url": url, **fields}


async def test_each_request_has_a_status_of_its_own(stage: Stage) -> None:
    made = await stage.create()
    answers = await batch(
        stage,
        get("1", f"/me/events/{made['id']}?$select=subject", headers={"Prefer": 'IdType="ImmutableId"'}),
        get("2", "/me/calendars/nonsense"),
        {"id": "3", "method": "POST", "url": "/me/events", "headers": JSON, "body": timed(6)},
        {"id": "4", "method": "DELETE", "url": f"/me/events/{made['id']}"},
        get("5", "/me/calendars?$foo=1"),
    )
    assert {name: one["status"] for name, one in answers.items()} == {"1": 200, "2": 400, "3": 201, "4": 204, "5": 400}
    assert answers["1"]["body"]["subject"] == "Meeting"
    assert answers["1"]["body"]["id"] != made["id"]
    assert answers["2"]["body"]["error"]["code"] == "ErrorInvalidIdMalformed"
    assert "body" not in answers["4"]
    assert len((await stage.get("/me/events"))["value"]) == 1


async def test_answers_come_in_another_order(stage: Stage) -> None:
    said = good(await stage.ask("POST", BATCH, {"requests": [get(str(n), "/me") for n in range(3)]}))
    assert [one["id"] for one in said["responses"]] == ["2", "1", "0"]


async def test_twenty_requests_at_most(stage: Stage) -> None:
    await batch(stage, *(get(str(n), "/me") for n in range(20)))
    refused = await stage.refused("POST", BATCH, {"requests": [get(str(n), "/me") for n in range(21)]})
    assert refused == (400, "BadRequest")


async def test_batches_that_cannot_be_read_are_refused_whole(stage: Stage) -> None:
    wrong: list[Json] = [
        {},
        {"requests": []},
        {"requests": [get("1", "/me")], "more": 1},
        {"requests": [get("1", "/me"), get("1", "/me")]},
        {"requests": [get("1", "https://graph.microsoft.com/v1.0/me")]},
        {"requests": [get("1", "/me", dependsOn=["2"])]},
        {"requests": [{"id": 1, "method": "GET", "url": "/me"}]},
        {"requests": [{"id": "1", "url": "/me"}]},
        {"requests": [get("1", "/me", verb="GET")]},
    ]
    for body in wrong:
        assert await stage.refused("POST", BATCH, body) == (400, "BadRequest"), body


async def test_a_body_needs_its_type(stage: Stage) -> None:
    answers = await batch(stage, {"id": "1", "method": "POST", "url": "/me/events", "body": timed()})
    assert answers["1"]["status"] == 400
    assert (await stage.get("/me/events"))["value"] == []


async def test_what_depends_on_a_failure_fails(stage: Stage) -> None:
    answers = await batch(
        stage, get("1", "/me/calendars/nonsense"), get("2", "/me", dependsOn=["1"]), get("3", "/me", dependsOn=["2"])
    )
    assert [answers[name]["status"] for name in "123"] == [400, 424, 424]


async def test_a_batch_holds_no_batch(stage: Stage) -> None:
    inner = {"id": "1", "method": "POST", "url": "/$batch", "headers": JSON, "body": {"requests": [get("1", "/me")]}}
    assert (await batch(stage, inner))["1"]["status"] == 400


async def test_faults_and_throttling_strike_single_requests(stage: Stage) -> None:
    await stage.press("/faults", {"path": "calendars", "status": 503, "retryAfter": "3"})
    answers = await batch(stage, get("1", "/me"), get("2", "/me/calendars"), get("3", "/me/calendars"))
    assert [answers[name]["status"] for name in "123"] == [200, 503, 200]
    assert answers["2"]["headers"]["Retry-After"] == "3"
    asked = (await stage.press("/requests", verb="GET"))["requests"]
    assert [(one["path"], one["status"]) for one in asked] == [
        ("/v1.0/me", 200),
        ("/v1.0/me/calendars", 503),
        ("/v1.0/me/calendars", 200),
        ("/v1.0/$batch", 200),
    ]
    await stage.press("/throttling", verb="DELETE")
    await stage.press("/throttling", {"perTenMinutes": 1})
    answers = await batch(stage, get("1", "/me/calendars"), get("2", "/me/calendars"))
    assert sorted(one["status"] for one in answers.values()) == [200, 429]


async def test_a_batch_needs_a_token(stage: Stage) -> None:
    refused = await stage.refused("POST", BATCH, {"requests": [get("1", "/me")]}, token="nobody")
    assert refused == (401, "InvalidAuthenticationToken")
