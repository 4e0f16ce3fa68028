"""Zone names, and where zone data comes from."""

import importlib.resources
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone

import pytest
from tzlocal.windows_tz import win_tz

from kalends.ical.zones import UTC_ZONE, Zone, iana_zone, known_zone, tail_zone


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
    "name", ["", "/", "//", "No/Such", "a" * 300, "../../etc/passwd", "Europe", "GMT+15", "\0", "é"]
)
def test_unknown_names(name: str) -> None:
    assert known_zone(name) is None
    assert tail_zone(name) is None


def test_tails() -> None:
    assert tail_zone("/a/b/America/Argentina/Ushuaia") == iana_zone("America/Argentina/Ushuaia")
    assert tail_zone("x/UTC") == UTC_ZONE
    assert tail_zone("Europe/Berlin") is None


def test_labels() -> None:
    summer, winter = datetime(2026, 7, 1), datetime(2026, 1, 1)  # noqa: DTZ001
    assert iana_zone("Europe/Berlin").label(summer) == "Europe/Berlin"
    assert Zone(zoneinfo.ZoneInfo("America/St_Johns")).label(summer) == "-02:30"
    assert Zone(zoneinfo.ZoneInfo("America/St_Johns")).label(winter) == "-03:30"
    assert Zone(timezone(timedelta(hours=14))).label(summer) == "+14:00"


def test_there_and_back() -> None:
    zone = iana_zone("Asia/Kathmandu")
    instant = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert zone.instant(zone.wall(instant)) == instant
