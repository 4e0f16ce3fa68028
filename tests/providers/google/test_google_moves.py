"""Copies that move from one calendar of an account to another, against Google's sandbox: `providers.export.Moves`."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from kalends.model.copy import CopyText, WantedCopy
from kalends.model.provider import ConnectScopes
from kalends.providers.errors import CalendarGone, NotSupported, ProviderError, Unavailable
from kalends.providers.export import CopyGone, CopyThere, KeyUsedUp, Moves
from kalends.providers.google.scopes import ASKED
from kalends.sandbox.google.methods import SCOPES
from kalends.sandbox.google.serving import serving
from tests.providers.contract import CountingClient, Mirror, calendar_of
from tests.providers.export_contract import (
    SINCE,
    TAG,
    UNTIL,
    answers_lost,
    days,
    in_order,
    kept,
    seen_with_exceptions,
    single,
    tuesdays,
    utc,
    wall,
    weekly,
    with_exceptions,
)
from tests.providers.google.test_google_export import CALENDAR, GoogleExportWorld, fault, of_scopes
from tests.sandbox.google.stage import GUEST, Json, Stage
from tests.servers import LOOPBACK


@pytest.fixture
async def world(stage: Stage) -> AsyncIterator[GoogleExportWorld]:
    async with serving(stage.validated) as url, CountingClient(LOOPBACK) as client:
        yield GoogleExportWorld(stage, client, f"{url}/calendar/v3")


@pytest.fixture
async def target(stage: Stage) -> str:
    return str((await stage.post("/calendars", {"summary": "Bookings"}))["id"])


async def at(world: GoogleExportWorld, calendar: str, wanted: WantedCopy) -> Json:
    return await world.stage.get(f"/calendars/{calendar}/events/{wanted.key}")


async def test_a_copy_moves_with_its_key_and_nobody_is_told(world: GoogleExportWorld, target: str) -> None:
    wanted = single()
    async with world.session() as session:
        assert isinstance(session, Moves)
        stored = await session.create(CALENDAR, wanted)
        before = await at(world, CALENDAR, wanted)
        await world.asked()
        moved = await session.move(CALENDAR, stored, target)
        asked = await world.asked()
        assert (moved.ref, moved.echo, moved.times) == (wanted.key, stored.echo, stored.times)
        assert await session.look_up(target, wanted.key) == moved
        with pytest.raises(KeyUsedUp):
            await session.look_up(CALENDAR, wanted.key)
    assert await world.seen(target) == [utc(wanted.times)]
    assert await world.seen(CALENDAR) == []
    assert [method for method, _ in asked] == ["POST"]
    assert "sendUpdates=none" in asked[0][1]
    after = await at(world, target, wanted)
    # the calendar that an event is in has become its organizer, as Google says
    assert (before["organizer"]["email"], after["organizer"]["email"]) == (CALENDAR, target)
    assert after["creator"]["email"] == before["creator"]["email"]
    assert after["iCalUID"] == before["iCalUID"]


@pytest.mark.parametrize("all_day", [False, True])
async def test_a_series_moves_with_its_exceptions(world: GoogleExportWorld, target: str, all_day: bool) -> None:
    series = weekly(at=days(wall(1, 0)), until=wall(29, 0)) if all_day else weekly()
    excepted = replace(series, cancelled=(wall(8, 0),)) if all_day else with_exceptions(series)
    expected = [utc(days(wall(day, 0))) for day in (1, 15, 22, 29)] if all_day else seen_with_exceptions(tuesdays())
    async with world.session() as session:
        stored = await session.create(CALENDAR, excepted)
        moved = await session.move(CALENDAR, stored, target)
        assert (moved.ref, moved.echo, moved.times) == (series.key, stored.echo, stored.times)
        assert await world.seen(target) == in_order(expected)
        assert await world.seen(CALENDAR) == []
        assert await session.look_up(target, series.key) == moved
        # there it is a copy like any other, in the version that moving it has told
        moved = await session.update(target, replace(series, text=CopyText("Shave")), moved)
        assert len(await world.seen(target)) == len(expected) + 1
        again = await session.update(target, excepted, moved)
        assert again.echo == stored.echo
        assert await world.seen(target) == in_order(expected)
        await session.delete(target, again.ref)
    assert await world.seen(target) == []


async def test_a_copy_moves_back(world: GoogleExportWorld, target: str) -> None:
    series = with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(CALENDAR, series)
        moved = await session.move(CALENDAR, stored, target)
        back = await session.move(target, moved, CALENDAR)
        assert back.echo == stored.echo
        assert await session.look_up(CALENDAR, series.key) == back
    assert await world.seen(CALENDAR) == seen_with_exceptions(tuesdays())
    assert await world.seen(target) == []


async def test_what_the_owner_made_of_a_copy_moves_too_and_is_told(world: GoogleExportWorld, target: str) -> None:
    wanted = single()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await world.edit(wanted.key, title="Mine")
        guest = {"email": "friend@example.com"}
        await world.stage.patch(f"/calendars/{CALENDAR}/events/{wanted.key}", {"colorId": "5", "attendees": [guest]})
        moved = await session.move(CALENDAR, stored, target)
        assert moved.echo != stored.echo
        assert (await session.update(target, wanted, moved)).echo == stored.echo
    after = await at(world, target, wanted)
    assert (after["colorId"], after["attendees"][0]["email"]) == ("5", guest["email"])


async def test_the_import_knows_a_copy_that_was_moved(world: GoogleExportWorld, target: str) -> None:
    wanted = with_exceptions(weekly())
    async with world.session() as session:
        await session.move(CALENDAR, await session.create(CALENDAR, wanted), target)
        mirror = Mirror()
        await mirror.sync(session, await calendar_of(session, target), since=SINCE, until=UNTIL)
    assert set(mirror.groups.values()) == {wanted.key}
    assert TAG in {world.tag_of(payload or b"") for _, payload in mirror.items.values()}


async def test_the_scopes_that_people_are_asked_for_reach_moving(world: GoogleExportWorld) -> None:
    scopes = [one.removeprefix(SCOPES) for one in ASKED[ConnectScopes.FULL] if one.startswith(SCOPES)]
    session, wanted = of_scopes(world, *scopes), single()
    made = await session.create_calendar("Bookings", "0marker")
    stored = await session.create(CALENDAR, wanted)
    moved = await session.move(CALENDAR, stored, made.id)
    assert (await session.move(made.id, moved, CALENDAR)).echo == stored.echo


# What is not there, or there already


@pytest.mark.parametrize("gone", ["moved", "deleted", "never"])
async def test_what_is_not_in_the_first_calendar_is_gone(world: GoogleExportWorld, target: str, gone: str) -> None:
    wanted = with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        if gone == "moved":
            await session.move(CALENDAR, stored, target)
        elif gone == "deleted":
            await world.remove(wanted.key)
        else:
            stored = replace(stored, ref=single().key)
        before = await world.seen(target)
        with pytest.raises(CopyGone):
            await session.move(CALENDAR, stored, target)
    assert await world.seen(target) == before


async def test_what_the_target_has_already_stays_in_both(world: GoogleExportWorld, target: str) -> None:
    wanted = single()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        there = await session.create(target, replace(wanted, text=CopyText("There")))
        with pytest.raises(CopyThere):
            await session.move(CALENDAR, stored, target)
        assert await session.look_up(target, wanted.key) == there
        assert await session.look_up(CALENDAR, wanted.key) == stored
        with pytest.raises(CopyThere):
            await session.move(CALENDAR, stored, CALENDAR)


@pytest.mark.parametrize(("had", "error"), [(True, KeyUsedUp), (False, Unavailable)])
async def test_a_key_that_the_target_does_not_take_is_not_there(
    world: GoogleExportWorld, target: str, had: bool, error: type[ProviderError]
) -> None:
    """Whether Google takes the id of a deleted event where one is moved, its documents do not say."""
    wanted = single()
    async with world.session() as session:
        if had:
            await session.delete(target, (await session.create(target, wanted)).ref)
        stored = await session.create(CALENDAR, wanted)
        await fault(world, "/move", method="POST", status=409, reason="duplicate")
        with pytest.raises(error):
            await session.move(CALENDAR, stored, target)
        assert await session.look_up(CALENDAR, wanted.key) == stored


@pytest.mark.parametrize("which", ["source", "target"])
async def test_a_calendar_that_is_gone_is_told(world: GoogleExportWorld, target: str, which: str) -> None:
    other = str((await world.stage.post("/calendars", {"summary": "Other"}))["id"])
    wanted = single()
    async with world.session() as session:
        stored = await session.create(other, wanted)
        await world.stage.delete(f"/calendars/{other if which == 'source' else target}")
        with pytest.raises(CalendarGone):
            await session.move(other, stored, target)
        if which == "target":
            assert await session.look_up(other, wanted.key) == stored


# What does not go


@pytest.mark.parametrize(
    "refused",
    [{"status": 400, "reason": "eventTypeRestriction"}, {"status": 403, "reason": "forbiddenForNonOrganizer"}],
)
async def test_what_google_does_not_move_stays(world: GoogleExportWorld, target: str, refused: Json) -> None:
    wanted = single()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await fault(world, "/move", method="POST", **refused)
        with pytest.raises(NotSupported):
            await session.move(CALENDAR, stored, target)
        assert await session.look_up(CALENDAR, wanted.key) == stored


async def test_nothing_moves_to_where_the_account_may_not_write(world: GoogleExportWorld) -> None:
    theirs = (await world.stage.post("/calendars", {"summary": "Theirs"}, token="guest"))["id"]
    share = {"email": "owner@example.com", "role": "reader"}
    await world.stage.press(f"/users/{GUEST.email}/calendars/{theirs}/share", share)
    wanted = single()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        with pytest.raises(NotSupported):
            await session.move(CALENDAR, stored, theirs)
        assert await session.look_up(CALENDAR, wanted.key) == stored


@pytest.mark.parametrize(
    "how", [{"cut": True}, {"status": 503}, {"status": 429}, {"status": 400, "reason": "backendError"}]
)
async def test_what_fails_for_now_moves_later(world: GoogleExportWorld, target: str, how: dict[str, Any]) -> None:
    wanted = single()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await fault(world, "/move", method="POST", **how)
        with pytest.raises(Unavailable):
            await session.move(CALENDAR, stored, target)
        assert (await session.move(CALENDAR, stored, target)).echo == stored.echo


async def test_a_move_whose_answer_was_lost_is_found_by_looking(world: GoogleExportWorld, target: str) -> None:
    wanted = with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        with answers_lost(world.client, "POST"), pytest.raises(Unavailable):
            await session.move(CALENDAR, stored, target)
        with pytest.raises(CopyGone):
            await session.move(CALENDAR, stored, target)
        assert (await kept_there(world, target, wanted)).echo == stored.echo


async def kept_there(world: GoogleExportWorld, calendar: str, wanted: WantedCopy) -> Any:
    async with world.session() as session:
        return await kept(session, calendar, wanted)


async def test_a_request_without_a_body_says_so(stage: Stage, target: str) -> None:
    """Google refuses a POST of which it is not told how long it is (411)."""
    lengths: list[bytes | None] = []

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/move"):
            lengths.append(dict(scope["headers"]).get(b"content-length"))
        await stage.validated(scope, receive, send)

    async with (
        serving(listening) as url,
        CountingClient(LOOPBACK) as client,
        GoogleExportWorld(stage, client, f"{url}/calendar/v3").session() as session,
    ):
        await session.move(CALENDAR, await session.create(CALENDAR, single()), target)
    assert lengths == [b"0"]
