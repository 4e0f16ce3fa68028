"""Google: lines 1, 2 and 3 of group a, 26 of group d, 32 of group f, with everything in between: tokens, quotas, pages.

What a refusal means one by one is in `test_google_tokens_and_cursors.py`; here a whole Google answers as it does.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from kalends.accounts.keeping import credentials_row
from kalends.jobs.cleaning import GRACE
from kalends.model.connection import Connection, ErrorReason, Status
from kalends.model.provider import ConnectScopes
from kalends.store.connections import Connections
from kalends.store.runs import Outcome
from kalends.store.tables import items, occurrences
from kalends.vault.keys import Keyring
from kalends.vault.sealing import Vault
from tests.google.stage import ANN, BEN, Stage, staged

PRIMARY = f"/users/{ANN.email}/calendars/primary"
DAYS = range(1, 7)
CHANGED = 3


@pytest.fixture
async def stage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(sqlite_url, tmp_path) as one:
        yield one


async def fill(stage: Stage) -> list[str]:
    """Make an event a day; return their ids."""
    return [
        await stage.put(f"Customer {day}", f"2026-12-{day:02}T10:00:00Z", f"2026-12-{day:02}T11:00:00Z") for day in DAYS
    ]


async def change(stage: Stage, event_id: str, title: str) -> None:
    await stage.press(f"{PRIMARY}/events/{event_id}", {"summary": title}, "PATCH")


@pytest.mark.parametrize("page", [1, 3])
async def test_line_1_and_2_a_410_on_a_page_leads_to_all_that_was_deleted_and_no_success_before(
    stage: Stage, page: int
) -> None:
    ids = await fill(stage)
    connection = await stage.connect()
    before = await stage.world.connection(connection.id)
    for day, event_id in zip(DAYS, ids[:-1], strict=False):
        await change(stage, event_id, f"Regular {day}")
    await stage.press(f"{PRIMARY}/events/{ids[-1]}", verb="DELETE")
    await stage.press(f"{PRIMARY}/listing", {"mostPerPage": 2, "goneOnPage": page})
    # the full pass is kept from its end: what there is of the round is no success
    await stage.press("/faults", {"path": "/events[?](?!.*syncToken)", "status": 503, "times": 9})
    stage.world.clock.advance(timedelta(minutes=1))
    assert (await stage.world.sync(connection)).outcome is Outcome.FAILED
    between = await stage.world.connection(connection.id)
    assert between.last_good_read_at == before.last_good_read_at
    await stage.press("/faults", verb="DELETE")
    run = await stage.world.sync(connection)
    assert (run.outcome, run.counts.removed) == (Outcome.DONE, 1)
    assert await stage.world.titles() == [f"Regular {day}" for day in DAYS[:-1]]


async def test_line_2_what_was_deleted_in_a_gap_without_tombstones_goes_and_nothing_else(stage: Stage) -> None:
    ids = await fill(stage)
    connection = await stage.connect()
    await stage.press(f"{PRIMARY}/events/{ids[2]}", verb="DELETE")
    await stage.press(f"{PRIMARY}/expireSyncTokens", {})
    run = await stage.world.sync(connection)
    assert (run.outcome, run.counts.changed, run.counts.removed) == (Outcome.DONE, 0, 1)
    assert await stage.world.titles() == [f"Customer {day}" for day in DAYS if day != DAYS[2]]
    await stage.world.sync(connection)
    last = (await stage.press("/requests", verb="GET"))["requests"][-1]
    assert "syncToken" in last["path"], "and the new token is used from then on"


async def test_line_3_after_access_was_withdrawn_nothing_is_left_once_it_is_disconnected(stage: Stage) -> None:
    await fill(stage)
    connection = await stage.connect()
    await stage.withdraw()
    await stage.world.sync_under_lease(connection)
    kalends = stage.world.kalends
    await kalends.disconnecting.disconnect(stage.world.admin, connection.id)
    stage.world.clock.advance(GRACE)
    await kalends.cleaning.once()
    async with kalends.database.read() as reader:
        for table in (items, occurrences):
            assert (await reader.execute(table.select())).all() == []
        assert await Connections(reader, connection.site_id).sealed_credentials(connection.id) is None


async def test_line_26_a_token_of_a_narrower_consent_is_not_used_once_there_is_a_wider_one(stage: Stage) -> None:
    await stage.world.kalends.sites.update(stage.world.site.id, connect_scopes=ConnectScopes.READ)
    narrow = await stage.connect()
    await stage.world.kalends.sites.update(stage.world.site.id, connect_scopes=ConnectScopes.FULL)
    wide = await stage.connect()
    assert wide.id == narrow.id
    assert narrow.scopes is not None
    assert wide.scopes is not None
    added = {scope.rsplit("/", 1)[1] for scope in wide.scopes - narrow.scopes}
    assert added == {"calendar.events", "calendar.app.created"}
    assert (await stage.world.sync(wide)).error is None
    async with stage.world.kalends.database.read() as reader:
        sealed = await Connections(reader, wide.site_id).sealed_credentials(wide.id)
    assert sealed is not None
    vault = Vault(Keyring.of(stage.world.kalends.settings))
    used = vault.open(sealed, row=credentials_row(wide.site_id, wide.id))["access_token"]
    token = stage.grants.access_token(used)
    assert token is not None
    assert token.scopes == wide.scopes


async def test_line_27_a_refresh_that_brings_less_than_reading_needs_is_an_error_until_there_is_more(
    stage: Stage,
) -> None:
    await fill(stage)
    connection = await stage.connect()
    await stage.press("/oauth/narrow-next-refresh", {"scopes": ["openid"]})
    await stage.press("/oauth/expire-access-tokens", {})
    await stage.world.sync_under_lease(connection)
    broken = await stage.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    healed = await stage.connect()
    assert (healed.id, healed.status) == (connection.id, Status.SYNCED)
    assert len(await stage.world.titles()) == len(DAYS)


@pytest.mark.parametrize("style", ["403", "429"])
async def test_line_32_a_storm_of_quota_refusals_is_waited_out_and_loses_nothing(stage: Stage, style: str) -> None:
    connections = await seven(stage)
    ids = await fill(stage)
    await stage.press("/quotas", {"on": True, "perUser": 2, "perProject": 3, "style": style})
    refused = 0
    for day, event_id in zip(DAYS[:CHANGED], ids, strict=False):
        await change(stage, event_id, f"Regular {day}")
        runs = await asyncio.gather(*(stage.world.sync(one) for one in connections))
        refused += sum(run.outcome is Outcome.FAILED for run in runs)
        statuses = {(await stage.world.connection(one.id)).status for one in connections}
        assert statuses == {Status.SYNCED}, "a quota that is spent is nobody's error"
    assert refused >= len(connections), "there was no storm"
    await stage.press("/quotas", {"on": False})
    stage.world.clock.advance(timedelta(hours=1))
    for connection in connections:
        run = await stage.world.sync(connection)
        assert run.error is None
    titles = [f"{'Regular' if day <= CHANGED else 'Customer'} {day}" for day in DAYS for _ in connections]
    assert await stage.world.titles() == titles


async def seven(stage: Stage) -> list[Connection]:
    """Connect the account to seven schedules: so many were enough elsewhere."""
    made = []
    for number in range(7):
        stage.world.schedule = await stage.world.kalends.schedules.create(stage.world.site, name=f"Chair {number}")
        made.append(await stage.connect())
    return made


async def test_line_32_others_are_read_while_one_account_is_out_of_its_quota(stage: Stage) -> None:
    await fill(stage)
    ann, ben = await stage.connect(), await stage.connect(account=BEN)
    await stage.press("/faults", {"path": "ann@gmail.com/events", "status": 403, "reason": "userRateLimitExceeded"})
    assert (await stage.world.sync(ann)).outcome is Outcome.FAILED
    assert (await stage.world.sync(ben)).outcome is Outcome.DONE
