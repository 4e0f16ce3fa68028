"""Copies at Google: the contract that every provider keeps, and what is Google's own, against its sandbox.

Whatever is asked and answered is held to Google's own description of its API (the fixture `stage`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest

from kalends.model.copy import ChangedInstance, CopyText, WantedCopy
from kalends.model.provider import ConnectScopes
from kalends.model.schedule_event import EventTimes, WeeklyRule
from kalends.net.errors import Unreachable
from kalends.providers.errors import CalendarGone, NotSupported, Unavailable
from kalends.providers.export import CalendarRefused, CopyChanged, CopyGone, CopyThere, KeyUsedUp
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.kind import GOOGLE
from kalends.providers.google.scopes import ASKED
from kalends.providers.google.session import GoogleSession
from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.methods import SCOPES
from kalends.sandbox.google.serving import serving
from tests.providers.contract import CountingClient
from tests.providers.export_contract import (
    PLAIN,
    SINCE,
    UNTIL,
    ExportContract,
    Held,
    Seen,
    days,
    in_order,
    kept,
    key,
    preconditions,
    seen_with_exceptions,
    single,
    times,
    tuesdays,
    utc,
    wall,
    weekly,
    with_exceptions,
)
from tests.providers.google.test_google_sandbox import owner
from tests.sandbox.google.stage import GUEST, OWNER, Json, Stage
from tests.servers import LOOPBACK

CALENDAR = OWNER.email
EVENTS = f"/calendars/{CALENDAR}/events"


@dataclass
class GoogleExportWorld:
    """The sandbox's owner: writes through the session, and looks from the side."""

    stage: Stage
    client: CountingClient
    url: str
    takes_keys_again: bool = False

    @asynccontextmanager
    async def session(self) -> AsyncIterator[GoogleSession]:
        yield GoogleSession(CalendarApi(self.client, owner, self.url))

    async def calendar(self) -> str:
        return CALENDAR

    async def seen(self, calendar_id: str) -> list[Seen]:
        between = {"timeMin": f"{SINCE:%Y-%m-%dT%H:%M:%SZ}", "timeMax": f"{UNTIL:%Y-%m-%dT%H:%M:%SZ}"}
        items, _ = await self.stage.all(
            f"/calendars/{calendar_id}/events", singleEvents=True, timeZone="UTC", **between
        )
        return in_order((one["summary"], _seen(one["start"]), _seen(one["end"])) for one in items)

    async def event(self, event_id: str) -> Json:
        return await self.stage.get(f"{EVENTS}/{event_id}")

    async def held(self, key: str) -> Held:
        event = await self.event(key)
        text = CopyText(
            title=event["summary"],
            notes=unescape(event.get("description", "")),
            location=event.get("location", ""),
            url=event.get("source", {}).get("url"),
            busy=event["transparency"] == "opaque",
            private=event["visibility"] == "private",
        )
        reminders = event["reminders"]
        return Held(
            text, len(event.get("attendees", [])), reminders["useDefault"] + len(reminders.get("overrides", []))
        )

    async def edit(self, key: str, *, title: str) -> None:
        await self.stage.patch(f"{EVENTS}/{key}", {"summary": title})

    async def retime(self, key: str, to: EventTimes) -> None:
        body: Json = {}
        for name, at in (("start", to.start), ("end", to.end)):
            timed = {"date": None, "dateTime": at.isoformat(), "timeZone": to.zone}
            body[name] = {"date": at.date().isoformat(), "dateTime": None, "timeZone": None} if to.all_day else timed
        await self.stage.patch(f"{EVENTS}/{key}", body)

    async def remove(self, key: str) -> None:
        await self.stage.delete(f"{EVENTS}/{key}")

    def tag_of(self, payload: bytes) -> str | None:
        return GOOGLE.tag_of(payload)

    async def asked(self) -> list[tuple[str, str]]:
        """Return what the session was asking since this was called last, by method and path."""
        said = await self.stage.press("/requests", verb="GET")
        await self.stage.press("/requests", verb="DELETE")
        return [(one["method"], one["path"]) for one in said["requests"]]


def _seen(moment: Json) -> datetime | date:
    if "date" in moment:
        return date.fromisoformat(moment["date"])
    return datetime.fromisoformat(moment["dateTime"]).astimezone(UTC)


