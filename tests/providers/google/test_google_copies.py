"""What copies are to look like at Google, what stands of them there, and what has to be written of a series. Pure."""

import json
from dataclasses import replace
from typing import Any

import pytest

from kalends.model.copy import ChangedInstance, CopyText, WantedCopy
from kalends.model.schedule_event import WeeklyRule
from kalends.providers.google.copies import LONGEST_DESCRIPTION, body_of, instance_body, instance_id, new_body
from kalends.providers.google.dedicated import marker_of
from kalends.providers.google.echo import has_exceptions, original_of, says, stored_copy
from kalends.providers.google.instances import InstanceWrite, instance_writes
from kalends.providers.google.payload import item_of, tag_of
from tests.providers.export_contract import PLAIN, TAG, days, single, times, wall, weekly, with_exceptions

Json = dict[str, Any]
TUESDAY = wall(1)


def text(**said: Any) -> Json:
    return body_of(single(text=replace(PLAIN, **said)))


# Bodies


def test_a_copy_is_made_without_guests_and_reminders_under_its_key() -> None:
    wanted = single()
    body = new_body(wanted)
    assert body["id"] == wanted.key
    assert body["reminders"] == {"useDefault": False, "overrides": []}
    assert "attendees" not in body
    assert body["extendedProperties"] == {"private": {"kalends": TAG}}
    assert None not in [*body.values(), *body["start"].values(), *body["end"].values()]


def test_a_change_takes_away_what_is_not_said_and_leaves_reminders_alone() -> None:
    body = text()
    assert [name for name, value in body.items() if value is None] == [
        "description",
        "location",
        "source",
        "recurrence",
    ]
    assert body["start"] == {"date": None, "dateTime": "2026-12-01T09:00:00Z", "timeZone": "Europe/Berlin"}
    assert "reminders" not in body
    assert "status" not in body, "a deleted event must not come back by it"


def test_notes_are_text_and_not_markup() -> None:
    assert text(notes="a <b> & 'c' \"d\"")["description"] == "a &lt;b&gt; &amp; 'c' \"d\""


def test_a_link_follows_the_notes_and_has_a_field_of_its_own() -> None:
    said = text(notes="Notes", url="https://kalends.example/a?b=1&c=2")
    assert said["description"] == "Notes\n\nhttps://kalends.example/a?b=1&amp;c=2"
    assert said["source"] == {"title": "kalends.example", "url": "https://kalends.example/a?b=1&c=2"}
    assert text(url="https://kalends.example/")["description"] == "https://kalends.example/"


@pytest.mark.parametrize("url", ["mailto:somebody@example.com", "nonsense", "https:///nowhere", "javascript:x"])
def test_a_link_that_is_no_web_address_stands_in_the_notes_alone(url: str) -> None:
    assert text(url=url)["source"] is None
    assert text(url=url)["description"] == url


