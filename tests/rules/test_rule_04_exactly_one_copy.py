"""Rule 4: export is idempotent: cut off anywhere, retried any number of times, there is exactly one copy."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kalends.model.connection import Connection, ExportTarget
from kalends.providers.errors import Unavailable
from kalends.schedules.event_drafts import AskedRule
from kalends.sync.failpoints import Point
from tests.export.accounts import Account
from tests.export.fire import (
    EACH_PROVIDER,
    EXPORT_POINTS,
    configure,
    cut_off_everywhere,
    is_cut_off,
    known,
    settle_slowly,
    wire,
)
from tests.export.scripted import ExportingKind, ScriptedAccount, scripted_account
from tests.export.steps import HAIRCUT, HOUR, asked, at, change, export, instances, make, settle, wall
from tests.providers.export_contract import Seen, in_order

BEARD: Seen = ("Beard", at("2026-12-02T09:00"), at("2026-12-02T10:00"))
BEARD_TIMES = asked("2026-12-02T10:00", "2026-12-02T11:00")
LATER = asked("2026-12-08T10:00", "2026-12-08T11:00")


def later(title: str) -> Seen:
    return title, at("2026-12-08T09:00"), at("2026-12-08T10:00")


@pytest.fixture(params=["neither", "moves and buries"])
async def anyones(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> AsyncIterator[ScriptedAccount]:
    """An account of a provider that can move copies, or does not take a key again, or both."""
    kind = ExportingKind(primary="c", can_move="moves" in request.param, buries="buries" in request.param)
    async with scripted_account(sqlite_url, tmp_path, kind) as account:
        yield account


async def change_all(account: Account, connection: Connection, point: Point) -> None:
    """Take two events through their lives, and see each step through wherever it is cut off."""
    cancelling, site_id = account.world.kalends.event_cancelling, account.world.site.id
    cut, beard = await make(account), await make(account, BEARD_TIMES, "Beard")
    assert await cut_off_everywhere(account, connection, point) == 2, "each copy reaches each point"
    assert await account.all() == [HAIRCUT, BEARD]
    await change(account, cut, times=LATER)
    await change(account, beard, content={"title": "Chin"})
    reached = await cut_off_everywhere(account, connection, point)
    assert reached == (2 if point is Point.AFTER_COPY_WRITTEN else 0), "what is only changed has a key already"
    assert await account.all() == in_order([("Chin", *BEARD[1:]), later("Haircut")])
    for one in (cut, beard):
        await cancelling.cancel(site_id, one.id)
    assert await cut_off_everywhere(account, connection, point) == reached
    assert await account.all() == []
    assert await known(account) == []


@pytest.mark.parametrize("point", EXPORT_POINTS)
async def test_rule_4_whoever_is_cut_off_anywhere_leaves_one_copy(anyones: ScriptedAccount, point: Point) -> None:
    connection = await anyones.connect()
    await export(anyones, connection)
    await change_all(anyones, connection, point)


@pytest.mark.parametrize("point", EXPORT_POINTS)
async def test_rule_4_whoever_is_cut_off_while_the_target_changes_leaves_one_copy(
    anyones: ScriptedAccount, point: Point
) -> None:
    connection = await anyones.connect()
    await make(anyones)
    await make(anyones, BEARD_TIMES, "Beard")
    await export(anyones, connection)
    for target in (ExportTarget.PRIMARY, ExportTarget.DEDICATED, ExportTarget.PRIMARY):
        await configure(anyones, connection, target=target)
        await cut_off_everywhere(anyones, connection, point)
        assert await anyones.all() == [HAIRCUT, BEARD]
        assert len(await known(anyones)) == 2


async def test_rule_4_a_copy_that_nobody_knew_of_goes_with_its_event(anyones: ScriptedAccount) -> None:
    connection = await anyones.connect()
    await export(anyones, connection)
    event = await make(anyones)
    assert await is_cut_off(anyones, connection, Point.AFTER_COPY_WRITTEN)
    await anyones.world.kalends.event_cancelling.cancel(anyones.world.site.id, event.id)
    await settle(anyones, connection)
    assert await anyones.all() == []


@pytest.mark.parametrize("forgets", [False, True])
async def test_rule_4_a_copy_that_its_owner_deletes_comes_back_once(anyones: ScriptedAccount, forgets: bool) -> None:
    connection = await anyones.connect()
    await make(anyones)
    await export(anyones, connection)
    anyones.kind.refuses_cursors = forgets
    await anyones.remove("Haircut")
    anyones.kind.trash |= {(one.calendar_id, one.key) for one in await known(anyones)}
    await settle(anyones, connection)
    await settle(anyones, connection)
    assert await anyones.all() == [HAIRCUT]
    assert len(await known(anyones)) == 1


async def test_rule_4_answers_that_nobody_hears_double_nothing(anyones: ScriptedAccount) -> None:
    """The provider does what it is asked for, and of each thing nobody hears twice that it was done."""
    connection = await anyones.connect()
    lost: list[tuple[str, str]] = []

    def cut(asked_for: str, about: str) -> None:
        if lost.count((asked_for, about)) < 2:
            lost.append((asked_for, about))
            raise Unavailable("the answer was lost")

    anyones.kind.after = cut
    event, beard = await make(anyones), await make(anyones, BEARD_TIMES, "Beard")
    await configure(anyones, connection, target=ExportTarget.DEDICATED)
    await settle_slowly(anyones, connection)
    assert await anyones.all() == [HAIRCUT, BEARD]
    await configure(anyones, connection, target=ExportTarget.PRIMARY)
    await settle_slowly(anyones, connection)
    await change(anyones, event, times=LATER)
    await settle_slowly(anyones, connection)
    assert await anyones.all() == in_order([BEARD, later("Haircut")])
    assert sorted(anyones.kind.calendars) == ["c"]
    for one in (event, beard):
        await anyones.world.kalends.event_cancelling.cancel(anyones.world.site.id, one.id)
    await settle_slowly(anyones, connection)
    assert await anyones.all() == []
    operations = {"create", "update", "delete", "create_calendar", "delete_calendar"}
    assert {one for one, _ in lost} == operations | ({"move"} if anyones.kind.can_move else set())


@EACH_PROVIDER
async def test_rule_4_at_each_provider_a_cut_leaves_one_copy(account: Account) -> None:
    connection = await account.connect()
    await export(account, connection)
    await change_all(account, connection, Point.AFTER_COPY_WRITTEN)


@EACH_PROVIDER
async def test_rule_4_at_each_provider_a_series_survives_cuts_and_lost_answers(account: Account) -> None:
    connection = await account.connect()
    ends = wall("2026-12-31T00:00")
    series = await make(account, asked("2026-12-01T10:00", "2026-12-01T11:00"), "Zumba", rule=AskedRule(until=ends))
    with wire() as between:
        between.deaf = 1
        await configure(account, connection)
        await settle_slowly(account, connection)
        second = (await instances(account, series))[1]
        await change(account, second, times=asked("2026-12-09T14:00", "2026-12-09T15:30"))
        between.deaf = 1
        await settle_slowly(account, connection)
        assert between.deaf == 0
    moved = ("Zumba", at("2026-12-09T13:00"), at("2026-12-09T14:30"))
    weekly = [("Zumba", start, start + HOUR) for start in (at(f"2026-12-{day:02}T09:00") for day in (1, 15, 22, 29))]
    assert await account.all() == in_order([moved, *weekly])
    third = (await instances(account, series))[2]
    await account.world.kalends.event_cancelling.cancel(account.world.site.id, third.id)
    assert await is_cut_off(account, connection, Point.AFTER_COPY_WRITTEN)
    await settle(account, connection)
    assert await account.all() == in_order([moved, *(one for one in weekly if one[1] != at("2026-12-15T09:00"))])
    (copy,) = await known(account, gone=True)
    assert copy.generation == 1


@EACH_PROVIDER
async def test_rule_4_at_each_provider_a_lost_answer_doubles_nothing(account: Account) -> None:
    connection = await account.connect()
    before = set(await account.calendars())
    event = await make(account)
    with wire() as between:
        between.deaf = 2
        await configure(account, connection)
        await settle_slowly(account, connection)
        assert set(await account.calendars()) - before == {"Salon"}
        assert await account.all() == [HAIRCUT]
        between.deaf = 1
        await change(account, event, times=LATER)
        await settle_slowly(account, connection)
        assert await account.all() == [later("Haircut")]
        between.deaf = 2
        await configure(account, connection, enabled=False)
        await settle_slowly(account, connection)
        assert between.deaf == 0
    assert set(await account.calendars()) == before
    assert await account.all() == []
