"""Subscriptions: validation, renewal, what is delivered, and how deliveries and subscriptions go wrong."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kalends.sandbox.microsoft import notifications
from tests.sandbox.google.receiver import soon
from tests.sandbox.microsoft.receiver import Receiver, receiving
from tests.sandbox.microsoft.stage import APP, OWNER, Json, Stage, timed, weekly

PATH = "/subscriptions"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


def subscription(stage: Stage, receiver: Receiver, minutes: float = 60, **fields: object) -> Json:
    expires = stage.clock.now() + timedelta(minutes=minutes)
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{receiver.url}/hook",
        "resource": "me/events",
        "expirationDateTime": expires.isoformat(),
        "clientState": "secret",
        **fields,
    }


async def test_a_subscriber_proves_itself_and_is_told_of_changes(stage: Stage, receiver: Receiver) -> None:
    made = await stage.post(PATH, subscription(stage, receiver))
    assert receiver.validated == ["/hook"]
    assert (made["applicationId"], made["creatorId"], made["resource"]) == (APP, OWNER.id, "me/events")
    event = await stage.create()
    await soon(lambda: len(receiver.got) == 1)
    told = receiver.got[0]
    assert (told["subscriptionId"], told["changeType"], told["clientState"]) == (made["id"], "created", "secret")
    assert told["tenantId"] == OWNER.tenant_id
    assert told["resource"] == f"Users/{OWNER.id}/Events/{event['id']}"
    assert told["resourceData"] == {
        "@odata.type": "#Microsoft.Graph.Event",
        "@odata.id": told["resource"],
        "@odata.etag": event["@odata.etag"],
        "id": event["id"],
    }
    await stage.patch(f"/me/events/{event['id']}", {"subject": "Other"})
    await soon(lambda: len(receiver.got) == 2)
    await stage.delete(f"/me/events/{event['id']}")
    await soon(lambda: len(receiver.got) == 3)
    assert [one["changeType"] for one in receiver.got] == ["created", "updated", "deleted"]


async def test_changes_at_once_come_in_one_message(stage: Stage, receiver: Receiver) -> None:
    await stage.post(PATH, subscription(stage, receiver, changeType="created"))
    for day in (5, 6, 7):
        await stage.create(day=day)
    await soon(lambda: len(receiver.got) == 3)
    assert receiver.messages == 1


@pytest.mark.parametrize("proof", ["wrong", "html", "202"])
async def test_whoever_cannot_prove_itself_is_refused(stage: Stage, receiver: Receiver, proof: str) -> None:
    receiver.proof = proof
    assert await stage.refused("POST", PATH, subscription(stage, receiver)) == (400, "ValidationError")
    assert (await stage.get(PATH))["value"] == []


async def test_whoever_is_too_slow_or_away_is_refused(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "VALIDATION_SECONDS", 0.1)
    receiver.proof = "slow"
    assert await stage.refused("POST", PATH, subscription(stage, receiver)) == (400, "ValidationError")
    away = subscription(stage, receiver, notificationUrl="http://127.0.0.1:9/hook")
    assert await stage.refused("POST", PATH, away) == (400, "ValidationError")
    elsewhere = subscription(stage, receiver, notificationUrl="https://example.com/hook")
    assert await stage.refused("POST", PATH, elsewhere) == (400, "ValidationError")


async def test_both_endpoints_prove_themselves(stage: Stage, receiver: Receiver) -> None:
    await stage.post(PATH, subscription(stage, receiver, lifecycleNotificationUrl=f"{receiver.url}/life"))
    assert sorted(receiver.validated) == ["/hook", "/life"]


async def test_subscriptions_that_cannot_be_are_refused(stage: Stage, receiver: Receiver) -> None:
    wrong: list[tuple[Json, tuple[int, str]]] = [
        ({"changeType": "changed"}, (400, "InvalidRequest")),
        ({"changeType": None}, (400, "InvalidRequest")),
        ({"notificationUrl": "http://example.com/"}, (400, "InvalidRequest")),
        ({"notificationUrl": None}, (400, "InvalidRequest")),
        ({"resource": "me/messages"}, (400, "InvalidRequest")),
        ({"resource": "me/calendarView"}, (400, "InvalidRequest")),
        ({"resource": "me/calendars/nonsense/events"}, (400, "ErrorInvalidIdMalformed")),
        ({"resource": "users/guest@contoso.example/events"}, (403, "ErrorAccessDenied")),
        ({"resource": "users/stranger@fabrikam.example/events"}, (404, "ErrorInvalidUser")),
        ({"clientState": "x" * 129}, (400, "InvalidRequest")),
        ({"expirationDateTime": None}, (400, "InvalidRequest")),
        ({"expirationDateTime": "2020-01-01T00:00:00Z"}, (400, "InvalidRequest")),
        ({"includeResourceData": True}, (400, "InvalidRequest")),
        ({"address": "x"}, (400, "RequestBodyRead")),
    ]
    for fields, expected in wrong:
        assert await stage.refused("POST", PATH, subscription(stage, receiver, **fields)) == expected, fields
    assert receiver.validated == []


async def test_a_subscription_lives_seven_days_at_most(stage: Stage, receiver: Receiver) -> None:
    await stage.post(PATH, subscription(stage, receiver, minutes=10_080))
    too_long = subscription(stage, receiver, minutes=10_082)
    assert await stage.refused("POST", PATH, too_long) == (400, "InvalidRequest")


async def test_a_renewed_subscription_lives_on_and_others_run_out(stage: Stage, receiver: Receiver) -> None:
    first, second = [await stage.post(PATH, subscription(stage, receiver)) for _ in range(2)]
    later = (stage.clock.now() + timedelta(minutes=200)).isoformat()
    renewed = await stage.patch(f"{PATH}/{first['id']}", {"expirationDateTime": later})
    assert renewed["expirationDateTime"] > first["expirationDateTime"]
    stage.advance(minutes=61)
    assert [one["id"] for one in (await stage.get(PATH))["value"]] == [first["id"]]
    gone = await stage.refused("PATCH", f"{PATH}/{second['id']}", {"expirationDateTime": later})
    assert gone == (404, "ResourceNotFound")
    await stage.create()
    await soon(lambda: len(receiver.got) == 1)
    assert receiver.got[0]["subscriptionId"] == first["id"]
    wrong = await stage.refused("PATCH", f"{PATH}/{first['id']}", {"clientState": "x", "expirationDateTime": later})
    assert wrong == (400, "RequestBodyRead")


async def test_a_deleted_subscription_is_silent(stage: Stage, receiver: Receiver) -> None:
    gone = await stage.post(PATH, subscription(stage, receiver))
    kept = await stage.post(PATH, subscription(stage, receiver))
    assert (await stage.get(f"{PATH}/{gone['id']}"))["id"] == gone["id"]
    await stage.delete(f"{PATH}/{gone['id']}")
    assert await stage.refused("GET", f"{PATH}/{gone['id']}") == (404, "ResourceNotFound")
    await stage.create()
    await soon(lambda: len(receiver.got) == 1)
    assert receiver.got[0]["subscriptionId"] == kept["id"]


async def test_subscriptions_are_nobody_elses_business(stage: Stage, receiver: Receiver) -> None:
    made = await stage.post(PATH, subscription(stage, receiver))
    assert await stage.refused("GET", f"{PATH}/{made['id']}", token="guest") == (404, "ResourceNotFound")
    assert (await stage.get(PATH, token="guest"))["value"] == []
    stage.tokens.add("poor", "User.Read")
    refused = await stage.refused("POST", PATH, subscription(stage, receiver), token="poor")
    assert refused == (403, "ErrorAccessDenied")


async def test_a_subscription_to_one_calendar_hears_of_no_other(stage: Stage, receiver: Receiver) -> None:
    team = (await stage.post("/me/calendars", {"name": "Team"}))["id"]
    await stage.post(PATH, subscription(stage, receiver, resource=f"/me/calendars/{team}/events"))
    await stage.create()
    there = await stage.post(f"/me/calendars/{team}/events", timed())
    await soon(lambda: len(receiver.got) == 1)
    assert receiver.got[0]["resourceData"]["id"] == there["id"]
    control = await stage.post(PATH, subscription(stage, receiver))
    changed = await stage.press(f"/users/{OWNER.email}/calendars/{team}/changeId")
    await stage.post(f"/me/calendars/{changed['id']}/events", timed())
    await soon(lambda: len(receiver.got) == 2)
    assert receiver.got[1]["subscriptionId"] == control["id"], "the calendar that was subscribed to is no more"


async def test_only_the_kinds_asked_for_are_told_and_occurrences_are_named(stage: Stage, receiver: Receiver) -> None:
    await stage.post(PATH, subscription(stage, receiver, changeType="deleted"))
    await stage.post("/me/events", weekly(3))
    _, second, _ = await stage.view()
    await stage.delete(f"/me/events/{second['id']}")
    await soon(lambda: len(receiver.got) == 1)
    assert receiver.got[0]["resourceData"]["id"] == second["id"]


async def test_deliveries_are_dropped_doubled_delayed_and_tried_again(stage: Stage, receiver: Receiver) -> None:
    await stage.post(PATH, subscription(stage, receiver, changeType="created"))
    await stage.press("/push", {"drop": True})
    await stage.create(day=5)
    await soon(lambda: bool(_deliveries(stage)))
    assert _deliveries(stage) == ["dropped"]
    await stage.press("/push", {"drop": False, "double": True})
    await stage.create(day=6)
    await soon(lambda: receiver.messages == 2)
    assert receiver.got[0] == receiver.got[1]
    await stage.press("/push", {"double": False, "delaySeconds": 0.3})
    await stage.create(day=7)
    assert receiver.messages == 2
    await soon(lambda: receiver.messages == 3)
    receiver.statuses = [503, 503]
    await stage.create(day=8)
    await soon(lambda: receiver.messages == 6)
    await soon(lambda: len(_deliveries(stage)) == 5)
    assert _deliveries(stage)[-1] == 202


def _deliveries(stage: Stage) -> list[object]:
    return [one["outcome"] for one in stage.app.state.subscriptions.notifier.deliveries]


async def test_events_in_the_life_of_a_subscription_are_told(stage: Stage, receiver: Receiver) -> None:
    made = await stage.post(PATH, subscription(stage, receiver, lifecycleNotificationUrl=f"{receiver.url}/life"))
    path = f"/subscriptions/{made['id']}/lifecycle"
    await stage.press(path, {"event": "missed"})
    await soon(lambda: len(receiver.got) == 1)
    told = receiver.got[0]
    assert (told["lifecycleEvent"], told["subscriptionId"], told["clientState"]) == ("missed", made["id"], "secret")
    await stage.press(path, {"event": "reauthorizationRequired"})
    await soon(lambda: len(receiver.got) == 2)
    await stage.create()
    answer = await stage.ask("POST", f"{PATH}/{made['id']}/reauthorize")
    assert answer.status_code == 204
    second = await stage.create(day=6)
    await soon(lambda: len(receiver.got) == 3)
    assert receiver.got[2]["resourceData"]["id"] == second["id"], "what happened meanwhile is not told"
    await stage.press(path, {"event": "subscriptionRemoved"})
    await soon(lambda: len(receiver.got) == 4)
    assert await stage.refused("GET", f"{PATH}/{made['id']}") == (404, "ResourceNotFound")
    answer = await stage.http.post(f"/_sandbox{path}", json={"event": "missed"})
    assert answer.status_code == 404


async def test_switches_show_subscriptions_without_their_secrets(stage: Stage, receiver: Receiver) -> None:
    await stage.post(PATH, subscription(stage, receiver))
    (shown,) = (await stage.press("/push", verb="GET"))["subscriptions"]
    assert shown["clientState"] is None
    assert "secret" not in str(shown)
