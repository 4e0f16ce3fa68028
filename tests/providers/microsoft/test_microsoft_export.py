"""Copies at Microsoft: the contract that every provider keeps, and what is Graph's own, against the sandbox."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kalends.model.copy import ChangedInstance, CopyText
from kalends.model.schedule_event import EventTimes, WeeklyRule
from kalends.providers.errors import NotSupported, Unavailable
from kalends.providers.export import CalendarRefused, CopyChanged, CopyThere
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.content import times_body
from kalends.providers.microsoft.errors import InstanceMisplaced
from kalends.providers.microsoft.kind import MICROSOFT
from kalends.providers.microsoft.payload import item_of, tag_of
from kalends.providers.microsoft.session import MicrosoftSession
from kalends.providers.microsoft.tags import KEY_PROPERTY, tag_in
from kalends.sandbox.serving import serving
from tests.providers.consenting import Keeper
from tests.providers.contract import CountingClient
from tests.providers.export_contract import (
    PLAIN,
    SINCE,
    TAG,
    UNTIL,
    ExportContract,
    Held,
    Seen,
    days,
    in_order,
    kept,
    seen_with_exceptions,
    single,
    times,
    tuesdays,
    utc,
    wall,
    weekly,
    with_exceptions,
)
from tests.sandbox.microsoft.stage import OWNER, Json, Stage
from tests.servers import LOOPBACK

UTC_TEXT = {"Prefer": 'outlook.timezone="UTC", outlook.body-content-type="text", IdType="ImmutableId"'}


async def owner(*, refused: bool = False) -> str:
    """Return the sandbox's access token of its owner."""
    assert not refused
    return "owner"


@dataclass
class World:
    """The sandbox's owner: writes through the session, and looks from the side."""

    stage: Stage
    client: CountingClient
    url: str
    takes_keys_again: bool = True
    mailbox: tuple[str, ...] = ("me",)
    apis: type[GraphApi] = field(default=GraphApi)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[MicrosoftSession]:
        api = self.apis(self.client, owner, self.url, self.mailbox)
        yield MicrosoftSession(api, frozenset({OWNER.email}), Keeper(self.stage.clock, {}))

    async def calendar(self) -> str:
        return str((await self.stage.get("/me/calendar"))["id"])

    async def seen(self, calendar_id: str) -> list[Seen]:
        between = {"startDateTime": f"{SINCE:%Y-%m-%dT%H:%M:%SZ}", "endDateTime": f"{UNTIL:%Y-%m-%dT%H:%M:%SZ}"}
        page = await self.stage.get(
            f"/me/calendars/{calendar_id}/calendarView", headers=UTC_TEXT, top_="1000", **between
        )
        assert "@odata.nextLink" not in page
        return in_order((one["subject"], _seen(one, "start"), _seen(one, "end")) for one in page["value"])

    async def event(self, key: str) -> Json:
        (found,) = await self.events(key)
        return found

    async def events(self, key: str) -> list[Json]:
        fits = f"singleValueExtendedProperties/any(p:p/id eq '{KEY_PROPERTY}' and p/value eq '{key}')"
        found: list[Json] = (await self.stage.get("/me/calendar/events", headers=UTC_TEXT, filter_=fits))["value"]
        return found

    async def held(self, key: str) -> Held:
        event = await self.event(key)
        notes = event["body"]["content"].replace("\r\n", "\n")
        last = notes.rpartition("\n")[2]
        text = CopyText(
            title=event["subject"],
            notes=notes,
            location=event["location"]["displayName"],
            url=last if last.startswith("https://") else None,
            busy={"busy": True, "free": False}[event["showAs"]],
            private={"private": True, "normal": False}[event["sensitivity"]],
        )
        return Held(text, len(event["attendees"]), int(event["isReminderOn"]))

    async def change(self, key: str, **fields: object) -> None:
        await self.stage.patch(f"/me/events/{(await self.event(key))['id']}", fields)

    async def edit(self, key: str, *, title: str) -> None:
        await self.change(key, subject=title)

    async def retime(self, key: str, to: EventTimes) -> None:
        await self.change(key, **times_body(to))

    async def remove(self, key: str) -> None:
        await self.stage.delete(f"/me/events/{(await self.event(key))['id']}")

    def tag_of(self, payload: bytes) -> str | None:
        return MICROSOFT.tag_of(payload)

    def written(self) -> list[str]:
        """Return the methods of what the session has written since this was called last."""
        methods = [method for method, _ in self.client.asked if method != "GET"]
        self.client.asked.clear()
        return methods


