"""Push notifications: watches, what is delivered, and how deliveries go wrong."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.google.receiver import Receiver, receiving, soon
from tests.sandbox.google.stage import EVENTS, OWNER, Json, Stage, timed

LIST = "/users/me/calendarList"
WATCH = f"{EVENTS}/watch"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


def channel(address: str, name: str = "one", **fields: object) -> Json:
    return {"id": name, "type": "web_hook", "address": address, **fields}


async def test_a_channel_begins_with_sync_and_tells_changes_without_saying_which(
    stage: Stage, receiver: Receiver
) -> None:
    opened = await stage.post(WATCH, channel(receiver.url, token="secret"))
    assert opened["resourceUri"] == "http://127.0.0.1/calendar/v3/calendars/primary/events?alt=json"
    await receiver.until(["sync"])
    await stage.post(EVENTS, timed())
    await receiver.until(["sync", "exists"])
    first, second = receiver.got
    assert first["x-goog-message-number"] == "1"
    assert int(second["x-goog-message-number"]) > 1
    for one in receiver.got:
        assert one["x-goog-channel-id"] == "one"
        assert one["x-goog-channel-token"] == "secret"
        assert one["x-goog-resource-id"] == opened["resourceId"]
        assert one["x-goog-resource-uri"] == opened["resourceUri"]
        expires = parsedate_to_datetime(one["x-goog-channel-expiration"]).timestamp()
        assert abs(expires - int(opened["expiration"]) / 1000) < 1


async def test_several_changes_at_once_are_one_notification_and_numbers_leave_gaps(
    stage: Stage, receiver: Receiver
) -> None:
    await stage.post(WATCH, channel(receiver.url))
    await receiver.until(["sync"])
    await stage.post(EVENTS, timed(recurrence=["RRULE:FREQ=DAILY;COUNT=3"], id="abcde"))
    await receiver.until(["sync", "exists"])
    for instance in ("20260105", "20260106", "20260107"):
        await stage.delete(f"{EVENTS}/abcde_{instance}T080000Z")
    await soon(lambda: receiver.got[-1]["x-goog-message-number"] == "5")
    assert len(receiver.got) < 5


async def test_a_channel_lives_seven_days_at_most(stage: Stage, receiver: Receiver) -> None:
    now = stage.clock.now().timestamp()
    week = 7 * 86400
    asked: list[tuple[Json, int]] = [
        ({}, week),
        ({"params": {"ttl": "60"}}, 60),
        ({"params": {"ttl": "99999999"}}, week),
        ({"expiration": str(int(now + 3600) * 1000)}, 3600),
    ]
    for number, (fields, seconds) in enumerate(asked):
        opened = await stage.post(WATCH, channel(receiver.url, str(number), **fields))
        assert abs(int(opened["expiration"]) / 1000 - now - seconds) < 10
    for wrong in ({"expiration": str(int(now - 60) * 1000)}, {"params": {"ttl": "-5"}}):
        assert await stage.refused("POST", WATCH, channel(receiver.url, "x", **wrong)) == (400, "invalid")


async def test_expired_and_stopped_channels_are_silent(stage: Stage, receiver: Receiver) -> None:
    short = channel(receiver.url, "short", params={"ttl": "60"})
    opened = await stage.post(WATCH, channel(receiver.url, "stopped"))
    await stage.post(WATCH, short)
    await stage.post(WATCH, channel(receiver.url, "stays"))
    await receiver.until(["sync"] * 3)
    stop = {"id": "stopped", "resourceId": opened["resourceId"]}
    assert (await stage.ask("POST", "/channels/stop", stop)).status_code == 204
    stage.advance(minutes=2)
    await stage.post(EVENTS, timed())
    await receiver.until(["sync"] * 3 + ["exists"])
    assert receiver.got[-1]["x-goog-channel-id"] == "stays"
    assert await stage.refused("POST", "/channels/stop", stop) == (404, "notFound")


async def test_a_late_notification_does_not_reach_a_channel_that_has_ended_meanwhile(
    stage: Stage, receiver: Receiver
) -> None:
    opened = await stage.post(WATCH, channel(receiver.url, "stopped"))
    await stage.post(WATCH, channel(receiver.url, "short", params={"ttl": "60"}))
    await stage.post(WATCH, channel(receiver.url, "stays"))
    await receiver.until(["sync"] * 3)
    await stage.press("/push", {"delaySeconds": 0.5})
    await stage.post(EVENTS, timed())
    stop = {"id": "stopped", "resourceId": opened["resourceId"]}
    assert (await stage.ask("POST", "/channels/stop", stop)).status_code == 204
    stage.advance(minutes=2)
    await receiver.until(["sync"] * 3 + ["exists"])
    assert receiver.got[-1]["x-goog-channel-id"] == "stays"
    assert len(_outcomes(stage)) == 4


async def test_stopping_needs_id_and_resource_of_ones_own_channel(stage: Stage, receiver: Receiver) -> None:
    opened = await stage.post(WATCH, channel(receiver.url))
    stop = {"id": "one", "resourceId": opened["resourceId"]}
    assert await stage.refused("POST", "/channels/stop", {**stop, "resourceId": "other"}) == (404, "notFound")
    other = stage.tokens.add("other", OWNER, "calendar", client="8-other")
    assert await stage.refused("POST", "/channels/stop", stop, token=other) == (404, "notFound")


async def test_a_channel_id_is_used_once(stage: Stage, receiver: Receiver) -> None:
    first = await stage.post(WATCH, channel(receiver.url))
    assert await stage.refused("POST", WATCH, channel(receiver.url)) == (400, "channelIdNotUnique")
    second = await stage.post(WATCH, channel(receiver.url, "two"))
    assert second["resourceId"] == first["resourceId"]


async def test_addresses_are_https_or_on_loopback_and_nothing_is_sent_elsewhere(stage: Stage) -> None:
    assert await stage.refused("POST", WATCH, channel("http://example.com/")) == (400, "webhookUrlNotHttps")
    assert await stage.refused("POST", WATCH, channel("ftp://127.0.0.1/")) == (400, "webhookUrlNotHttps")
    assert await stage.refused("POST", WATCH, channel("")) == (400, "required")
    assert await stage.refused("POST", WATCH, channel("https://[/")) == (400, "invalid")
    assert await stage.refused("POST", WATCH, {**channel("https://example.com/"), "type": "mail"}) == (
        400,
        "unknownChannelType",
    )
    await stage.post(WATCH, channel("https://example.com/hook"))
    await soon(lambda: _outcomes(stage) != [])
    assert _outcomes(stage) == ["not on loopback"]


async def test_holidays_and_birthdays_cannot_be_watched(stage: Stage, receiver: Receiver) -> None:
    owner = stage.state.accounts[OWNER.email]
    stage.state.add_calendar(owner, "en.german#holiday@group.v.calendar.google.com", "Holidays", "UTC")
    path = "/calendars/en.german%23holiday@group.v.calendar.google.com/events/watch"
    assert await stage.refused("POST", path, channel(receiver.url)) == (400, "pushNotSupportedForRequestedResource")


async def test_the_list_of_calendars_can_be_watched(stage: Stage, receiver: Receiver) -> None:
    await stage.post(f"{LIST}/watch", channel(receiver.url))
    await receiver.until(["sync"])
    await stage.post("/calendars", {"summary": "Team"})
    await receiver.until(["sync", "exists"])


async def test_a_deleted_calendar_does_not_exist_any_more(stage: Stage, receiver: Receiver) -> None:
    team = (await stage.post("/calendars", {"summary": "Team"}))["id"]
    await stage.post(f"/calendars/{team}/events/watch", channel(receiver.url))
    await receiver.until(["sync"])
    await stage.delete(f"/calendars/{team}")
    await receiver.until(["sync", "not_exists"])


async def test_a_delivery_that_fails_for_now_is_repeated_and_any_other_is_not(stage: Stage, receiver: Receiver) -> None:
    receiver.statuses = [503, 500, 200]
    await stage.post(WATCH, channel(receiver.url))
    await receiver.until(["sync"] * 3)
    receiver.statuses = [404]
    await stage.post(EVENTS, timed())
    await soon(lambda: len(_outcomes(stage)) == 2)
    assert _outcomes(stage) == [200, 404]
    assert receiver.states == ["sync", "sync", "sync", "exists"]
    assert len({one["x-goog-message-number"] for one in receiver.got[:3]}) == 1


async def test_an_address_where_nobody_is_gets_dropped(stage: Stage) -> None:
    async with receiving() as gone:
        address = gone.url
    await stage.post(WATCH, channel(address))
    await soon(lambda: _outcomes(stage) != [])
    assert _outcomes(stage) == ["Unreachable"]


async def test_deliveries_are_lost_doubled_or_late_on_order(stage: Stage, receiver: Receiver) -> None:
    await stage.press("/push", {"drop": True})
    await stage.post(WATCH, channel(receiver.url))
    await soon(lambda: _outcomes(stage) == ["dropped"])
    assert receiver.got == []
    await stage.press("/push", {"drop": False, "double": True, "delaySeconds": 0.05})
    await stage.post(EVENTS, timed())
    await receiver.until(["exists", "exists"])
    assert receiver.got[0] == receiver.got[1]
    shown = await stage.press("/push", verb="GET")
    assert [one["id"] for one in shown["channels"]] == ["one"]
    assert shown["deliveries"][0]["outcome"] == "dropped"


def _outcomes(stage: Stage) -> list[object]:
    return [one["outcome"] for one in stage.app.state.channels.deliveries]
