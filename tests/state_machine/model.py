"""What Kalends must know and show, given what the provider held and what people asked for.

Nothing is asked of the product's own judgement but how far it says that it has read: the cursors that it keeps. From
the tick of a cursor on, every state of an event may be what is stored, and no earlier one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kalends.model.connection import Status
from kalends.store.tables import groups, occurrences, passes, readings
from tests.state_machine.plugin import Mark
from tests.state_machine.remote import BAD, Block, RemoteAccount, RemoteCalendar
from tests.state_machine.stored import CONTENTS, Stored


@dataclass
class Model:
    """One connection of the account, as people know it."""

    account: RemoteAccount
    zone: str
    connected: bool = False
    password: str = ""
    """The one that was connected with."""
    import_on: bool = True
    chosen: frozenset[str] = frozenset()
    broken: bool = False
    """Whether the last run found what only people can mend."""
    acknowledged: bool = False
    told: dict[str, int] = field(default_factory=dict)
    """Calendar → the tick up to which the provider told everything."""
    answered: dict[str, datetime] = field(default_factory=dict)
    """Calendar → when the provider last answered in full."""
    legible: frozenset[tuple[str, str]] = frozenset()
    """Calendar and key of the items that were stored with their payload."""

    @property
    def imported(self) -> frozenset[str]:
        """The calendars that are to be imported."""
        return self.chosen if self.connected and self.import_on else frozenset()

    @property
    def refused(self) -> bool:
        """Whether the provider refuses the credentials."""
        return self.password != self.account.password

    def forget(self, calendars: Iterable[str]) -> None:
        """Know nothing of calendars any more: they are no longer imported."""
        for one in calendars:
            self.told.pop(one, None)
            self.answered.pop(one, None)

    def changed(self, calendar_id: str) -> list[str]:
        """Return the keys of a calendar that Kalends cannot know the state of."""
        return self.account.calendars[calendar_id].changed(self.told.get(calendar_id, 0), self.account.tick)

    def was_there(self, calendar_id: str, since: int) -> bool:
        """Tell whether the account has had a calendar all the time since a tick."""
        remote = self.account.calendars[calendar_id]
        return remote.exists and remote.absent_until <= since

    def check_store(self, stored: Stored) -> None:
        """Hold what is stored against what the provider held."""
        if not self.connected:
            self._check_disconnected(stored)
        legible = set()
        for calendar_id in stored.calendars:
            for key, row in stored.items(calendar_id).items():
                known = row["payload"] is not None
                assert known or (calendar_id, key) not in self.legible, f"rule 6: {calendar_id}/{key} was known before"
                legible |= {(calendar_id, key)} if known else set()
            if calendar_id in self.imported:
                self._check_calendar(stored, calendar_id)
            else:
                for table in (*CONTENTS, readings, passes):
                    left = stored.of(table, calendar_id)
                    assert not left, f"rules 2 and 13: {table.name} of {calendar_id}, which is not imported"
        self.legible = frozenset(legible)

    def _check_disconnected(self, stored: Stored) -> None:
        if stored.rows["connections"]:
            row = stored.connection
            assert row["status"] == Status.DISCONNECTED, "rule 13: it is disconnected"
            assert row["credentials"] is None, "rule 13: the credentials are erased"
            assert row["lease_owner"] is None, "rule 7: nobody syncs what is disconnected"

    def _check_calendar(self, stored: Stored, calendar_id: str) -> None:
        reading, remote = stored.reading(calendar_id), self.account.calendars[calendar_id]
        if reading is None:
            known_until = self.told.pop(calendar_id, None)
            if known_until is not None:
                there = self.was_there(calendar_id, known_until)
                assert not there, f"rule 1: {calendar_id} was there all the time, and is forgotten"
        elif reading["cursor"] is not None:
            self.told[calendar_id] = Mark.of(reading["cursor"]).upto
        since = self.told.get(calendar_id, 0)
        items = stored.items(calendar_id)
        for key in {*items, *remote.spells}:
            _check_item(remote, key, items.get(key), since)
        _check_groups(stored, remote)

    def blocks(self, stored: Stored) -> list[Block]:
        """Return what is to be shown of what is stored: nothing of a calendar that was never read to its end."""
        found: list[Block] = []
        for calendar_id in self.imported & self.told.keys():
            remote = self.account.calendars[calendar_id]
            for key, row in stored.items(calendar_id).items():
                spell = remote.spell_of(key, row["payload"]) if row["payload"] else None
                if spell is not None:
                    found.extend(spell.blocks(remote.time_zone or self.zone, self.zone))
        return sorted(found)

    def must_fail(self, stored: Stored, now: datetime, staleness_limit: timedelta) -> str | None:
        """Return why *list events* must not answer, None where it may."""
        if self.acknowledged or not self.imported:
            return None
        if self.broken:
            return "the connection is broken"
        for calendar_id in sorted(self.imported):
            row = stored.calendars[calendar_id]
            if row["gone_at"] is not None:
                continue
            if calendar_id not in self.told:
                return f"{calendar_id} was never read"
            if now - self.answered[calendar_id] >= staleness_limit:
                return f"{calendar_id} was not read for long"
        return None

    def differences(self, stored: Stored) -> list[str]:
        """Return the imported calendars of which not everything is stored as the provider has it now."""
        found = []
        for calendar_id in sorted(self.imported):
            held = self.account.calendars[calendar_id].held
            kept = {key: row["version"] for key, row in stored.items(calendar_id).items()}
            if kept != {key: one.version for key, one in held.items()}:
                found.append(calendar_id)
        return found


def _check_item(remote: RemoteCalendar, key: str, row: dict[str, Any] | None, since: int) -> None:
    name, spells = f"{remote.id}/{key}", remote.since(key, since)
    if row is None:
        assert any(one.sort is None for one in spells), f"rule 1: {name} is there since {since}, and not in the store"
        return
    spell = next((one for one in spells if one.sort is not None and one.version == row["version"]), None)
    assert spell is not None, f"rule 2: {name} is stored as {row['version']}, which it is not since {since}"
    if spell.payload is not None:
        assert row["payload"] == spell.payload, f"{name} is not what {row['version']} was"
    elif row["payload"] is not None:
        assert remote.spell_of(key, row["payload"]), f"{name} never was like that"
    assert (row["problem"] is None) == (spell.payload is not None), f"rule 6: {name} came without a payload"


def _check_groups(stored: Stored, remote: RemoteCalendar) -> None:
    items = stored.items(remote.id)
    kept = {row["group_key"]: row for row in stored.of(groups, remote.id)}
    assert kept.keys() == items.keys(), f"{remote.id} has items without groups, or groups without items"
    titles: dict[str, set[str]] = {}
    for row in stored.of(occurrences, remote.id):
        titles.setdefault(row["group_key"], set()).add(row["title"].removesuffix(" moved"))
    assert titles.keys() <= items.keys(), f"{remote.id} has occurrences of nothing"
    for key, item in items.items():
        spell = remote.spell_of(key, item["payload"]) if item["payload"] else None
        bad = item["problem"] is not None or (spell is not None and spell.sort in BAD)
        quarantined = kept[key]["problems"] is not None
        assert quarantined == bad, f"rule 6: {remote.id}/{key} is{' not' if bad else ''} in quarantine"
        expected = {spell.title} if spell is not None and not bad else titles.get(key, set())
        assert titles.get(key, set()) == expected, f"{remote.id}/{key} does not stand for what is stored of it"