def _seen(event: Json, name: str) -> datetime | date:
    moment = datetime.fromisoformat(event[name]["dateTime"][:19]).replace(tzinfo=UTC)
    assert event[name]["timeZone"] == "UTC"
    return moment.date() if event["isAllDay"] else moment


@pytest.fixture
async def world(stage: Stage) -> AsyncIterator[World]:
    async with serving(stage.app) as url, CountingClient(LOOPBACK) as client:
        yield World(stage, client, url)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with stage.http:
        yield stage


class TestMicrosoftExport(ExportContract):
    """Copies are kept as anywhere else."""


class Hasty(GraphApi):
    """Does not see a copy that another request is just making: the first look-up of each finds nothing."""

    looked = 0

    async def get(self, url: str, *, prefer: str = "", followed: bool = False) -> Mapping[str, Any]:
        said = await super().get(url, prefer=prefer, followed=followed)
        if "kalendsKey" in url:
            self.looked += 1
            return {"value": []} if self.looked == 1 else said
        return said


# One copy


@pytest.mark.parametrize("said", ["400", "409", "existing"])
async def test_two_requests_at_once_make_one_copy(world: World, said: str) -> None:
    """The look-up of the second one comes too early: Graph knows the transaction."""
    await world.stage.odd(duplicateTransaction=said)
    calendar, wanted = await world.calendar(), single()
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
    world.apis = Hasty
    async with world.session() as session:
        if said == "existing":
            assert await session.create(calendar, wanted) == stored
        else:
            with pytest.raises(CopyThere):
                await session.create(calendar, wanted)
    assert len(await world.events(wanted.key)) == 1


async def test_a_key_makes_one_copy_though_graph_has_forgotten_the_transaction(world: World) -> None:
    calendar, wanted = await world.calendar(), single()
    async with world.session() as session:
        await session.create(calendar, wanted)
        world.stage.advance(hours=1)
        with pytest.raises(CopyThere):
            await session.create(calendar, wanted)
    assert len(await world.events(wanted.key)) == 1


async def test_a_transaction_that_outlives_its_copy_is_no_hindrance(world: World) -> None:
    refusal = {"path": "events", "method": "POST", "status": 400, "reason": "ErrorDuplicateTransactionId"}
    calendar, wanted = await world.calendar(), single()
    await world.stage.press("/faults", {**refusal, "times": 2})
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        assert await session.look_up(calendar, wanted.key) == stored
        assert (await world.event(wanted.key))["transactionId"].endswith(":2")
        other = single()
        await world.stage.press("/faults", {**refusal, "times": 4})
        with pytest.raises(Unavailable):
            await session.create(calendar, other)
    assert await world.events(other.key) == []


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 409, "reason": "SomethingElse"}, {"cut": True}])
async def test_it_is_said_when_nobody_knows_how_it_ended(world: World, fault: Json) -> None:
    calendar, wanted = await world.calendar(), single()
    await world.stage.press("/faults", {"path": "events", "method": "POST", "times": 1, **fault})
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create(calendar, wanted)
        assert world.written() == ["POST"]
        found = await session.look_up(calendar, wanted.key)
        assert found is None
        await session.create(calendar, wanted)
    assert len(await world.events(wanted.key)) == 1


async def test_a_copy_made_in_part_is_found_and_completed(world: World) -> None:
    calendar, wanted = await world.calendar(), with_exceptions(weekly())
    await world.stage.press("/faults", {"path": "events", "method": "PATCH", "status": 503, "times": 1})
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create(calendar, wanted)
        with pytest.raises(CopyThere):
            await session.create(calendar, wanted)
        await session.update(calendar, wanted, await kept(session, calendar, wanted))
    assert await world.seen(calendar) == seen_with_exceptions(tuesdays())


async def test_what_somebody_copied_in_outlook_is_not_taken_for_the_copy(world: World) -> None:
    calendar, wanted = await world.calendar(), single()
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        twin = {"subject": "Twin", **times_body(wanted.times)}
        properties = [{"id": KEY_PROPERTY, "value": wanted.key}]
        await world.stage.post("/me/events", {**twin, "singleValueExtendedProperties": properties})
        assert await session.look_up(calendar, wanted.key) == stored


