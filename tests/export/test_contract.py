"""What becomes of schedule events in people's calendars, the same at every provider."""

from datetime import date, timedelta

from kalends.model.connection import ErrorReason, ExportTarget, Status
from kalends.model.copy import CopyChanges, Privacy
from kalends.model.schedule_event import EventStatus
from kalends.schedules.event_drafts import AskedRule, EventChange
from tests.export.accounts import Account
from tests.export.steps import (
    HAIRCUT,
    HOUR,
    asked,
    at,
    change,
    export,
    import_all,
    instances,
    looked_at,
    make,
    settle,
    show,
    wall,
)
from tests.providers.export_contract import in_order


async def test_an_event_comes_moves_and_goes(account: Account) -> None:
    connection = await account.connect()
    early = await make(account, title="Early")
    await export(account, connection)
    assert await account.all() == [("Early", *HAIRCUT[1:])], "what was there before is exported too"
    event = await make(account)
    await settle(account, connection)
    assert await account.all() == in_order([("Early", *HAIRCUT[1:]), HAIRCUT])
    event = await change(account, event, times=asked("2026-12-02T10:00", "2026-12-02T10:30"))
    event = await change(account, event, content={"title": "Hair and beard"})
    await settle(account, connection)
    moved = ("Hair and beard", at("2026-12-02T09:00"), at("2026-12-02T09:30"))
    assert await account.all() == [("Early", *HAIRCUT[1:]), moved]
    for one in (event, early):
        await account.world.kalends.event_cancelling.cancel(account.world.site.id, one.id)
    await settle(account, connection)
    assert await account.all() == []
    assert await account.world.titles() == []


async def test_a_second_pass_writes_nothing(account: Account) -> None:
    connection = await account.connect()
    await make(account)
    series = await make(account, title="Zumba", times=asked("2026-12-03T18:00", "2026-12-03T19:00"), rule=AskedRule())
    await change(account, series, content={"notes": "Bring a towel"})
    await export(account, connection)
    await settle(account, connection)
    await account.written()
    world = account.world
    world.clock.advance(timedelta(hours=1))
    await settle(account, connection)
    async with world.kalends.database.write() as writer:
        await world.kalends.wanting.export(writer, connection.key)
    await settle(account, connection)
    assert await account.written() == []
    assert await world.titles() == []


async def test_disabling_takes_everything_away_and_enabling_brings_it_back(account: Account) -> None:
    connection = await account.connect()
    before = set(await account.calendars())
    await make(account)
    await export(account, connection)
    assert set(await account.calendars()) - before == {"Salon"}
    await export(account, connection, enabled=False)
    assert await account.all() == []
    assert set(await account.calendars()) == before
    await export(account, connection)
    assert await account.all() == [HAIRCUT]


async def test_disconnecting_leaves_nothing_behind(account: Account) -> None:
    connection = await account.connect()
    before = set(await account.calendars())
    await make(account)
    await export(account, connection)
    world = account.world
    await world.kalends.disconnecting.disconnect(world.admin, connection.id)
    await world.sync(connection)
    assert await account.all() == []
    assert set(await account.calendars()) == before
    world.clock.advance(timedelta(hours=1))
    await world.kalends.cleaning.once()
    assert await world.kalends.leased.claim(world.site.id, connection.id) is None, "its credentials are erased"


async def test_reconnecting_changes_nothing(account: Account) -> None:
    connection = await account.connect()
    await make(account)
    await export(account, connection)
    await account.written()
    again = await account.connect()
    assert again.id == connection.id
    await settle(account, connection)
    assert await account.written() == []
    assert await account.all() == [HAIRCUT]


async def test_switching_the_target(account: Account) -> None:
    connection = await account.connect()
    if not account.has_primary:
        return
    before = set(await account.calendars())
    await make(account)
    await export(account, connection, target=ExportTarget.PRIMARY)
    assert set(await account.calendars()) == before
    assert await account.all() == [HAIRCUT]
    assert await account.world.titles() == [], "its own copies do not block"
    await export(account, connection, target=ExportTarget.DEDICATED)
    assert (await account.calendars())["Salon"] == [HAIRCUT]
    assert await account.all() == [HAIRCUT]
    await export(account, connection, target=ExportTarget.PRIMARY)
    assert set(await account.calendars()) == before
    assert await account.all() == [HAIRCUT]


async def test_a_series_keeps_its_exceptions_when_it_is_retimed_from_next_week(account: Account) -> None:
    connection = await account.connect()
    await export(account, connection)
    world = account.world
    ends = wall("2027-01-05T23:00")
    series = await make(account, asked("2026-12-01T10:00", "2026-12-01T11:00"), "Zumba", rule=AskedRule(until=ends))
    first, second, third, *_ = await instances(account, series)
    await change(account, second, times=asked("2026-12-09T14:00", "2026-12-09T15:30"))
    await world.kalends.event_cancelling.cancel(world.site.id, third.id)
    await settle(account, connection)
    weekly = [at(f"2026-12-{day:02}T09:00") for day in (1, 22, 29)] + [at("2027-01-05T09:00")]
    moved = ("Zumba", at("2026-12-09T13:00"), at("2026-12-09T14:30"))
    assert await account.all() == in_order([moved, *(("Zumba", start, start + HOUR) for start in weekly)])
    await world.kalends.event_changing.update_following(
        world.site.id,
        second.id,
        EventChange(times=asked("2026-12-08T12:00", "2026-12-08T13:00")),
        revision=(await looked_at(account, second.id)).revision,
    )
    await settle(account, connection)
    expected = [
        (one.content["title"], one.times.start_at, one.times.end_at) for one in await instances(account, series)
    ]
    assert await account.all() == in_order(expected)
    assert first.id in {one.id for one in await instances(account, series)}
    await world.kalends.event_cancelling.cancel(world.site.id, series.id)
    await settle(account, connection)
    assert await account.all() == []


