"""The loop guard: our own copies are recognised wherever they are read, and take no time of anybody.

What is read of them is kept as of any event, but expanded to nothing. It goes by groups, for what a provider tells of
the instances of a series says nothing by itself: first by what the copies are known by here, then by their tags.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.providers.base import ProviderKind
from kalends.providers.export import TellsCopies
from kalends.store.copies import Copies
from kalends.store.database import Database
from kalends.store.intentions import Intentions
from kalends.sync.expansion import Expander, Group
from kalends.sync.export.keys import KEY_LENGTH, CopyKeys
from kalends.sync.export.sightings import is_touched
from kalends.sync.plan import Plan
from kalends.sync.subject import Subject


class Recognition:
    """Expands what is read, but for the copies of the site that reads it."""

    def __init__(self, database: Database, expander: Expander, keys: CopyKeys) -> None:
        self._database = database
        self._expander = expander
        self._keys = keys

    async def expand(
        self, site_id: str, kind: ProviderKind, groups: Sequence[Group], context: ExpansionContext
    ) -> Mapping[str, Expansion]:
        """Return group key → expansion, as `Expander.expand` does; a copy has no occurrences."""
        ours = await self._ours(site_id, kind, groups)
        if not ours:
            return await self._expander.expand(kind, groups, context)
        others = [group for group in groups if group.key not in ours]
        return {**dict.fromkeys(ours, Expansion()), **await self._expander.expand(kind, others, context)}

    async def _ours(self, site_id: str, kind: ProviderKind, groups: Sequence[Group]) -> Collection[str]:
        if not groups or not isinstance(kind, TellsCopies):
            return ()
        tagged = {group.key for group in groups if self._is_tagged(site_id, kind, group)}
        named = {_name(group.key): group.key for group in groups}
        async with self._database.read() as reader:
            copies = Copies(reader, site_id)
            # one that was asked for just now has no ref yet, but its key is what it is called by, or a part of that
            keyed = {named[key] for key in await copies.with_keys([one for one in named if len(one) == KEY_LENGTH])}
            return tagged | keyed | await copies.among([group.key for group in groups])

    def _is_tagged(self, site_id: str, kind: TellsCopies, group: Group) -> bool:
        tags = (kind.tag_of(payload) for payload in group.payloads)
        return any(tag is not None and self._keys.is_ours(site_id, tag) for tag in tags)

    async def see(self, subject: Subject, plan: Plan, now: datetime) -> None:
        """Have copies looked at that somebody has changed or deleted, by what a page of their calendar says.

        What is in the version that it was left in was written by us. Raises `LeaseLost`.
        """
        if not subject.connection.exports() or plan.is_empty:
            return
        refs = {*plan.groups, *(key for key, _ in plan.set_version)}
        async with self._database.read() as reader:
            there = await Copies(reader, subject.lease.site_id).there(
                subject.lease.connection_id, subject.calendar.calendar.id, refs
            )
        if not there:
            return
        touched = {group for group in plan.delete.values() if group in there}
        versions = {ref: version for ref, (_, version) in there.items()}
        touched |= {change.group_key for change, _ in plan.put if is_touched(change, versions)}
        touched |= {key for key, version in plan.set_version if versions.get(key, version) != version}
        await self._note(subject, {there[ref][0] for ref in touched}, now)

    async def see_missing(self, subject: Subject, pass_id: str, now: datetime) -> None:
        """Have copies looked at that a full pass has seen nothing of; raises `LeaseLost`."""
        if not subject.connection.exports():
            return
        async with self._database.read() as reader:
            missing = await Copies(reader, subject.lease.site_id).unseen(
                subject.lease.connection_id, subject.calendar.calendar.id, subject.calendar.id, pass_id
            )
        await self._note(subject, missing, now)

    async def _note(self, subject: Subject, events: Collection[str], now: datetime) -> None:
        if not events:
            return
        async with self._database.write() as writer:
            await subject.fenced(writer)
            await Intentions(writer, subject.lease.site_id).look(subject.lease.connection_id, events, now)


def _name(group_key: str) -> str:
    """Return what a group is called by: of a resource, the last part of its path without its ending."""
    return group_key.rpartition("/")[2].removesuffix(".ics")