@pytest.fixture
async def world(stage: Stage) -> AsyncIterator[GoogleExportWorld]:
    async with serving(stage.validated) as url, CountingClient(LOOPBACK) as client:
        yield GoogleExportWorld(stage, client, f"{url}/calendar/v3")


class TestGoogleExport(ExportContract):
    """Copies are kept as anywhere else."""


def five_exceptions() -> WantedCopy:
    at = tuesdays()
    moved = tuple(ChangedInstance(one.start, one.at(one.start.replace(hour=15)), PLAIN) for one in at[:5])
    return replace(weekly(), changed=moved)


async def fault(world: GoogleExportWorld, path: str, **order: Any) -> None:
    await world.stage.press("/faults", {"path": path, **order})


async def written(world: GoogleExportWorld) -> list[str]:
    """Return by which methods the session wrote since this, or `asked`, was called last."""
    return [method for method, _ in await world.asked() if method != "GET"]


# Nobody is told, nothing is written twice


async def test_whatever_is_written_nobody_is_told(world: GoogleExportWorld) -> None:
    wanted = weekly()
    async with world.session() as session:
        stored = await session.create(CALENDAR, with_exceptions(wanted))
        stored = await session.update(CALENDAR, wanted, stored)
        await session.delete(CALENDAR, stored.ref)
    writes = [(method, path) for method, path in await world.asked() if method != "GET"]
    assert {method for method, _ in writes} == {"POST", "PATCH", "DELETE"}
    assert all("sendUpdates=none" in path for _, path in writes)


async def test_a_single_event_costs_a_request_and_a_series_as_it_is_wanted_no_write(world: GoogleExportWorld) -> None:
    one, series = single(), with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(CALENDAR, one)
        assert await written(world) == ["POST"]
        await session.update(CALENDAR, replace(one, text=CopyText("Other")), stored)
        assert [method for method, _ in await world.asked()] == ["PATCH"]
        stored = await session.create(CALENDAR, series)
        assert sorted(await written(world)) == ["DELETE", "PATCH", "PATCH", "POST"]
        await session.update(CALENDAR, series, stored)
        assert await written(world) == []