def test_notes_that_are_too_long_are_cut_between_characters_and_the_link_stays() -> None:
    said = text(notes="&" * 5_000, url="https://kalends.example/")["description"]
    assert LONGEST_DESCRIPTION - 5 < len(said) <= LONGEST_DESCRIPTION
    notes, _, link = said.partition("\n\n")
    assert notes == "&amp;" * (len(notes) // 5)
    assert link == "https://kalends.example/"
    whole = text(notes="a" * (LONGEST_DESCRIPTION - 2))["description"]
    assert whole == "a" * (LONGEST_DESCRIPTION - 2)


def test_characters_that_no_text_shows_are_left_out_and_those_that_join_others_stay() -> None:
    said = text(title="a\x00b\x1b\nc\ud800 👩‍💻", notes="a\r\nb\rc\td\x07", location="\x7fe\u200d")
    assert (said["summary"], said["description"], said["location"]) == ("ab c 👩‍💻", "a\nb\nc\td", "e\u200d")


def test_a_series_repeats_a_wall_time_and_ends_in_utc() -> None:
    body = body_of(weekly(interval=2))
    assert body["recurrence"] == ["RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20270105T090000Z"]
    assert body["start"] == {"date": None, "dateTime": "2026-12-01T10:00:00", "timeZone": "Europe/Berlin"}
    assert body_of(replace(weekly(), rule=WeeklyRule()))["recurrence"] == ["RRULE:FREQ=WEEKLY"]


def test_a_series_of_days_ends_on_a_date_and_names_its_instances_by_dates() -> None:
    wanted = weekly(at=days(wall(1, 0)), until=wall(29, 0))
    assert body_of(wanted)["recurrence"] == ["RRULE:FREQ=WEEKLY;UNTIL=20261229"]
    assert body_of(wanted)["end"] == {"date": "2026-12-02", "dateTime": None, "timeZone": None}
    assert instance_id(wanted, wall(8, 0)) == f"{wanted.key}_20261208"


def test_an_instance_is_named_by_where_the_rule_has_put_it() -> None:
    wanted = weekly(at=times(wall(23, 0, 30, month=3)), until=wall(30, 0, 30, month=3))
    assert instance_id(wanted, wall(23, 0, 30, month=3)) == f"{wanted.key}_20260322T233000Z"
    summer = wall(30, 0, 30, month=3)
    assert instance_id(wanted, summer) == f"{wanted.key}_20260329T223000Z"


# What stands there


def there(wanted: WantedCopy, **more: Any) -> Json:
    """Return the event that Google makes of a copy."""
    kept = {name: value for name, value in body_of(wanted).items() if value is not None}
    for name in ("start", "end"):
        kept[name] = {part: value for part, value in kept[name].items() if value is not None}
    return {"id": wanted.key, "etag": '"1"', "status": "confirmed", **kept, **more}


def instance(wanted: WantedCopy, number: int, **more: Any) -> Json:
    """Return an instance that Google keeps apart, by default one that says what its series does."""
    original = wanted.times.start.replace(day=wanted.times.start.day + 7 * number)
    body = instance_body(wanted, wanted.times.at(original), wanted.text)
    kept = {name: value for name, value in body.items() if value is not None}
    return {
        **kept,
        "id": f"{wanted.key}_x{number}",
        "etag": f'"1{number}"',
        "recurringEventId": wanted.key,
        "originalStartTime": body["start"],
        **more,
    }


def cancelled(wanted: WantedCopy, number: int) -> Json:
    """Return an instance that was cancelled, with no more than Google promises."""
    whole = instance(wanted, number)
    return {name: whole[name] for name in ("id", "etag", "recurringEventId", "originalStartTime")} | {
        "status": "cancelled"
    }


@pytest.mark.parametrize(
    "other",
    [
        {"start": {"dateTime": "2026-12-01T18:00:00+09:00", "timeZone": "Europe/Berlin"}},
        {"start": {"dateTime": "2026-12-01T09:00:00.000Z", "timeZone": "Europe/Berlin"}},
        {"recurrence": ["RRULE:FREQ=WEEKLY;WKST=SU;UNTIL=20270105T090000Z;INTERVAL=1;BYDAY=TU"]},
        {"summary": "Haircut "},
        {"colorId": "1", "sequence": 7, "hangoutLink": "https://meet.example/", "etag": '"2"'},
        {"extendedProperties": {"private": {"kalends": TAG, "other": "x"}, "shared": {"a": "b"}}},
        {"description": ""},
    ],
)
def test_another_spelling_is_the_same_echo(other: Json) -> None:
    wanted = weekly()
    assert stored_copy(there(wanted, **other)).echo == stored_copy(there(wanted)).echo
    assert says(there(wanted, **other), body_of(wanted))


@pytest.mark.parametrize(
    "other",
    [
        {"summary": "Mine"},
        {"description": "Mine"},
        {"location": "Mine"},
        {"source": {"url": "https://mine.example"}},
        {"transparency": "transparent"},
        {"visibility": "confidential"},
        {"start": {"dateTime": "2026-12-01T09:30:00Z", "timeZone": "Europe/Berlin"}},
        {"start": {"dateTime": "2026-12-01T09:00:00Z", "timeZone": "Africa/Lagos"}},
        {"start": {"date": "2026-12-01"}},
        {"end": {"dateTime": "2026-12-01T10:30:00Z", "timeZone": "Europe/Berlin"}},
        {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270105T090000Z;BYDAY=WE"]},
        {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270105T090000Z", "EXDATE:20261208T090000Z"]},
        {"recurrence": ["RRULE:FREQ=DAILY;UNTIL=20270105T090000Z"]},
        {"recurrence": None},
        {"status": "cancelled"},
        {"extendedProperties": {}},
    ],
)
def test_whatever_else_is_said_is_another_echo(other: Json) -> None:
    wanted = weekly()
    assert stored_copy(there(wanted, **other)).echo != stored_copy(there(wanted)).echo
    assert not says(there(wanted, **other), body_of(wanted))


@pytest.mark.parametrize("junk", [None, [], "x", 1, {"dateTime": 1}, {"dateTime": "x"}, {"date": "2026"}, {"date": 1}])
@pytest.mark.parametrize("name", ["start", "end", "recurrence", "source", "extendedProperties", "summary", "status"])
def test_what_makes_no_sense_is_an_echo_like_any_other(name: str, junk: Any) -> None:
    wanted = weekly()
    assert stored_copy(there(wanted, **{name: junk}), [instance(wanted, 1)]).echo


def test_the_echo_does_not_depend_on_the_key() -> None:
    wanted, other = with_exceptions(weekly()), with_exceptions(weekly())
    assert wanted.key != other.key
    echoes = {
        stored_copy(there(one), [cancelled(one, 3), instance(one, 1, summary="x")]).echo for one in (wanted, other)
    }
    assert len(echoes) == 1


def test_instances_that_say_what_their_series_does_are_no_part_of_the_echo_and_one_of_the_version() -> None:
    wanted = weekly()
    alone, more = stored_copy(there(wanted)), stored_copy(there(wanted), [instance(wanted, 1)])
    assert alone.echo == more.echo
    assert alone.version == '"1"'
    assert (has_exceptions(alone.version), has_exceptions(more.version)) == (False, True)
    assert stored_copy(there(wanted), [instance(wanted, 1, etag='"99"')]).version != more.version


def test_the_order_of_instances_does_not_matter() -> None:
    wanted = weekly()
    some = [cancelled(wanted, 3), instance(wanted, 1, summary="x")]
    assert stored_copy(there(wanted), some) == stored_copy(there(wanted), some[::-1])


def test_instances_that_the_rule_does_not_make_count_where_they_take_place() -> None:
    wanted = replace(weekly(), rule=WeeklyRule(until=wall(8)))
    plain = stored_copy(there(wanted)).echo
    assert stored_copy(there(wanted), [cancelled(wanted, 3)]).echo == plain
    assert stored_copy(there(wanted), [instance(wanted, 3)]).echo != plain
    assert stored_copy(there(wanted), [cancelled(wanted, 1)]).echo != plain


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ({"dateTime": "2026-12-08T10:00:00+01:00"}, wall(8)),
        ({"dateTime": "2026-12-08T09:00:00Z"}, wall(8)),
        ({"dateTime": "2026-12-08T09:30:00Z"}, None),
        ({"dateTime": "2026-12-09T09:00:00Z"}, None),
        ({"dateTime": "2026-11-24T09:00:00Z"}, None),
        ({"dateTime": "2027-01-05T09:00:00Z"}, wall(5, month=1, year=2027)),
        ({"dateTime": "2027-01-12T09:00:00Z"}, None),
        ({"date": "2026-12-08"}, None),
        (None, None),
    ],
)
def test_where_the_rule_has_put_an_instance(original: Json | None, expected: object) -> None:
    wanted = weekly()
    assert original_of(wanted.times, wanted.rule, {"originalStartTime": original}) == expected
    assert original_of(wanted.times, None, {"originalStartTime": original}) is None


def test_an_instance_that_every_other_week_leaves_out_is_none_of_the_rules() -> None:
    wanted = weekly(interval=2)
    found = [original_of(wanted.times, wanted.rule, instance(wanted, number)) for number in range(3)]
    assert found == [wall(1), None, wall(15)]


# What has to be written


def writes(wanted: WantedCopy, *exceptions: Json) -> list[tuple[str, bool, str]]:
    """Return which instances are written, whether they are to take place, and the version meant."""
    return [(one.event_id, one.body is not None, one.etag) for one in instance_writes(wanted, exceptions)]


def test_a_series_without_exceptions_needs_no_writes_and_those_that_normal_are_neither() -> None:
    wanted = weekly()
    assert writes(wanted) == []
    assert writes(wanted, instance(wanted, 1), instance(wanted, 2)) == []


def test_what_is_wanted_and_not_there_is_written_in_the_order_of_time() -> None:
    wanted = with_exceptions(weekly())
    ids = [instance_id(wanted, wall(day)) for day in (8, 15, 22)]
    assert writes(wanted) == [(ids[0], True, ""), (ids[1], True, ""), (ids[2], False, "")]


def test_what_is_there_is_written_under_its_own_id_as_the_version_it_has() -> None:
    wanted = with_exceptions(weekly())
    found = [instance(wanted, 1, summary="x"), cancelled(wanted, 2), instance(wanted, 3)]
    expected = [
        (one["id"], takes_place, one["etag"]) for one, takes_place in zip(found, (True, True, False), strict=True)
    ]
    assert writes(wanted, *found) == expected


def test_what_is_there_as_it_is_wanted_is_not_written() -> None:
    wanted = with_exceptions(weekly())
    moved = instance_body(wanted, wanted.changed[0].times, wanted.changed[0].text)
    retitled = instance(wanted, 2, summary="Beard, too")
    assert writes(wanted, instance(wanted, 1, **moved), retitled, cancelled(wanted, 3)) == []


def test_what_is_wanted_no_more_is_set_back_to_normal() -> None:
    wanted = weekly()
    found = [instance(wanted, 1, summary="x"), cancelled(wanted, 2)]
    (first, second) = instance_writes(wanted, found)
    assert first == InstanceWrite(found[0]["id"], instance_body(wanted, wanted.times.at(wall(8)), PLAIN), '"11"')
    assert second.body is not None
    assert second.body["status"] == "confirmed"


def test_what_the_rule_does_not_make_is_removed_where_it_takes_place() -> None:
    wanted = replace(weekly(), rule=WeeklyRule(until=wall(8)))
    assert writes(wanted, instance(wanted, 2), cancelled(wanted, 3)) == [(f"{wanted.key}_x2", False, '"12"')]
    alone = replace(wanted, rule=None)
    assert writes(alone, instance(wanted, 1), cancelled(wanted, 3)) == [(f"{wanted.key}_x1", False, '"11"')]


def test_of_two_in_one_place_one_stays() -> None:
    wanted = weekly()
    twin = instance(wanted, 1, id="twin", etag='"7"')
    assert writes(wanted, instance(wanted, 1), twin) == [("twin", False, '"7"')]


def test_a_private_instance_does_not_make_the_others_differ_from_the_series() -> None:
    secret = ChangedInstance(wall(8), times(wall(8)), replace(PLAIN, private=True))
    wanted = replace(weekly(), changed=(secret,))
    assert body_of(wanted)["visibility"] == "private"
    assert {one.body["visibility"] for one in instance_writes(wanted, [cancelled(wanted, 2)]) if one.body} == {
        "private"
    }


# Whose copy it is, and whose calendar


def payload(properties: object) -> bytes:
    kept = item_of({**there(single()), "extendedProperties": properties}, "x").payload
    assert kept is not None
    return kept


def test_the_import_keeps_the_tag_and_no_other_property() -> None:
    kept = payload({"private": {"kalends": TAG, "other": "secret"}, "shared": {"kalends": "x"}})
    assert tag_of(kept) == TAG
    assert b"secret" not in kept
    assert b"shared" not in kept


@pytest.mark.parametrize(
    "properties",
    [
        None,
        [],
        {},
        {"private": None},
        {"private": []},
        {"private": {"kalends": 1}},
        {"private": {"kalends": ""}},
        {"private": {"kalends": "x"}},
        {"private": {"kalends": "a" * 101}},
        {"private": {"Kalends": "a"}},
        {"shared": {"kalends": "a"}},
    ],
)
def test_what_is_no_tag_of_ours_is_not_kept(properties: object) -> None:
    kept = payload(properties)
    assert tag_of(kept) is None
    assert "tag" not in json.loads(kept)


@pytest.mark.parametrize("junk", [b"", b"x", b"[]", b"1", b'{"tag":1}', b'{"tag":"XYZ"}', b"[" * 100_000, b"\xff"])
def test_a_payload_that_makes_no_sense_has_no_tag(junk: bytes) -> None:
    assert tag_of(junk) is None


@pytest.mark.parametrize(
    ("description", "marker"),
    [
        ("Made by Kalends: kalends:0a.v", "0a.v"),
        ("mine\nkalends:0a.v\nmine", "0a.v"),
        ("kalends:0a.v, mine", "0a.v"),
        ("kalends:0a.vz", None),
        ("kalends:", None),
        ("0a.v", None),
        (f"kalends:{'a' * 101}", None),
        (None, None),
        (7, None),
    ],
)
def test_a_marker_in_a_description(description: object, marker: str | None) -> None:
    assert marker_of({"description": description}) == marker


def test_texts_may_be_empty() -> None:
    assert body_of(single(text=CopyText("")))["summary"] == ""
