"""What each check makes of what it sees, without anything to look at."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from kalends.doctor.clock import ServerTime, against_calendar_servers, against_database, against_rows
from kalends.doctor.connections import quarantine
from kalends.doctor.data_folder import look_at_folders
from kalends.doctor.database import _refused
from kalends.doctor.disk import MIB, room
from kalends.doctor.finding import Level
from kalends.doctor.keys import unopened
from kalends.doctor.servers import alive, servers, syncs
from kalends.settings import load
from kalends.store.findings import Affected, QuarantinedIn
from kalends.store.readonly import ReadOnlyDatabase
from kalends.vault.keys import Keyring
from kalends.vault.sealing import HEAD_BYTES, Vault, key_id

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOBODY = Affected(0, ())
SOME = Affected(2, ("a", "b"))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, None), (30, None), (-30, None), (31, "warning"), (-31, "warning"), (121, "problem"), (-121, "problem")],
)
def test_a_database_server_with_another_time_is_told_by_how_much(seconds: int, level: str | None) -> None:
    found = against_database(told=NOW, now=after(seconds))
    assert [one.level for one in found] == ([] if level is None else [level])
    assert all(("behind" in one.summary) == (seconds < 0) for one in found)


@pytest.mark.parametrize(
    ("newest", "level"),
    [(None, None), (-3600, None), (30, None), (31, "warning"), (3600, "problem")],
)
def test_rows_from_the_future_tell_that_the_clock_was_set_back(newest: int | None, level: str | None) -> None:
    found = against_rows(None if newest is None else after(newest), NOW)
    assert [one.level for one in found] == ([] if level is None else [level])


def test_calendar_servers_with_another_time_are_named() -> None:
    heard = [ServerTime("right.example", NOW, after(60)), ServerTime("late.example", NOW, after(121))]
    (found,) = against_calendar_servers(heard)
    assert found.level is Level.WARNING
    assert found.data == {"secondsAhead": {"late.example": 121}}
    assert against_calendar_servers(heard[:1]) == []


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (199 * MIB, 300 * MIB, "problem"),
        (201 * MIB, 300 * MIB, "warning"),
        (1023 * MIB, 2048 * MIB, "warning"),
        (1025 * MIB, 2048 * MIB, "ok"),
        (2048 * MIB, 40960 * MIB, "warning"),
    ],
)
def test_a_full_disk_is_told_before_it_is_full(free: int, total: int, level: str) -> None:
    (found,) = room(Path("/data"), free=free, total=total, taken=MIB)
    assert found.level == level
    assert found.data == {"freeBytes": free, "totalBytes": total, "databaseBytes": MIB}


def test_two_servers_on_one_embedded_database_are_a_warning_and_on_postgresql_are_not() -> None:
    beats = [NOW, after(-14), after(-60)]
    assert alive(beats, NOW) == 2
    assert [one.level for one in servers(2, embedded=True)] == ["warning"]
    assert [one.level for one in servers(2, embedded=False)] == ["ok"]
    assert [one.level for one in servers(1, embedded=True)] == ["ok"]


def test_syncs_that_nobody_takes_up_are_told_and_those_that_a_server_is_about_to_do_are_not() -> None:
    (found,) = syncs(SOME, NOBODY, running=0)
    assert (found.level, found.data["connectionIds"]) == ("warning", ["a", "b"])
    assert [one.level for one in syncs(SOME, NOBODY, running=1)] == ["ok"]
    (found,) = syncs(SOME, SOME, running=1)
    assert "KALENDS_SYNC_CONCURRENCY" in str(found.advice)
    assert [one.level for one in syncs(NOBODY, NOBODY, running=0)] == ["ok"]


def test_events_in_quarantine_are_counted_by_calendar() -> None:
    (found,) = quarantine([QuarantinedIn("c", "k1", 3), QuarantinedIn("c", "k2", 1)])
    assert "4 events in 2 calendars of 1 connection." in found.summary
    assert found.data["calendars"][0] == {"connectionId": "c", "calendarId": "k1", "events": 3}
    assert [one.level for one in quarantine([])] == ["ok"]


def test_a_key_that_is_missing_is_named_by_its_id() -> None:
    old, new = Keyring([bytes(32)]), Keyring([bytes(range(32))])
    sealed = Vault(old).seal({"password": "x"}, row="r")
    (ours,) = (one.id for one in new.keys("secrets at rest"))
    (theirs,) = (one.id for one in old.keys("secrets at rest"))
    assert key_id(sealed) == theirs
    (found,) = unopened({sealed[:HEAD_BYTES]: SOME}, [ours])
    assert (found.level, found.data["keyId"], found.data["connections"]) == ("problem", theirs, 2)
    assert unopened({sealed[:HEAD_BYTES]: SOME}, [ours, theirs]) == []


def test_whether_a_secret_opens_is_told_without_opening_it() -> None:
    vault, other = Vault(Keyring([bytes(32)])), Vault(Keyring([bytes(range(32))]))
    sealed = vault.seal({"password": "x"}, row="r")
    assert vault.opens(sealed, row="r")
    assert not vault.opens(sealed, row="another")
    assert not other.opens(sealed, row="r")
    assert key_id(b"\x07" + sealed[1:]) is None


@pytest.mark.parametrize(
    ("error", "said", "advice"),
    [
        (asyncpg.InvalidPasswordError("no password for keeper"), "no password for keeper", "the password"),
        (asyncpg.InvalidCatalogNameError("nothing"), "no database of that name", "createdb kalends"),
        (asyncpg.TooManyConnectionsError("too many"), "refuses: too many.", "max_connections"),
        (asyncpg.CannotConnectNowError("starting up"), "refuses: starting up.", "in a moment"),
        (TimeoutError(), "cannot be reached: no answer in time.", "firewall"),
        (ConnectionError("the server rejected SSL"), "cannot be reached: the server rejected SSL.", "host and port"),
        (OSError(-2, "Name or service not known"), "cannot be reached: Name or service not known.", "host and port"),
    ],
)
def test_what_postgresql_says_becomes_advice(error: Exception, said: str, advice: str) -> None:
    database = ReadOnlyDatabase("postgresql://keeper:hush@db.example/kalends", timedelta(seconds=1))
    found = _refused(database, error)
    assert found is not None
    assert found.blocks
    assert said in found.summary
    assert "db.example:5432/kalends" in found.summary
    assert advice in str(found.advice)
    assert "hush" not in str(found)


def test_a_mistake_of_ours_is_not_taken_for_one_of_the_database() -> None:
    for url in ("postgresql://keeper@db.example/kalends", "sqlite:////data/kalends.db"):
        assert _refused(ReadOnlyDatabase(url, timedelta(seconds=1)), KeyError("x")) is None


@pytest.mark.parametrize(
    ("mode", "level"), [(0o700, "ok"), (0o750, "ok"), (0o755, "warning"), (0o770, "warning"), (0o702, "warning")]
)
def test_a_data_folder_that_is_open_to_others_is_a_warning(tmp_path: Path, mode: int, level: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    settings = load({}, data_dir=folder)
    database = ReadOnlyDatabase(settings.resolved_database_url, timedelta(seconds=1))
    assert [one.level for one in look_at_folders(settings, database)] == [level]


def test_a_database_file_that_is_open_to_others_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "kalends.db"
    file.touch()
    file.chmod(0o644)
    settings = load({}, data_dir=tmp_path)
    found = look_at_folders(settings, ReadOnlyDatabase(settings.resolved_database_url, timedelta(seconds=1)))
    assert [(one.level, one.data) for one in found][1:] == [("warning", {"file": str(file)})]
