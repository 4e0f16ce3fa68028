"""Google: group a, lines 1, 2, 6, 8 and 9; group e, line 31; group f, line 32: tokens, cursors, pages, quotas.

Through all of Kalends, against a server that answers what a test tells it; what the refusals mean one by one is in
`tests/providers/google`.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.model.connection import ErrorReason, Status
from kalends.providers.google import cursor
from kalends.store.runs import Outcome
from tests.providers.google.following import GoogleFollowing, following_google
from tests.providers.google.scripted import Kept, deleted, exception, listing, refusal, taken_out, timed
from tests.statements import statements, written_tables
from tests.world import settings_for

BOOKKEEPING = {"connections", "readings", "runs", "passes"}


@pytest.fixture
async def followed(sqlite_url: str, tmp_path: Path) -> AsyncIterator[GoogleFollowing]:
    async with following_google(settings_for(sqlite_url, tmp_path)) as made:
        yield made


@pytest.fixture
async def anywhere(database_url: str, tmp_path: Path) -> AsyncIterator[GoogleFollowing]:
    """On either engine."""
    async with following_google(settings_for(database_url, tmp_path)) as made:
        yield made


def daily(title: str = "Daily", **more: Any) -> dict[str, Any]:
    """Return a series of four days from the first of December at ten."""
    return timed("s", title, recurrence=["RRULE:FREQ=DAILY;COUNT=4"], **more)


@pytest.mark.parametrize("page", [0, 2])
async def test_line_1_and_2_a_410_on_any_page_leads_to_a_full_pass_that_finds_what_was_deleted_meanwhile(
    followed: GoogleFollowing, page: int
) -> None:
    google = followed.google
    for number in range(1, 7):
        google.mine.put(timed(f"e{number}", f"e{number}", f"2026-12-{number:02}T10:00:00Z"))
    connection = await followed.connect()
    for number in range(1, 6):
        google.mine.put(timed(f"e{number}", f"new e{number}", f"2026-12-{number:02}T10:00:00Z"))
    del google.mine.events["e6"]  # no tombstone will ever tell
    google.page_size = 2
    google.instead = [*[None] * page, refusal(410, "fullSyncRequired")]
    run = await followed.sync(connection)
    assert (run.outcome, run.counts.removed) == (Outcome.DONE, 1)
    assert await followed.world.titles() == [f"new e{number}" for number in range(1, 6)]
    assert (await followed.world.connection(connection.id)).status is Status.SYNCED
    anew = google.listings[page + 2]
    assert "syncToken" not in anew
    assert "timeMin" in anew


async def test_line_1_a_410_that_also_meets_the_full_pass_is_no_success(followed: GoogleFollowing) -> None:
    followed.google.mine.put(timed("e", "Busy"))
    connection = await followed.connect()
    followed.google.instead = [refusal(410, "fullSyncRequired")] * 2
    run = await followed.sync(connection)
    assert run.outcome is Outcome.FAILED
    assert await followed.world.titles() == ["Busy"]


async def test_line_2_a_full_pass_keeps_nothing_that_ended_before_what_it_asked_for(followed: GoogleFollowing) -> None:
    google = followed.google
    google.mine.put(timed("old", "Old", "2024-01-01T10:00:00Z"))
    google.mine.put(timed("e", "Busy"))
    connection = await followed.connect()
    del google.mine.events["old"]  # as Google leaves out what ended before timeMin
    google.oldest = 99
    run = await followed.sync(connection)
    assert (run.outcome, run.counts.removed) == (Outcome.DONE, 1)
    assert await followed.world.titles() == ["Busy"]


async def test_line_6_a_sync_token_goes_with_the_parameters_that_it_came_with_and_no_filter(
    followed: GoogleFollowing, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await followed.connect()
    await followed.sync(connection)
    first, later = followed.google.listings
    assert first.keys() - later.keys() == {"timeMin"}
    assert first["timeMin"] == "2025-08-21T00:00:00Z", "366 days before the window, which begins 92 before today"
    assert later.keys() - first.keys() == {"syncToken"}
    assert not {"q", "timeMax", "updatedMin", "orderBy", "iCalUID", "eventTypes", "showDeleted"} & first.keys()
    monkeypatch.setattr(cursor, "_SHAPE", "fields,maxAttendees,maxResults,singleEvents")
    assert (await followed.sync(connection)).outcome is Outcome.DONE
    assert followed.google.listings[-1] == first, "a token of another query is not used at all"


async def test_line_8_thousands_of_events_on_short_and_empty_pages_all_arrive(followed: GoogleFollowing) -> None:
    google = followed.google
    for number in range(2_600):
        google.mine.put(timed(f"e{number}", "Busy", f"2026-12-{number % 28 + 1:02}T{number % 20:02}:00:00Z"))
    google.page_size, google.empty_pages = 700, True
    connection = await followed.connect(sync=False)
    run = await followed.sync(connection)
    assert (run.outcome, run.counts.changed, len(google.listings)) == (Outcome.DONE, 2_600, 5)
    assert {asked["maxResults"] for asked in google.listings} == {"2500"}


async def test_line_9_a_token_that_ran_out_costs_a_full_pass_that_writes_nothing_of_what_is_the_same(
    followed: GoogleFollowing,
) -> None:
    google = followed.google
    for number in range(1, 4):
        google.mine.put(timed(f"e{number}", "Busy", f"2026-12-{number:02}T10:00:00Z"))
    connection = await followed.connect()
    google.oldest = 99
    with statements(followed.world.kalends.database) as heard:
        run = await followed.sync(connection)
    assert (run.outcome, run.counts.changed, run.counts.removed) == (Outcome.DONE, 0, 0)
    assert written_tables(heard) <= BOOKKEEPING | {"items"}
    google.oldest = 0
    await followed.sync(connection)
    assert google.listings[-1]["syncToken"] == "sync-3"


async def test_line_9_a_cursor_of_another_version_is_not_sent(
    followed: GoogleFollowing, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.google.mine.put(timed("e", "Busy"))
    connection = await followed.connect()
    monkeypatch.setattr(cursor, "POLICY", cursor.POLICY + 1)
    assert (await followed.sync(connection)).outcome is Outcome.DONE
    assert "syncToken" not in followed.google.listings[-1]


async def test_line_31_one_changed_event_is_one_request_and_a_quiet_poll_writes_only_bookkeeping(
    followed: GoogleFollowing,
) -> None:
    google = followed.google
    for number in range(1, 20):
        google.mine.put(timed(f"e{number}", "Busy", f"2026-12-{number:02}T10:00:00Z"))
    connection = await followed.connect()
    google.mine.put(timed("e7", "Changed", "2026-12-07T10:00:00Z"))
    run = await followed.sync(connection)
    assert (run.counts.changed, run.requests) == (1, 1)
    with statements(followed.world.kalends.database) as heard:
        run = await followed.sync(connection)
    assert run.requests == 1
    assert written_tables(heard) <= BOOKKEEPING


async def test_line_31_what_changes_about_an_event_but_its_time_rewrites_no_occurrence(
    followed: GoogleFollowing,
) -> None:
    followed.google.mine.put(timed("e", "Busy", description="before"))
    connection = await followed.connect()
    followed.google.mine.put(timed("e", "Busy", description="after", attendees=[{"email": "bob@example.org"}]))
    with statements(followed.world.kalends.database) as heard:
        run = await followed.sync(connection)
    assert run.counts.changed == 0
    assert "occurrences" not in written_tables(heard)


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"])
async def test_line_32_a_quota_that_is_spent_is_waited_for_and_costs_nothing(
    followed: GoogleFollowing, reason: str
) -> None:
    world = followed.world
    followed.google.mine.put(timed("e", "Busy"))
    connection = await followed.connect()
    followed.google.mine.put(timed("e", "Changed"))
    followed.google.instead = [refusal(403, reason, headers={"Retry-After": "7200"})]
    run = await followed.sync(connection)
    after = await world.connection(connection.id)
    assert (run.outcome, after.status) == (Outcome.FAILED, Status.SYNCED)
    assert after.next_sync_at is not None
    assert after.next_sync_at - world.clock.now() >= timedelta(hours=2)
    assert await world.titles() == ["Busy"]
    assert (await followed.sync(connection)).outcome is Outcome.DONE
    assert await world.titles() == ["Changed"]


async def test_line_32_a_consent_that_does_not_reach_is_for_good_until_the_person_acts(
    followed: GoogleFollowing,
) -> None:
    connection = await followed.connect()
    followed.google.instead = [refusal(403, "insufficientPermissions")]
    assert (await followed.sync(connection)).outcome is Outcome.FAILED
    after = await followed.world.connection(connection.id)
    assert (after.status, after.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)


async def test_line_32_a_calendar_that_may_not_be_read_is_not_the_account(followed: GoogleFollowing) -> None:
    google = followed.google
    google.mine.put(timed("e", "Busy"))
    connection = await followed.connect()
    google.instead = [refusal(403, "forbidden")]
    run = await followed.sync(connection)
    after = await followed.world.connection(connection.id)
    assert (run.outcome, after.status) == (Outcome.FAILED, Status.SYNCED)
    assert await followed.world.titles() == ["Busy"], "what cannot be read does not become free"


@pytest.mark.parametrize("full", [False, True])
async def test_a_deleted_series_leaves_nothing_of_its_exceptions_and_is_one_event_however_many_these_are(
    anywhere: GoogleFollowing, full: bool
) -> None:
    google, world = anywhere.google, anywhere.world
    google.mine.put(timed("other", "Other", "2026-12-30T10:00:00Z"))
    google.mine.put(timed("s", "Daily", recurrence=["RRULE:FREQ=DAILY;COUNT=14"]))
    for day in range(2, 14):
        google.mine.put(exception("s", f"2026-12-{day:02}T10:00:00Z", "Moved", f"2026-12-{day:02}T15:00:00Z"))
    google.mine.put(taken_out("s", "2026-12-14T10:00:00Z"))
    connection = await anywhere.connect()
    assert await world.titles() == ["Daily", *["Moved"] * 12, "Other"]
    google.mine.delete("s")
    google.oldest = 99 if full else 0
    run = await anywhere.sync(connection)
    assert (run.counts.changed, run.counts.removed, run.counts.doubted) == (0, 14, 0)
    assert await world.titles() == ["Other"]


async def test_an_exception_that_comes_before_its_master_waits_for_it(followed: GoogleFollowing) -> None:
    moved = exception("s", "2026-12-02T10:00:00Z", "Moved", "2026-12-09T15:00:00Z")
    followed.google.instead = [listing(moved, page="p"), listing(daily(), token="sync-0")]
    connection = await followed.connect()
    assert await followed.world.titles() == ["Daily", "Daily", "Daily", "Moved"]
    followed.google.instead = [listing(deleted("s"), moved, token="sync-0")]
    await followed.sync(connection)
    assert await followed.world.titles() == ["Moved"], "and outlives it as an invitation of its own"


async def test_what_a_cut_off_full_pass_has_seen_is_not_kept_when_it_is_gone_by_the_next(
    followed: GoogleFollowing,
) -> None:
    google = followed.google
    for number in range(1, 4):
        google.mine.put(timed(f"e{number}", f"e{number}", f"2026-12-{number:02}T10:00:00Z"))
    connection = await followed.connect(sync=False)
    google.page_size = 2
    google.instead = [None, refusal(500, "backendError")]
    assert (await followed.sync(connection)).outcome is Outcome.FAILED
    google.mine.delete("e1")
    google.instead = [refusal(400, "invalid", location="pageToken")]
    assert (await followed.sync(connection)).outcome is Outcome.DONE
    assert await followed.world.titles() == ["e2", "e3"]


async def test_a_calendar_that_is_gone_is_so_only_where_it_is_not_listed_either(followed: GoogleFollowing) -> None:
    google = followed.google
    google.mine.put(timed("e", "Busy"))
    connection = await followed.connect()
    google.instead = [refusal(404, "notFound")]
    assert (await followed.sync(connection)).outcome is Outcome.FAILED
    assert (await followed.world.connection(connection.id)).status is Status.SYNCED
    assert await followed.world.titles() == ["Busy"]
    del google.calendars["ada@example.org"]
    google.calendars["other@group.calendar.google.com"] = Kept({"id": "other@group.calendar.google.com"})
    await followed.sync(connection)
    after = await followed.world.connection(connection.id)
    assert (after.status, after.error_reason) == (Status.ERROR, ErrorReason.EXTERNAL_CALENDAR_DELETED)
