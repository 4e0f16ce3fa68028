"""One after another: a check that breaks or hangs is told, and the others go on."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from kalends.doctor import runner
from kalends.doctor.finding import Check, Finding, well
from kalends.doctor.runner import Report, _in_a_thread, _Round, examine
from kalends.store.database import Database
from kalends.store.readonly import ReadOnlyDatabase, TooLong
from kalends.store.tables import servers, sites
from tests.world import ManualClock, settings_for

CANARY = "Meeting-with-the-notary"


async def report_on(url: str, folder: Path, told: list[Check]) -> Report:
    settings = settings_for(url, folder)
    return await examine(settings, [], site_id=None, clock=ManualClock(), progress=told.append)


async def test_every_check_is_made_in_its_order(database_url: str, tmp_path: Path) -> None:
    begun: list[Check] = []
    report = await report_on(database_url, tmp_path, begun)
    found = list(dict.fromkeys(one.check for one in report.findings))
    needless = {Check.SETTINGS, Check.SITE} | (set() if "sqlite" in database_url else {Check.DISK})
    assert found == [one for one in Check if one not in needless]
    assert set(begun) == set(found)
    assert report.skipped == []


async def test_a_check_that_breaks_is_told_by_its_class_and_the_others_go_on(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> list[Finding]:
        raise KeyError(CANARY)

    def broken_too(*_: object) -> list[Finding]:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr(runner, "look_at_quarantine", broken)
    monkeypatch.setattr(runner, "look_at_disk", broken_too)
    report = await report_on(sqlite_url, tmp_path, [])
    told = {one.check: one for one in report.findings}
    assert told[Check.QUARANTINE].data["error"] == "KeyError"
    assert told[Check.DISK].data["error"] == "ZeroDivisionError"
    assert {told[Check.QUARANTINE].level, told[Check.DISK].level} == {"problem"}
    assert told[Check.SERVERS].level == "ok"
    assert CANARY not in str(report)
    assert not report.ok


async def test_a_check_that_hangs_is_given_up(sqlite_url: str, tmp_path: Path) -> None:
    async def hanging() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def quick() -> list[Finding]:
        return [well(Check.CLOCK, "fine")]

    settings = settings_for(sqlite_url, tmp_path)
    one = _Round(settings, [], None, ManualClock(), lambda _check: None)
    assert not await one._check(Check.QUARANTINE, hanging(), within=timedelta(milliseconds=10))
    assert await one._check(Check.CLOCK, quick())
    (found,) = one._found[Check.QUARANTINE]
    assert found.level == "problem"
    assert "given up" in found.summary


async def test_work_in_a_thread_brings_its_result_or_its_error() -> None:
    assert await _in_a_thread(lambda: 7) == 7
    with pytest.raises(KeyError):
        await _in_a_thread(lambda: os.environ["KALENDS_TEST_NOTHING"])


async def test_a_long_look_at_an_sqlite_file_is_given_up(sqlite_url: str) -> None:
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    with pytest.raises(TooLong):
        async with ReadOnlyDatabase(sqlite_url, timedelta(milliseconds=50)).read() as reader:
            await reader.execute(endless)


async def test_nothing_can_be_written_through_a_database_that_is_only_looked_at(database_url: str) -> None:
    database = ReadOnlyDatabase(database_url, timedelta(seconds=10))
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"):
        async with database.read() as reader:
            await reader.execute(delete(sites))


async def test_nothing_can_be_written_beside_a_program_that_has_the_file_open(sqlite_url: str) -> None:
    opened = Database(sqlite_url)
    async with opened.write() as writer:
        await writer.execute(insert(servers).values(id="one", beat_at=datetime(2026, 1, 1, tzinfo=UTC)))
    looking = ReadOnlyDatabase(sqlite_url, timedelta(seconds=10))
    assert [one.name for one in looking.files] == ["kalends.db", "kalends.db-wal", "kalends.db-shm"]
    async with looking.read() as reader:
        assert len((await reader.execute(select(servers))).all()) == 1, "what is in the log is seen"
    with pytest.raises(DBAPIError, match=r"(?i)readonly"):
        async with looking.read() as reader:
            await reader.execute(delete(sites))
    await opened.close()


async def test_the_clock_is_compared_with_that_of_the_database_server(migrated_postgres: str, tmp_path: Path) -> None:
    settings = settings_for(migrated_postgres, tmp_path)
    report = await examine(
        settings, [], site_id=None, clock=ManualClock(datetime(2020, 1, 1, tzinfo=UTC)), progress=lambda _check: None
    )
    (told,) = (one for one in report.findings if one.check is Check.CLOCK)
    assert told.level == "problem"
    assert "behind that of the database's server" in told.summary