async def test_a_copy_is_in_the_way_of_no_other_mailbox_path(world: World) -> None:
    """An app by itself asks below /users; there, too, copies are kept."""
    world.stage.tokens.known["owner"] = replace(
        world.stage.tokens.known["owner"], user=None, scopes=frozenset(), roles=frozenset({"Calendars.ReadWrite"})
    )
    world.mailbox = ("users", OWNER.email)
    async with world.session() as session:
        calendar = next(one.id for one in await session.list_calendars() if one.primary)
        wanted = with_exceptions(weekly())
        stored = await session.create(calendar, wanted)
        assert await session.look_up(calendar, wanted.key) == stored


# Nothing is written that need not be


async def test_what_is_as_it_should_be_is_not_written(world: World) -> None:
    calendar, one, series = await world.calendar(), single(), with_exceptions(weekly())
    async with world.session() as session:
        for wanted in (one, series):
            stored = await session.create(calendar, wanted)
            world.written()
            assert await session.update(calendar, wanted, stored) == stored
            assert world.written() == []


async def test_a_retitled_series_keeps_its_exceptions(world: World) -> None:
    """Its times are not sent: so nothing is lost of its instances, and nothing has to be done again."""
    calendar, wanted = await world.calendar(), with_exceptions(weekly())
    retitled = replace(wanted, text=CopyText("Shave"))
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        world.written()
        await session.update(calendar, retitled, stored)
        assert world.written() == ["PATCH"]
    moved, beard = seen_with_exceptions(tuesdays())[1:3]
    at = tuesdays()
    assert await world.seen(calendar) == in_order(
        [utc(at[0], "Shave"), moved, beard, utc(at[4], "Shave"), utc(at[5], "Shave")]
    )


async def test_an_exception_that_is_none_any_more_follows_the_series(world: World) -> None:
    calendar, wanted = await world.calendar(), weekly()
    title = ChangedInstance(wall(8), times(wall(8)), replace(PLAIN, title="Beard, too"))
    async with world.session() as session:
        stored = await session.create(calendar, replace(wanted, changed=(title,)))
        retitled = replace(wanted, text=CopyText("Shave"))
        stored = await session.update(calendar, retitled, stored)
        assert await world.seen(calendar) == in_order(utc(one, "Shave") for one in tuesdays())
        again = replace(wanted, text=CopyText("Trim"))
        await session.update(calendar, again, stored)
    assert await world.seen(calendar) == in_order(utc(one, "Trim") for one in tuesdays())


# What the owner makes of it


