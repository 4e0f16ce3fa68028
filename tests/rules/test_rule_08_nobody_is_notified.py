"""Rule 8: nobody's guests are ever notified because of us."""

from urllib.parse import parse_qs, urlsplit

from kalends.model.connection import ExportTarget
from kalends.schedules.event_drafts import AskedRule
from tests.export.accounts import Account
from tests.export.fire import EACH_PROVIDER, Wire, wire
from tests.export.steps import asked, at, change, export, instances, make, settle, wall

GUEST = {"name": "Ben Guest", "email": "ben.guest@example.org", "contactId": "c0ffee"}
CONTENT = {"participants": {"list": [GUEST], "total": 1}, "notes": "Bring a towel"}
NOTIFYING = ("attendee", "organizer", "valarm", "invite", "mailto", "scheduling", "conferencedata", "isonlinemeeting")
NO_REMINDER = ('"reminders":{"usedefault":false,"overrides":[]}', '"isreminderon":false')


def check(asked_for: Wire) -> None:
    """See that no request that writes makes anybody hear of it."""
    assert asked_for.wrote
    for method, url, body in asked_for.asked:
        for text in (url, body):
            assert not [one for one in GUEST.values() if one.lower() in text.lower()], f"{method} {url}"
    for method, url, body in asked_for.wrote:
        said = body.lower().replace(" ", "")
        assert not [word for word in NOTIFYING if word in said], f"{method} {url}: {body}"
        address = urlsplit(url)
        if "/calendar/v3/" in url and "/events" in address.path:
            assert parse_qs(address.query).get("sendUpdates") == ["none"], f"{method} {url}"
        if method == "POST" and address.path.endswith("/events"):
            assert any(one in said for one in NO_REMINDER), f"nothing reminds of a copy: {body}"
        assert "sendupdates=all" not in url.lower()


@EACH_PROVIDER
async def test_rule_8_nothing_that_is_ever_written_notifies_anybody(account: Account) -> None:
    connection = await account.connect()
    world = account.world
    with wire() as asked_for:
        event = await make(account, content=CONTENT)
        ends = wall("2026-12-31T00:00")
        times = asked("2026-12-03T18:00", "2026-12-03T19:00")
        series = await make(account, times, "Zumba", rule=AskedRule(until=ends), content=CONTENT)
        await export(account, connection)
        await change(account, event, times=asked("2026-12-02T10:00", "2026-12-02T10:30"))
        second, third = (await instances(account, series))[1:3]
        await change(account, second, times=asked("2026-12-11T14:00", "2026-12-11T15:30"))
        await world.kalends.event_cancelling.cancel(world.site.id, third.id)
        await settle(account, connection)
        await account.move("Haircut", at("2026-12-01T19:00"), at("2026-12-01T20:00"))
        world.clock.advance(world.kalends.settings.poll_interval * 20)
        await settle(account, connection)
        if account.has_primary:
            await export(account, connection, target=ExportTarget.PRIMARY)
        await world.kalends.event_cancelling.cancel(world.site.id, event.id)
        await settle(account, connection)
        await world.kalends.disconnecting.disconnect(world.admin, connection.id)
        await world.sync(connection)
    assert await account.all() == []
    check(asked_for)
    assert {"POST", "PUT"} & {method for method, _, _ in asked_for.wrote}
    assert "DELETE" in {method for method, _, _ in asked_for.wrote}