async def test_a_day_is_a_day_and_a_zone_is_a_zone(account: Account) -> None:
    connection = await account.connect()
    await export(account, connection)
    day = await make(account, asked("2026-12-24T00:00", "2026-12-26T00:00", all_day=True), "Closed")
    event = await make(account)
    await settle(account, connection)
    closed = ("Closed", date(2026, 12, 24), date(2026, 12, 26))
    assert await account.all() == in_order([HAIRCUT, closed])
    await change(account, event, times=asked("2026-12-01T10:00", "2026-12-01T11:00", zone="America/New_York"))
    await change(account, day, times=asked("2026-12-24T09:00", "2026-12-24T12:00", all_day=False))
    await settle(account, connection)
    there = ("Haircut", at("2026-12-01T15:00"), at("2026-12-01T16:00"))
    assert await account.all() == in_order([there, ("Closed", at("2026-12-24T08:00"), at("2026-12-24T11:00"))])


async def test_titles_are_by_the_sites_template_and_as_private_as_is_wanted(account: Account) -> None:
    connection = await account.connect()
    world = account.world
    guests = {"participants": {"list": [{"name": "Ben"}], "total": 1}}
    await make(account, content={"participants": guests["participants"]})
    await export(account, connection)
    await world.kalends.sites.update(world.site.id, copy_title="{title} at {service}")
    await settle(account, connection)
    assert [title for title, _, _ in await account.all()] == ["Haircut at Ada's chair"]
    await show(account, connection, Privacy.BUSY)
    await settle(account, connection)
    assert [title for title, _, _ in await account.all()] == ["Busy"]


async def test_what_its_owner_changes_is_restored(account: Account) -> None:
    connection = await account.connect()
    await make(account)
    await make(account, asked("2026-12-02T10:00", "2026-12-02T11:00"), "Beard")
    await export(account, connection)
    await settle(account, connection)
    before = await account.all()
    await account.move("Haircut", at("2026-12-01T19:00"), at("2026-12-01T20:00"))
    await account.remove("Beard")
    account.world.clock.advance(timedelta(hours=1))
    await settle(account, connection)
    assert await account.all() == before
    await account.written()
    await settle(account, connection)
    assert await account.written() == []


async def test_what_its_owner_changes_is_followed_where_the_site_wants_that(account: Account) -> None:
    connection = await account.connect()
    world = account.world
    await world.kalends.sites.update(world.site.id, copy_changes=CopyChanges.ACCEPT)
    cut = await make(account)
    beard = await make(account, asked("2026-12-02T10:00", "2026-12-02T11:00"), "Beard")
    await export(account, connection)
    await settle(account, connection)
    await account.move("Haircut", at("2026-12-01T19:00"), at("2026-12-01T20:00"))
    await account.remove("Beard")
    world.clock.advance(timedelta(hours=1))
    await settle(account, connection)
    assert (await looked_at(account, cut.id)).times.start_at == at("2026-12-01T19:00")
    assert (await looked_at(account, beard.id)).status is EventStatus.CANCELLED
    assert await account.all() == [("Haircut", at("2026-12-01T19:00"), at("2026-12-01T20:00"))]


async def test_a_calendar_that_its_owner_deletes_shows_and_there_is_a_way_back(account: Account) -> None:
    connection = await account.connect()
    await make(account)
    await export(account, connection)
    await account.delete_calendar("Salon")
    account.world.clock.advance(timedelta(hours=1))
    await account.world.sync(connection)
    stopped = await account.world.connection(connection.id)
    assert stopped.shown_status == (Status.ERROR, ErrorReason.EXTERNAL_CALENDAR_DELETED)
    assert await account.world.titles() == [], "what is imported can be listed all the same"
    await export(account, connection)
    assert await account.all() == [HAIRCUT]
    back = await account.world.connection(connection.id)
    assert back.shown_status == (Status.SYNCED, None)


async def test_a_target_that_is_a_source_too_never_grows(account: Account) -> None:
    connection = await account.connect()
    await account.put("Dentist", at("2026-12-03T09:00"), at("2026-12-03T10:00"))
    await make(account)
    await make(
        account, asked("2026-12-04T18:00", "2026-12-04T19:00"), "Zumba", rule=AskedRule(until=wall("2026-12-31T00:00"))
    )
    target = ExportTarget.PRIMARY if account.has_primary else ExportTarget.DEDICATED
    await export(account, connection, target=target)
    await import_all(account, connection)
    first = await account.all()
    for _ in range(20):
        account.world.clock.advance(timedelta(hours=1))
        await settle(account, connection)
        assert await account.world.titles() == ["Dentist"]
    assert await account.all() == first