async def _instance(world: World, key: str, day: int) -> Json:
    series = await world.event(key)
    window = {"startDateTime": "2026-12-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}
    page = await world.stage.get(f"/me/events/{series['id']}/instances", headers=UTC_TEXT, **window)
    (found,) = [one for one in page["value"] if one["originalStart"].startswith(f"2026-12-{day:02}")]
    return dict(found)


@pytest.mark.parametrize("done", ["deleted", "moved", "retitled"])
async def test_instances_that_the_owner_changed_are_noticed(world: World, done: str) -> None:
    calendar, wanted = await world.calendar(), weekly()
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        path = f"/me/events/{(await _instance(world, wanted.key, 8))['id']}"
        if done == "deleted":
            await world.stage.delete(path)
        else:
            moved = times_body(times(wall(9)))
            await world.stage.patch(path, moved if done == "moved" else {"subject": "Mine"})
        edited = await kept(session, calendar, wanted)
        assert edited.echo != stored.echo
        with pytest.raises(CopyChanged):
            await session.update(calendar, wanted, stored)
        assert (await session.update(calendar, wanted, edited)).echo == stored.echo
    assert await world.seen(calendar) == in_order(map(utc, tuesdays()))


@pytest.mark.parametrize(
    "pattern",
    [
        {"type": "daily", "interval": 1},
        {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday", "friday"]},
        {"type": "weekly", "interval": 2, "daysOfWeek": ["tuesday"]},
        {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 1},
    ],
)
async def test_a_rule_that_the_owner_changed_is_noticed(world: World, pattern: Json) -> None:
    calendar, wanted = await world.calendar(), with_exceptions(weekly())
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        extent = {"type": "noEnd", "startDate": "2026-12-01"}
        await world.change(wanted.key, recurrence={"pattern": pattern, "range": extent})
        edited = await kept(session, calendar, wanted)
        assert edited.echo != stored.echo
        assert (await session.update(calendar, wanted, edited)).echo == stored.echo
    assert await world.seen(calendar) == seen_with_exceptions(tuesdays())


@pytest.mark.parametrize(
    "fields",
    [
        {"location": {"displayName": "Elsewhere"}},
        {"showAs": "free"},
        {"sensitivity": "private"},
        {"body": {"contentType": "html", "content": "<p>Mine</p>"}},
        times_body(times(wall(1, 11))),
        times_body(times(wall(1), minutes=30)),
        times_body(days(wall(1, 0))),
    ],
)
async def test_whatever_was_wanted_is_in_the_echo(world: World, fields: Json) -> None:
    calendar, wanted = await world.calendar(), single()
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        await world.change(wanted.key, **fields)
        edited = await kept(session, calendar, wanted)
        assert edited.echo != stored.echo
        assert (await session.update(calendar, wanted, edited)).echo == stored.echo


async def test_what_was_not_wanted_is_the_owners(world: World) -> None:
    calendar, wanted = await world.calendar(), single()
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        await world.change(wanted.key, isReminderOn=True, categories=["Red"])
        edited = await kept(session, calendar, wanted)
        assert edited.echo == stored.echo
        await session.update(calendar, replace(wanted, text=CopyText("Shave")), edited)
    event = await world.event(wanted.key)
    assert (event["isReminderOn"], event["categories"], event["subject"]) == (True, ["Red"], "Shave")


async def test_what_lies_in_the_spaces_of_a_text_makes_no_difference(world: World) -> None:
    calendar = await world.calendar()
    spaced = CopyText("Haircut", notes=" one  two\n\n\nthree \t\u0000")
    wanted = single(text=spaced)
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        html = "<html><body><p>one two</p><p>three&nbsp;</p></body></html>"
        await world.change(wanted.key, body={"contentType": "html", "content": html})
        assert (await kept(session, calendar, wanted)).echo == stored.echo


# Guests


@pytest.mark.parametrize("invited", ["series", "instance"])
async def test_no_guest_of_the_owners_is_written_to(world: World, invited: str) -> None:
    calendar, wanted = await world.calendar(), weekly()
    guest = {"attendees": [{"emailAddress": {"address": "friend@contoso.example"}, "type": "required"}]}
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        instance = await _instance(world, wanted.key, 8)
        await world.stage.patch(f"/me/events/{stored.ref if invited == 'series' else instance['id']}", guest)
        with_guest = await kept(session, calendar, wanted)
        world.written()
        with pytest.raises(NotSupported):
            await session.update(calendar, replace(wanted, text=CopyText("Shave")), with_guest)
        if invited == "series":
            with pytest.raises(NotSupported):
                await session.delete(calendar, stored.ref)
        assert world.written() == []


# Instances


async def test_instances_wait_for_one_another(world: World) -> None:
    """The first can only go to where the second is once that has gone on."""
    calendar, wanted, at = await world.calendar(), weekly(), tuesdays()
    later = [
        ChangedInstance(at[1].start, times(wall(15, 12)), PLAIN),
        ChangedInstance(at[2].start, times(wall(17)), PLAIN),
    ]
    async with world.session() as session:
        stored = await session.create(calendar, replace(wanted, changed=tuple(later)))
        assert await world.seen(calendar) == in_order(
            map(utc, [at[0], later[0].times, later[1].times, at[3], at[4], at[5]])
        )
        await session.update(calendar, wanted, stored)
    assert await world.seen(calendar) == in_order(map(utc, at))


async def test_an_instance_does_not_overtake_another_one(world: World) -> None:
    calendar, wanted = await world.calendar(), weekly()
    beyond = ChangedInstance(wall(8), times(wall(23)), PLAIN)
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        with pytest.raises(InstanceMisplaced) as refused:
            await session.update(calendar, replace(wanted, changed=(beyond,)), stored)
    assert "Outlook" in refused.value.public
    assert await world.seen(calendar) == in_order(map(utc, tuesdays()))


async def test_one_copy_becomes_a_series_and_one_again(world: World) -> None:
    calendar, wanted = await world.calendar(), single()
    series = replace(with_exceptions(weekly()), key=wanted.key)
    async with world.session() as session:
        stored = await session.create(calendar, wanted)
        many = await session.update(calendar, series, stored)
        assert await world.seen(calendar) == seen_with_exceptions(tuesdays())
        assert (await session.update(calendar, wanted, many)).echo == stored.echo
    assert await world.seen(calendar) == [utc(wanted.times)]


async def test_instances_of_far_off_years_are_kept(world: World) -> None:
    """Graph shows five years at a time, and a series is looked at for twenty."""
    calendar, wanted = await world.calendar(), replace(weekly(), rule=WeeklyRule(4))
    at = [wanted.times.start + timedelta(weeks=52 * years) for years in (4, 12, 30, 7, 31)]
    moved = [ChangedInstance(one, times(one + timedelta(hours=2)), PLAIN) for one in at[:3]]
    excepted = replace(wanted, changed=tuple(moved), cancelled=tuple(at[3:]))

    async def seen() -> list[datetime | date]:
        found = []
        for one in at:
            around = {f"{name}DateTime": f"{one + by:%Y-%m-%dT%H:%M:%SZ}" for name, by in _AROUND.items()}
            page = await world.stage.get(f"/me/events/{stored.ref}/instances", headers=UTC_TEXT, **around)
            found += [_seen(instance, "start") for instance in page["value"]]
        return found

    async with world.session() as session:
        stored = await session.create(calendar, excepted)
        assert await seen() == [one.times.start_at for one in moved]
        excepted = replace(excepted, changed=tuple(moved[2:]))
        normal = await session.update(calendar, excepted, stored)
        assert normal.echo != stored.echo
    assert await seen() == [times(at[0]).start_at, times(at[1]).start_at, moved[2].times.start_at]


_AROUND = {"start": timedelta(days=-2), "end": timedelta(days=2)}


# Zones


def test_times_are_in_windows_zones_or_in_utc() -> None:
    berlin = times_body(times(wall(1)))
    assert berlin["start"] == {"dateTime": "2026-12-01T10:00:00", "timeZone": "W. Europe Standard Time"}
    # Outlook knows its own zones alone; a series says what it can, for in UTC it would lose its wall time
    assert times_body(times(wall(1), zone="Antarctica/Troll"))["start"]["timeZone"] in {"UTC", "Antarctica/Troll"}
    # the start is skipped, and nothing would be left until the end
    skipped = times(wall(28, 2, 30, month=3, year=2027))
    assert times_body(skipped) == {
        "start": {"dateTime": "2027-03-28T01:30:00", "timeZone": "UTC"},
        "end": {"dateTime": "2027-03-28T02:30:00", "timeZone": "UTC"},
        "isAllDay": False,
    }
    assert times_body(skipped, recurs=True)["start"]["timeZone"] == "W. Europe Standard Time"


# Calendars


async def test_a_calendar_has_the_id_that_it_is_listed_with(world: World) -> None:
    await world.stage.odd(otherPostedIds=True)
    async with world.session() as session:
        made = await session.create_calendar("Bookings", "0a")
        assert made in await session.list_calendars()
        assert await session.find_calendar("0a") == made


async def test_a_calendar_whose_name_is_taken_has_a_number(world: World) -> None:
    async with world.session() as session:
        names = [(await session.create_calendar("Bookings", marker)).name for marker in ("0a", "0b", "0c")]
        assert names == ["Bookings", "Bookings 2", "Bookings 3"]
        assert (await session.find_calendar("0c")) is not None


async def test_an_account_that_may_make_no_calendar_says_so(world: World) -> None:
    await world.stage.press("/faults", {"path": "calendars", "method": "POST", "status": 403, "times": 1})
    async with world.session() as session:
        with pytest.raises(CalendarRefused):
            await session.create_calendar("Bookings", "0a")


async def test_an_unknown_outcome_makes_no_second_calendar(world: World) -> None:
    await world.stage.press("/faults", {"path": "calendars", "method": "POST", "status": 504, "times": 1})
    async with world.session() as session:
        with pytest.raises(Unavailable):
            await session.create_calendar("Bookings", "0a")
        assert world.written() == ["POST"]


# Tags


@pytest.mark.parametrize(
    "transaction",
    [None, "", 7, "localevent:0a", "kalends:0a", "kalends:0a:0b:0", f"kalends:{'0' * 101}:{'0' * 26}:0",
     f"other:0a:{'0' * 26}:0", f"kalends:0a\n:{'0' * 26}:0", f"kalends:0a:{'0' * 26}:0\n"],
)  # fmt: skip
def test_what_others_make_has_no_tag(transaction: object) -> None:
    assert tag_in(transaction) is None
    assert tag_of(json.dumps({"tag": 7}).encode()) is None


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"{}", b"[" * 100_000])
def test_what_cannot_be_read_has_no_tag(payload: bytes) -> None:
    assert tag_of(payload) is None


def test_a_tag_is_kept_of_what_delta_gives() -> None:
    event = {"id": "1", "type": "singleInstance", "transactionId": f"kalends:{TAG}:{'v' * 26}:3"}
    item = item_of(event, "1")
    assert item.payload is not None
    assert tag_of(item.payload) == TAG
    assert item.version != item_of({**event, "transactionId": None}, "1").version
