"""Applying a plan: short transactions, each of which checks the lease."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from kalends.model.connection import Lease
from kalends.model.occurrence import Expansion, Occurrence, Problem, span_in
from kalends.store.contents import Contents, Pass
from kalends.store.database import Database, Transaction
from kalends.store.leases import Leases
from kalends.sync.plan import Plan

ROWS_PER_TRANSACTION = 500
LONGEST_TEXT = 1_000
"""Characters of a title, a UID or a reason that are kept."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a reading is written: a calendar's contents, under a lease; `zone` places all-day events."""

    lease: Lease
    calendar_id: str
    zone: ZoneInfo

    async def fenced(self, writer: Transaction) -> Contents:
        """Return the calendar's contents for writing; raises `LeaseLost`."""
        await Leases(writer).check(self.lease)
        return Contents(writer, self.lease.site_id, self.calendar_id)


async def apply_page(
    database: Database,
    target: Target,
    current: Pass,
    plan: Plan,
    expanded: Mapping[str, Expansion],
    continuation: str | None,
) -> None:
    """Write a page: items together with their groups' expansions, some hundred rows at a time.

    A kill between two transactions leaves whole groups only; where the pass goes on is noted with the last one.
    Raises `LeaseLost`.
    """
    for last, slice_ in _slices(plan, expanded):
        async with database.write() as writer:
            contents = await target.fenced(writer)
            for change, digest in slice_.put:
                await contents.put_item(change, digest, current.id)
            for key, version in slice_.set_version:
                await contents.set_version(key, version, current.id)
            await contents.delete_items(slice_.delete)
            await contents.stamp(slice_.stamp, current.id)
            for group_key in slice_.groups:
                if group_key in expanded:
                    await _put_group(contents, group_key, expanded[group_key], target.zone)
            await contents.drop_empty_groups([key for key in slice_.groups if key not in expanded])
            if last and continuation is not None:
                await contents.note_continuation(continuation)


async def apply_expansions(database: Database, target: Target, expanded: Mapping[str, Expansion]) -> None:
    """Write groups anew whose items stayed as they were; raises `LeaseLost`."""
    for some in _batches(list(expanded), expanded):
        async with database.write() as writer:
            contents = await target.fenced(writer)
            for group_key in some:
                await _put_group(contents, group_key, expanded[group_key], target.zone)


async def _put_group(contents: Contents, group_key: str, expansion: Expansion, zone: ZoneInfo) -> None:
    spans = [(storable(one), *span_in(zone, one)) for one in expansion.occurrences]
    problems = tuple(Problem(_text(one.uid), _text(one.reason) or "") for one in expansion.problems)
    await contents.put_group(group_key, replace(expansion, problems=problems), spans)


def storable(occurrence: Occurrence) -> Occurrence:
    """Return an occurrence as it is kept: its texts are repeated for each occurrence, and so are cut where long."""
    return replace(occurrence, uid=_text(occurrence.uid) or "", title=_text(occurrence.title) or "")


def _text(value: str | None) -> str | None:
    """Cut a text, and leave out what a database does not take: NUL and lone surrogates."""
    if value is None:
        return None
    return value[:LONGEST_TEXT].replace("\x00", "").encode(errors="replace").decode()


def _slices(plan: Plan, expanded: Mapping[str, Expansion]) -> Iterator[tuple[bool, Plan]]:
    """Cut a plan so that items stay with their groups; the last slice is marked and always there."""
    batches = list(_batches(list(plan.groups), expanded))
    of_group: dict[str, Plan] = {}
    slices: list[Plan] = []
    for batch in batches:
        slice_ = Plan(groups=dict.fromkeys(batch))
        slices.append(slice_)
        of_group |= dict.fromkeys(batch, slice_)
    for change, digest in plan.put:
        of_group[change.group_key].put.append((change, digest))
    rest = Plan(set_version=plan.set_version, stamp=plan.stamp)
    # deleted before anything is put, so that an item that changes groups is never in both
    first = slices[0] if slices else rest
    first.delete = plan.delete
    slices.append(rest)
    for number, slice_ in enumerate(slices, 1):
        yield number == len(slices), slice_


def _batches(keys: Sequence[str], expanded: Mapping[str, Expansion]) -> Iterator[list[str]]:
    batch: list[str] = []
    rows = 0
    for key in keys:
        weight = 2 + len(expanded[key].occurrences) if key in expanded else 1
        if batch and rows + weight > ROWS_PER_TRANSACTION:
            yield batch
            batch, rows = [], 0
        batch.append(key)
        rows += weight
    if batch:
        yield batch
