"""A calendar feed from connecting to disappearing, through everything of Kalends."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from kalends.api.connection_messages import ConnectionMessage
from kalends.model.connection import ErrorReason, Status
from kalends.model.errors import Invalid, PreconditionFailed, ProviderUnavailable, Unauthenticated
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.providers.ics import ICS, IcsKind
from kalends.store.runs import Outcome
from tests.following import SECRET, Following, following
from tests.providers.feeds import calendar, event
from tests.statements import statements, written_tables
from tests.world import settings_for

BOOKKEEPING = {"connections", "readings", "runs", "passes"}
ADA, BOB = event("a", "Ada"), event("b", "Bob", "20261202T100000Z")
TWO = calendar(ADA, BOB)
LOGIN_PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@pytest.fixture
async def followed(database_url: str, tmp_path: Path) -> AsyncIterator[Following]:
    async with following(settings_for(database_url, tmp_path), TWO) as made:
        yield made


async def test_the_whole_life_of_a_feed(followed: Following) -> None:
    world, feed = followed.world, followed.feed
    feed.says(calendar(ADA, BOB, about="X-WR-CALNAME:Ada's bookings\r\n"))
    connection = await followed.connect()
    assert connection.status is Status.SYNCED
    assert await world.titles() == ["Ada", "Bob"]
    (listed,) = await world.kalends.services.calendars.list(world.admin, connection.id)
    assert (listed.name, listed.writable, listed.primary) == ("Ada's bookings", False, False)

    cleo = event("c", "Cleo", "20261203T100000Z")
    feed.says(calendar(ADA.replace("Ada", "Ada moved"), cleo, about="X-WR-CALNAME:Ada's bookings\r\n"))
    run = await followed.sync()
    assert (run.counts.changed, run.counts.removed) == (2, 1)
    assert await world.titles() == ["Ada moved", "Cleo"]

    ended = await world.kalends.disconnecting.disconnect(world.admin, connection.id)
    assert ended.connection.status is Status.DISCONNECTED
    assert await world.titles() == []
    again = await followed.connect()
    assert again.id == connection.id
    assert await world.titles() == ["Ada moved", "Cleo"]


@pytest.mark.parametrize("etag", ['"1"', ""])
async def test_rule_3_a_feed_that_did_not_change_writes_only_bookkeeping(followed: Following, etag: str) -> None:
    followed.feed.etag = etag
    await followed.connect()
    sent, asked = followed.feed.sent, len(followed.feed.asked)
    with statements(followed.world.kalends.database) as heard:
        run = await followed.sync()
    assert (run.outcome, run.counts.changed, run.counts.removed) == (Outcome.DONE, 0, 0)
    assert (run.requests, len(followed.feed.asked) - asked) == (1, 1)
    assert followed.feed.sent - sent == (0 if etag else 1), "with a validator the text is not sent again"
    assert written_tables(heard) <= BOOKKEEPING
    assert await followed.world.titles() == ["Ada", "Bob"]


async def test_rule_3_what_a_feed_writes_anew_each_time_writes_only_bookkeeping(followed: Following) -> None:
    stamp = "DTSTAMP:20261101T0000{:02}Z"
    followed.feed.says(calendar(event("a", "Ada", more=[stamp.format(1)])))
    await followed.connect()
    followed.feed.says(calendar(event("a", "Ada", more=[stamp.format(2)])))
    with statements(followed.world.kalends.database) as heard:
        run = await followed.sync()
    assert run.counts.changed == 0
    assert written_tables(heard) <= BOOKKEEPING


async def test_the_same_address_is_the_same_connection_however_it_is_spelled(followed: Following) -> None:
    world = followed.world
    first = await followed.connect()
    for spelling in (
        followed.url,
        f"  {followed.url}\n",
        followed.url.replace("http:", "HTTP:"),
        followed.url.replace("127.0.0.1", "2130706433"),
        f"{followed.url}#top",
    ):
        assert (await followed.connect(spelling)).id == first.id
    listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False)
    assert len(listed.connections) == 1
    assert await world.titles() == ["Ada", "Bob"]


async def test_two_feeds_of_one_host_are_two_connections(followed: Following) -> None:
    first = await followed.connect()
    second = await followed.connect(f"{followed.url}2")
    assert first.id != second.id
    assert first.account_email != second.account_email, "the masked addresses can be told apart"
    for one in (first, second):
        assert one.account_email.startswith(f"{followed.server.place}/…")
        assert SECRET not in one.account_email
    assert await followed.world.titles() == ["Ada", "Ada", "Bob", "Bob"]
    await followed.world.kalends.disconnecting.disconnect(followed.world.admin, second.id)
    assert await followed.world.titles() == ["Ada", "Bob"]


async def test_on_the_wire_a_feed_has_no_e_mail_address(followed: Following) -> None:
    connection = await followed.connect()
    view = await followed.world.kalends.connections.get(followed.world.admin, connection.id)
    wire = ConnectionMessage.of(view).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert "externalAccountEmail" not in wire
    assert (wire["status"], wire["calendarType"]) == ("SYNCED", "OTHER")
    assert SECRET not in str(wire)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_feed_that_disappears_is_told_and_comes_back_by_itself(followed: Following, status: int) -> None:
    world = followed.world
    connection = await followed.connect()
    followed.feed.status = status
    assert (await followed.sync()).outcome is Outcome.FAILED
    gone = await world.connection(connection.id)
    assert (gone.status, gone.error_reason) == (Status.ERROR, ErrorReason.EXTERNAL_CALENDAR_DELETED)
    with pytest.raises(ProviderUnavailable):
        await world.page()
    followed.feed.status = 200
    world.clock.advance(world.kalends.settings.longest_retry_interval * 2)
    (lease,) = await world.kalends.leased.claim_due(1)
    await world.kalends.leased.run(lease)
    back = await world.connection(connection.id)
    assert (back.status, back.error_reason) == (Status.SYNCED, None)
    assert await world.titles() == ["Ada", "Bob"]


async def test_a_feed_that_wants_a_password_is_told_and_connecting_it_again_mends_it(followed: Following) -> None:
    world = followed.world
    connection = await followed.connect()
    followed.feed.status = 401
    await followed.sync()
    refused = await world.connection(connection.id)
    assert (refused.status, refused.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    with pytest.raises(Unauthenticated):
        await followed.connect()
    followed.feed.status = 200
    again = await followed.connect()
    assert (again.id, again.status) == (connection.id, Status.SYNCED)
    assert await world.titles() == ["Ada", "Bob"]


WRONG: dict[str, tuple[int, bytes]] = {
    "forbidden": (403, b"no"),
    "broken": (500, b"oops"),
    "a login page": (200, LOGIN_PAGE),
    "cut off": (200, TWO.encode()[:-20]),
    "nothing": (200, b""),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_feed_that_cannot_be_read_keeps_its_status_and_its_events(followed: Following, what: str) -> None:
    world = followed.world
    connection = await followed.connect()
    followed.feed.status, followed.feed.body = WRONG[what]
    for failures in (1, 2):
        run = await followed.sync()
        assert (run.outcome, run.counts.removed) == (Outcome.FAILED, 0)
        failing = await world.connection(connection.id)
        assert (failing.status, failing.error_reason, failing.failures) == (Status.SYNCED, None, failures)
        assert failing.last_error is not None
        assert failing.last_error.startswith("Unavailable: 127.0.0.1 answered")
        assert await world.titles() == ["Ada", "Bob"]
    followed.feed.status = 200
    followed.feed.says(calendar(ADA))
    run = await followed.sync()
    assert (run.outcome, run.counts.changed, run.counts.removed) == (Outcome.DONE, 0, 1)
    assert await world.titles() == ["Ada"]
    assert (await world.connection(connection.id)).failures == 0


async def test_a_feed_that_cannot_be_read_for_long_is_broken(followed: Following) -> None:
    world = followed.world
    connection = await followed.connect()
    followed.feed.status = 500
    world.clock.advance(world.kalends.settings.staleness_limit + timedelta(minutes=1))
    await followed.sync()
    broken = await world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.UNDEFINED)
    with pytest.raises(ProviderUnavailable):
        await world.page()


async def test_of_many_events_the_one_that_changed_is_expanded(
    followed: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    expanded: list[bytes] = []

    def expand(kind: IcsKind, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        expanded.extend(payloads)
        return as_ever(kind, payloads, context)

    as_ever = IcsKind.expand
    monkeypatch.setattr(IcsKind, "expand", expand)
    many = [event(f"e{number}", f"Event {number}", f"202612{number + 1:02}T100000Z") for number in range(20)]
    followed.feed.says(calendar(*many))
    await followed.connect()
    assert len(expanded) == 20
    expanded.clear()
    many[7] = many[7].replace("Event 7", "Another")
    followed.feed.says(calendar(*many))
    run = await followed.sync()
    assert run.counts.changed == 1
    (payload,) = expanded
    assert b"SUMMARY:Another" in payload
    titles = await followed.world.titles()
    assert (len(titles), titles[7]) == (20, "Another")


REFUSED: dict[str, tuple[int, bytes, type[Exception], str]] = {
    "nothing there": (404, b"", PreconditionFailed, "NOT_SUPPORTED_BY_PROVIDER"),
    "wants a password": (401, b"", Unauthenticated, "BAD_CREDENTIALS"),
    "broken": (500, b"", ProviderUnavailable, "PROVIDER_UNAVAILABLE"),
    "no calendar": (200, LOGIN_PAGE, ProviderUnavailable, "PROVIDER_UNAVAILABLE"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_read_is_not_connected(followed: Following, what: str) -> None:
    followed.feed.status, followed.feed.body, error, code = REFUSED[what]
    with pytest.raises(error) as raised:
        await followed.connect()
    assert getattr(raised.value, "code", None) == code
    assert SECRET not in f"{raised.value}{raised.value!r}"
    listed = await followed.world.kalends.connections.list(
        followed.world.admin, schedule_ids=None, partial_failure=False
    )
    assert listed.connections == []


@pytest.mark.parametrize(
    "text", ["", "basic.ics", "ftp://example.org/a.ics", "http://", "http://ada:pw@example.org/a.ics", "http://a b/"]
)
async def test_what_is_no_address_is_not_connected(followed: Following, text: str) -> None:
    kalends = followed.world.kalends
    with pytest.raises(Invalid):
        await kalends.connecting.by_feed(
            followed.world.admin, provider_id=followed.provider.id, schedule_id=followed.world.schedule.id, url=text
        )
    assert followed.feed.asked == []


async def test_a_feed_cannot_be_written_to_and_has_no_password(followed: Following) -> None:
    features = ICS.features({})
    assert (features.connect_methods, features.sync_to_calendar.value) == ((), "NOT_SUPPORTED")
    with pytest.raises(PreconditionFailed) as raised:
        await followed.world.kalends.connecting.by_credentials(
            followed.world.admin,
            provider_id=followed.provider.id,
            schedule_id=followed.world.schedule.id,
            email="ada@example.org",
            password="any",
        )
    assert raised.value.code == "NOT_SUPPORTED_BY_PROVIDER"


async def test_an_address_is_no_way_to_connect_anything_but_a_feed(followed: Following) -> None:
    caldav = await followed.world.install(f"http://{followed.server.place}/")
    with pytest.raises(PreconditionFailed) as raised:
        await followed.world.kalends.connecting.by_feed(
            followed.world.admin, provider_id=caldav.id, schedule_id=followed.world.schedule.id, url=followed.url
        )
    assert raised.value.code == "NOT_SUPPORTED_BY_PROVIDER"
    assert followed.feed.asked == []
