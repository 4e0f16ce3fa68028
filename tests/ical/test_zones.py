"""Zone names, and where zone data comes from."""

import importlib.resources
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone

import pytest
from tzlocal.windows_tz import win_tz

from kalends.ical.zones import _PAIRS, UTC_ZONE, Zone, iana_zone, known_zone, likely_zone, tail_zone


def test_zone_data_is_that_of_the_package_and_not_the_hosts() -> None:
    assert zoneinfo.TZPATH == ()
    names = importlib.resources.files("tzdata").joinpath("zones").read_text().split()
    assert zoneinfo.available_timezones() == set(names)


def test_every_windows_name_is_known() -> None:
    for windows, name in win_tz.items():
        zone = known_zone(windows)
        assert zone is not None
        assert zone.name in {name, "UTC"}


@pytest.mark.parametrize(
    "name",
    ["PST", "+", "-1500", "", "/", "//", "No/Such", "a" * 300, "../../etc/passwd", "Europe", "GMT+15", "\0", "é"],
)
def test_unknown_names(name: str) -> None:
    assert known_zone(name) is None
    assert tail_zone(name) is None
    assert likely_zone(name) is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Armenian Standard Time", "Asia/Yerevan"),
        ("Coordinated Universal Time", "UTC"),
        ("Kamchatka Standard Time", "Asia/Kamchatka"),
        ("Mexico Standard Time", "America/Mexico_City"),
        ("Mexico Standard Time 2", "America/Chihuahua"),
        ("Mid-Atlantic Standard Time", "Etc/GMT+2"),
        ("US/Pacific-New", "America/Los_Angeles"),
    ],
)
def test_names_of_former_lists(name: str, meant: str) -> None:
    zone = known_zone(name)
    assert zone is not None
    assert zone.name == meant


@pytest.mark.parametrize(
    ("name", "hours"), [("+01:00", 1), ("-0500", -5), ("+14", 14), ("UTC+1", 1), ("GMT -0800", -8)]
)
def test_offsets(name: str, hours: int) -> None:
    assert known_zone(name) == Zone(timezone(timedelta(hours=hours)))


def test_likely_names() -> None:
    pair = "GMT {} (Standard) / GMT {} (Daylight)"
    assert likely_zone("Pacific Standard Time 1") == iana_zone("America/Los_Angeles")
    assert likely_zone("No Such Standard Time 1") is None
    assert likely_zone(pair.format("+0100", "+0200")) == iana_zone("Europe/Berlin")
    assert likely_zone(pair.format("+0900", "+0900")) == Zone(timezone(timedelta(hours=9)))
    assert likely_zone(pair.format("+0200", "+0300")) is None


@pytest.mark.parametrize("pair", _PAIRS)
def test_pairs_of_offsets_are_those_of_their_zones(pair: tuple[str, str]) -> None:
    offsets = {f"{datetime(2026, month, 1, tzinfo=zoneinfo.ZoneInfo(_PAIRS[pair])):%z}" for month in (1, 7)}
    assert offsets == set(pair)


def test_tails() -> None:
    assert tail_zone("/a/b/America/Argentina/Ushuaia") == iana_zone("America/Argentina/Ushuaia")
    assert tail_zone("x/UTC") == UTC_ZONE
    assert tail_zone("Europe/Berlin") is None


def test_labels() -> None:
    summer, winter = datetime(2026, 7, 1), datetime(2026, 1, 1)
    assert iana_zone("Europe/Berlin").label(summer) == "Europe/Berlin"
    assert Zone(zoneinfo.ZoneInfo("America/St_Johns")).label(summer) == "-02:30"
    assert Zone(zoneinfo.ZoneInfo("America/St_Johns")).label(winter) == "-03:30"
    assert Zone(timezone(timedelta(hours=14))).label(summer) == "+14:00"


def test_there_and_back() -> None:
    zone = iana_zone("Asia/Kathmandu")
    instant = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert zone.instant(zone.wall(instant)) == instant
