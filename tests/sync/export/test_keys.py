"""Keys and tags of copies."""

import re
from dataclasses import replace

import pytest

from kalends.sync.export.keys import CopyKeys, CopyPlace

PLACE = CopyPlace("site", "connection", "calendar", "event", 1)
KEYS = CopyKeys([b"new" * 11, b"old" * 11])


def test_a_key_is_always_the_same_and_an_id_that_google_takes() -> None:
    assert KEYS.key(PLACE) == CopyKeys([b"new" * 11]).key(PLACE)
    assert re.fullmatch("[0-9a-v]{52}", KEYS.key(PLACE))


@pytest.mark.parametrize(
    "change",
    [
        {"site_id": "another"},
        {"connection_id": "another"},
        {"calendar_id": "another"},
        {"event_id": "another"},
        {"ordinal": 2},
        {"generation": 2},
        {"connection_id": "connectionc", "calendar_id": "alendar"},
    ],
    ids=str,
)
def test_whatever_is_another_copy_has_another_key(change: dict[str, str]) -> None:
    assert KEYS.key(replace(PLACE, **change)) != KEYS.key(PLACE)  # type: ignore[arg-type] # one of them is a number


def test_a_tag_is_recognised_by_its_site_alone_and_after_a_change_of_secrets() -> None:
    key = KEYS.key(PLACE)
    tag = KEYS.tag("site", key)
    assert len(tag) <= 100
    assert re.fullmatch("[0-9a-v.]+", tag)
    assert KEYS.is_ours("site", tag)
    assert not KEYS.is_ours("another", tag)
    assert KEYS.is_ours("site", CopyKeys([b"old" * 11]).tag("site", key))
    assert not CopyKeys([b"other" * 7]).is_ours("site", tag)


@pytest.mark.parametrize("tag", ["", ".", "a.b", "a" * 20 + ".", "a" * 20, "é" * 60, "a" * 5_000])
def test_what_is_no_tag_is_nobodys(tag: str) -> None:
    assert not KEYS.is_ours("site", tag)


def test_a_tag_that_was_altered_is_nobodys() -> None:
    tag = KEYS.tag("site", KEYS.key(PLACE))
    for at in range(len(tag)):
        altered = tag[:at] + ("0" if tag[at] != "0" else "1") + tag[at + 1 :]
        assert not KEYS.is_ours("site", altered), at


def test_the_marker_of_a_calendar_is_that_of_its_connection() -> None:
    assert KEYS.marker("site", "connection") == KEYS.marker("site", "connection")
    assert len({KEYS.marker("site", one) for one in ("a", "b")} | {KEYS.marker("other", "a")}) == 3
