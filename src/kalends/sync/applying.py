"""Applying a plan: short transactions, each of which checks the lease."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from kalends.model.occurrence import Expansion, Occurrence, Problem, span_in
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.groups import ExpandedGroup
from kalends.store.readings import Pass
from kalends.sync.failpoints import FailPoints, Point
from kalends.sync.plan import Plan
from kalends.sync.subject import StoredSubject, Subject

ROWS_PER_TRANSACTION = 2_000
LONGEST_TEXT = 1_000
"""Characters of a title, a UID or a reason that are kept."""


async def apply_page(
    database: Database,
    subject: Subject,
    current: Pass,
    plan: Plan,
    expanded: Mapping[str, Expansion],
    continuation: str | None,
    points: FailPoints,
) -> None:
    """Write a page: items together with their groups' expansions, some hundred rows at a time.

    What the plan deletes goes in the same transaction as its group, so that a kill between two transactions leaves
    whole groups only; where the pass goes on is noted with the last one, if it is not None. Raises `LeaseLost`.
    """
    for last, part in _parts(plan, expanded):
        async with database.write() as writer:
            contents = await subject.fenced(writer)
            await contents.items.delete(part.delete)
            await contents.items.put(part.put, current.id)
            for key, version in part.set_version:
                await contents.items.set_version(key, version, current.id)
            await contents.items.stamp(part.stamp, current.id)
            some = {key: expanded[key] for key in part.groups if key in expanded}
            await _put_groups(contents, some, subject.zone, fresh=plan.fresh)
            await contents.groups.drop_empty([key for key in part.groups if key not in expanded])
            if last and continuation is not None:
                await contents.readings.note_continuation(continuation)
            points.reach(Point.INSIDE_APPLY)
        points.reach(Point.BETWEEN_PARTS)


async def apply_expansions(database: Database, subject: StoredSubject, expanded: Mapping[str, Expansion]) -> None:
    """Write groups anew whose items stayed as they were; raises `LeaseLost`."""
    for some in _batches(list(expanded), expanded):
        async with database.write() as writer:
            contents = await subject.fenced(writer)
            await _put_groups(contents, {key: expanded[key] for key in some}, subject.zone)


async def _put_groups(
    contents: Contents, expanded: Mapping[str, Expansion], zone: ZoneInfo, *, fresh: bool = False
) -> None:
    await contents.groups.put([_group(key, expansion, zone) for key, expansion in expanded.items()], fresh=fresh)


def _group(key: str, expansion: Expansion, zone: ZoneInfo) -> ExpandedGroup:
    problems = tuple(Problem(storable_text(one.uid), storable_text(one.reason) or "") for one in expansion.problems)
    found: Sequence[Occurrence] = expansion.occurrences
    if not all(map(is_storable, {text for one in found for text in (one.uid, one.title)})):
        found = [storable(one) for one in found]
    spans = [(one, *span_in(zone, one)) for one in found]
    return ExpandedGroup(key, replace(expansion, problems=problems), spans)


def storable(occurrence: Occurrence) -> Occurrence:
    """Return an occurrence as it is kept: its texts are repeated for each occurrence, and so are cut where long."""
    if is_storable(occurrence.uid) and is_storable(occurrence.title):
        return occurrence
    return occurrence._replace(uid=storable_text(occurrence.uid) or "", title=storable_text(occurrence.title) or "")


def is_storable(text: str) -> bool:
    """Tell of almost all texts that are kept as they are; of another one this does not say that it is not."""
    return len(text) <= LONGEST_TEXT and text.isprintable()


def storable_text(value: str | None) -> str | None:
    """Cut a text, and leave out what a database does not take: NUL and lone surrogates."""
    if value is None:
        return None
    return value[:LONGEST_TEXT].replace("\x00", "").encode(errors="replace").decode()


def _parts(plan: Plan, expanded: Mapping[str, Expansion]) -> Iterator[tuple[bool, Plan]]:
    """Cut a plan so that items stay with their groups; the last part is marked, and always there."""
    of_group: dict[str, Plan] = {}
    parts: list[Plan] = []
    for batch in _batches(list(plan.groups), expanded):
        part = Plan(groups=dict.fromkeys(batch))
        parts.append(part)
        of_group |= dict.fromkeys(batch, part)
    for change, digest in plan.put:
        of_group[change.group_key].put.append((change, digest))
    for key, group_key in plan.delete.items():
        of_group[group_key].delete[key] = group_key
    if not parts:
        parts.append(Plan())
    parts[-1].set_version, parts[-1].stamp = plan.set_version, plan.stamp
    for number, part in enumerate(parts, 1):
        yield number == len(parts), part


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