async def test_what_the_owner_added_to_a_copy_stays(world: GoogleExportWorld) -> None:
    wanted = single()
    async with world.session() as session:
        await session.create(CALENDAR, wanted)
        mine = {"colorId": "5", "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}}
        await world.stage.patch(f"{EVENTS}/{wanted.key}", mine)
        found = await kept(session, CALENDAR, wanted)
        await session.update(CALENDAR, replace(wanted, text=CopyText("Other")), found)
    event = await world.event(wanted.key)
    assert (event["summary"], event["colorId"], event["reminders"]) == ("Other", "5", mine["reminders"])


# What is not known to have happened


@pytest.mark.parametrize("how", [{"cut": True}, {"status": 503}, {"status": 500}, {"status": 429}])
async def test_what_fails_may_be_done_again_and_makes_one_copy(world: GoogleExportWorld, how: Json) -> None:
    wanted = single()
    await fault(world, "/events", method="POST", **how)
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create(CALENDAR, wanted)
        assert await session.look_up(CALENDAR, wanted.key) is None
        await session.create(CALENDAR, wanted)
    assert await world.seen(CALENDAR) == [utc(wanted.times)]


async def test_a_copy_whose_answer_was_lost_is_there(world: GoogleExportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = single()
    request = world.client.request

    async def deaf(method: str, url: str, **options: Any) -> Any:
        answer = await request(method, url, **options)
        if method == "POST":
            raise Unreachable("the answer was lost", host="127.0.0.1")
        return answer

    monkeypatch.setattr(world.client, "request", deaf)
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create(CALENDAR, wanted)
        assert await written(world) == ["POST"], "it is not for the session to create it again"
        monkeypatch.undo()
        with pytest.raises(CopyThere):
            await session.create(CALENDAR, wanted)
        assert (await kept(session, CALENDAR, wanted)).ref == wanted.key
    assert await world.seen(CALENDAR) == [utc(wanted.times)]


@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_series_that_was_made_in_part_is_completed(world: GoogleExportWorld, nth: int) -> None:
    wanted = with_exceptions(weekly())
    if nth == 3:
        await fault(world, f"{wanted.key}_", method="DELETE", status=503)
    else:
        place = wanted.changed[nth - 1].original
        await fault(world, f"{wanted.key}_{place:%Y%m%d}", method="PATCH", status=503)
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create(CALENDAR, wanted)
        found = await kept(session, CALENDAR, wanted)
        done = await session.update(CALENDAR, wanted, found)
        assert found.echo != done.echo
        assert await session.look_up(CALENDAR, wanted.key) == done
    assert await world.seen(CALENDAR) == seen_with_exceptions(tuesdays())


async def test_an_event_that_is_there_and_not_to_be_seen_is_asked_for_later(world: GoogleExportWorld) -> None:
    wanted = single()
    async with world.session() as session:
        await session.create(CALENDAR, wanted)
        await fault(world, f"/events/{wanted.key}", method="GET", status=404, reason="notFound")
        with pytest.raises(Unavailable):
            await session.create(CALENDAR, wanted)


async def test_an_instance_that_google_does_not_know_is_tried_later(world: GoogleExportWorld) -> None:
    wanted = with_exceptions(weekly())
    await fault(world, f"{wanted.key}_20261208", method="PATCH", status=404, reason="notFound")
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create(CALENDAR, wanted)


async def test_a_failed_delete_is_no_success(world: GoogleExportWorld) -> None:
    wanted = single()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await fault(world, f"/events/{wanted.key}", method="DELETE", status=503)
        with pytest.raises(Unavailable):
            await session.delete(CALENDAR, stored.ref)
        await session.delete(CALENDAR, stored.ref)
    assert await world.seen(CALENDAR) == []


# Versions


async def test_an_instance_that_the_owner_changed_makes_another_version_and_echo(world: GoogleExportWorld) -> None:
    wanted = with_exceptions(weekly())
    instance = f"{wanted.key}_20261229T090000Z"
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await world.edit(instance, title="Mine")
        with pytest.raises(CopyChanged):
            await session.update(CALENDAR, wanted, stored)
        found = await kept(session, CALENDAR, wanted)
        assert found.echo != stored.echo
        assert (await session.update(CALENDAR, wanted, found)).echo == stored.echo
    assert await world.seen(CALENDAR) == seen_with_exceptions(tuesdays())


async def test_an_instance_that_changes_while_it_is_written_is_not_overwritten(world: GoogleExportWorld) -> None:
    wanted = with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await fault(world, f"{wanted.key}_", method="PATCH", status=412, reason="conditionNotMet")
        with pytest.raises(CopyChanged):
            await session.update(CALENDAR, weekly_of(wanted), stored)


async def test_an_instance_is_written_whatever_its_version_where_none_is_named(world: GoogleExportWorld) -> None:
    wanted = with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await world.edit(f"{wanted.key}_20261215T090000Z", title="Mine")
        with preconditions(world.client) as named:
            again = await session.update(CALENDAR, wanted, replace(stored, version=""))
        assert named == []
        assert again.echo == stored.echo
    assert await world.seen(CALENDAR) == seen_with_exceptions(tuesdays())


async def test_instances_are_removed_where_nobody_knows_of_them(
    world: GoogleExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google lets exceptions stand that no rule makes any more; without a version, nobody knows that there are some."""
    series = with_exceptions(weekly())
    alone = replace(series, rule=None, changed=(), cancelled=())
    monkeypatch.setattr(EventWriter, "_settle_exceptions", lambda *_: None)
    async with world.session() as session:
        stored = await session.create(CALENDAR, series)
        await session.update(CALENDAR, alone, replace(stored, version=""))
    assert await world.seen(CALENDAR) == [utc(series.times)]


def weekly_of(wanted: WantedCopy) -> WantedCopy:
    return replace(wanted, changed=(), cancelled=())


async def test_a_series_that_its_owner_deleted_is_gone_with_its_instances(world: GoogleExportWorld) -> None:
    wanted = with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await world.remove(wanted.key)
        with pytest.raises(CopyGone):
            await session.update(CALENDAR, wanted, stored)
        with pytest.raises(KeyUsedUp):
            await session.look_up(CALENDAR, wanted.key)
        with pytest.raises(KeyUsedUp):
            await session.create(CALENDAR, wanted)
        await session.delete(CALENDAR, stored.ref)


async def test_an_event_without_a_trace_is_gone(world: GoogleExportWorld) -> None:
    wanted = single()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        with pytest.raises(CopyGone):
            await session.update(CALENDAR, wanted, replace(stored, ref=key()))


async def test_the_echo_does_not_know_where_the_calendar_is(world: GoogleExportWorld) -> None:
    one, series, dates = single(), with_exceptions(weekly()), weekly(at=days(wall(1, 0)), until=wall(29, 0))
    async with world.session() as session:
        stored = [await session.create(CALENDAR, wanted) for wanted in (one, series, dates)]
        await world.stage.patch(f"/calendars/{CALENDAR}", {"timeZone": "Asia/Tokyo"})
        found = [await kept(session, CALENDAR, wanted) for wanted in (one, series, dates)]
    assert [copy.echo for copy in found] == [copy.echo for copy in stored]


async def test_many_exceptions_come_in_several_pages(world: GoogleExportWorld) -> None:
    wanted = five_exceptions()
    async with world.session() as session:
        stored = await session.create(CALENDAR, wanted)
        await world.stage.listing(mostPerPage=2)
        assert await session.look_up(CALENDAR, wanted.key) == stored


async def test_a_series_becomes_a_single_event_and_a_series_again(world: GoogleExportWorld) -> None:
    series = with_exceptions(weekly())
    alone = replace(series, rule=None, changed=(), cancelled=())
    async with world.session() as session:
        stored = await session.create(CALENDAR, series)
        stored = await session.update(CALENDAR, alone, stored)
        assert await world.seen(CALENDAR) == [utc(series.times)]
        await session.update(CALENDAR, series, stored)
    assert await world.seen(CALENDAR) == seen_with_exceptions(tuesdays())


async def test_exceptions_that_google_keeps_without_a_rule_for_them_are_removed(world: GoogleExportWorld) -> None:
    series = with_exceptions(weekly())
    shorter = replace(weekly_of(series), rule=WeeklyRule(until=wall(8)))
    async with world.session() as session:
        await session.create(CALENDAR, series)
        events = world.stage.state.calendars[CALENDAR].events
        before = {one.id: one for one in events.exceptions(series.key)}
        stored = await session.update(CALENDAR, shorter, await kept(session, CALENDAR, series))
        # Google lets an exception stand that the rule makes no more, which the sandbox does not
        stray = before[f"{series.key}_20261215T090000Z"]
        events.put(replace(stray, change=world.stage.state.tick()))
        assert len(await world.seen(CALENDAR)) == 3
        found = await kept(session, CALENDAR, series)
        assert found.echo != stored.echo
        assert (await session.update(CALENDAR, shorter, found)).echo == stored.echo
    assert await world.seen(CALENDAR) == in_order(map(utc, tuesdays()[:2]))


async def test_an_instance_that_a_change_of_offset_skips_is_cancelled_and_moved(world: GoogleExportWorld) -> None:
    at = times(wall(14, 2, 30, month=3, year=2027))
    series = weekly(at=at, until=wall(11, 2, 30, month=4, year=2027))
    skipped = wall(28, 2, 30, month=3, year=2027)
    moved = ChangedInstance(skipped, times(wall(29, 9, month=3, year=2027)), PLAIN)
    starts = [at.at(wall(day, 2, 30, month=month, year=2027)) for day, month in ((14, 3), (21, 3), (4, 4), (11, 4))]
    async with world.session() as session:
        stored = await session.create(CALENDAR, replace(series, cancelled=(skipped,)))
        assert await world.seen(CALENDAR) == in_order(map(utc, starts))
        await session.update(CALENDAR, replace(series, changed=(moved,)), stored)
    assert await world.seen(CALENDAR) == in_order(map(utc, [*starts, moved.times]))


async def test_a_private_instance_makes_the_series_private(world: GoogleExportWorld) -> None:
    wanted = weekly()
    secret = ChangedInstance(wall(8), times(wall(8)), replace(PLAIN, private=True))
    async with world.session() as session:
        await session.create(CALENDAR, replace(wanted, changed=(secret,)))
    assert (await world.held(wanted.key)).text.private


# Where it may not be


async def test_who_may_only_read_a_calendar_makes_no_copy_there(world: GoogleExportWorld) -> None:
    theirs = (await world.stage.post("/calendars", {"summary": "Theirs"}, token="guest"))["id"]
    await world.stage.press(f"/users/{GUEST.email}/calendars/{theirs}/share", {"email": OWNER.email, "role": "reader"})
    async with world.session() as session:
        with pytest.raises(NotSupported):
            await session.create(theirs, single())


# Calendars of our own


async def limited(*, refused: bool = False) -> str:
    """Return an access token that reaches as far as people are asked for."""
    assert not refused
    return "limited"


def of_scopes(world: GoogleExportWorld, *scopes: str) -> GoogleSession:
    world.stage.tokens.add("limited", OWNER, *scopes)
    return GoogleSession(CalendarApi(world.client, limited, world.url))


async def test_the_scopes_that_people_are_asked_for_reach_all_of_it(world: GoogleExportWorld) -> None:
    scopes = [one.removeprefix(SCOPES) for one in ASKED[ConnectScopes.FULL] if one.startswith(SCOPES)]
    session, wanted = of_scopes(world, *scopes), with_exceptions(weekly())
    made = await session.create_calendar("Bookings", "0marker")
    assert await session.find_calendar("0marker") == made
    for calendar in (made.id, CALENDAR):
        stored = await session.create(calendar, wanted)
        stored = await session.update(calendar, weekly_of(wanted), stored)
        assert await session.look_up(calendar, wanted.key) == stored
        await session.delete(calendar, stored.ref)
    await session.delete_calendar(made.id)
    assert await session.find_calendar("0marker") is None


@pytest.mark.parametrize("reason", ["quotaExceeded", "calendarUsageLimitsExceeded", "forbidden"])
async def test_an_account_with_as_many_calendars_as_it_may_have_gets_no_more(
    world: GoogleExportWorld, reason: str
) -> None:
    await fault(world, "/calendars$|/calendars\\?", method="POST", status=403, reason=reason)
    async with world.session() as session:
        with pytest.raises(CalendarRefused):
            await session.create_calendar("Bookings", "0marker")


async def test_consent_that_reaches_no_calendars_makes_none_and_stays(world: GoogleExportWorld) -> None:
    session = of_scopes(world, "calendar.calendarlist.readonly", "calendar.events")
    with pytest.raises(CalendarRefused):
        await session.create_calendar("Bookings", "0marker")


@pytest.mark.parametrize("how", [{"status": 403, "reason": "rateLimitExceeded"}, {"cut": True}])
async def test_a_calendar_that_may_come_later_is_not_refused(world: GoogleExportWorld, how: Json) -> None:
    await fault(world, "/calendars$|/calendars\\?", method="POST", **how)
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create_calendar("Bookings", "0marker")


async def test_a_calendar_is_found_under_any_name_and_by_its_whole_marker_alone(world: GoogleExportWorld) -> None:
    async with world.session() as session:
        made = await session.create_calendar("Bookings", "0marker.1")
        await world.stage.patch(f"/calendars/{made.id}", {"summary": "Mine"})
        found = await session.find_calendar("0marker.1")
        assert found is not None
        assert (found.id, found.name, found.own, found.writable) == (made.id, "Mine", True, True)
        for other in ("0marker", "0marker.", "0marker.12", "marker.1", "1"):
            assert await session.find_calendar(other) is None


async def test_a_calendar_that_another_owns_is_not_ours_whatever_it_says(world: GoogleExportWorld) -> None:
    body = {"summary": "Theirs", "description": "kalends:0marker"}
    theirs = (await world.stage.post("/calendars", body, token="guest"))["id"]
    share = f"/users/{GUEST.email}/calendars/{theirs}/share"
    for role in ("reader", "writer"):
        await world.stage.press(share, {"email": OWNER.email, "role": role})
        async with world.session() as session:
            assert any(one.id == theirs for one in await session.list_calendars())
            assert await session.find_calendar("0marker") is None


async def test_the_primary_calendar_is_not_deleted(world: GoogleExportWorld) -> None:
    async with world.session() as session:
        with pytest.raises(NotSupported):
            await session.delete_calendar(CALENDAR)


async def test_a_calendar_that_is_no_more_is_told_from_a_copy_that_is_no_more(world: GoogleExportWorld) -> None:
    async with world.session() as session:
        made = await session.create_calendar("Bookings", "0marker")
        wanted = with_exceptions(weekly())
        stored = await session.create(made.id, wanted)
        await world.stage.delete(f"/calendars/{made.id}")
        for attempt in (session.look_up(made.id, key()), session.update(made.id, wanted, stored)):
            with pytest.raises(CalendarGone):
                await attempt
