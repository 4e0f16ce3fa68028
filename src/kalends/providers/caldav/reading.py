"""One pass over one calendar: list, compare with what is stored, fetch the difference, in pages."""

from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace

from kalends.model.calendar import ItemChange, Page
from kalends.providers.base import StoredVersions
from kalends.providers.caldav import hrefs
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Again, Cursor, Listed, Plan
from kalends.providers.caldav.members import Batch, Members
from kalends.providers.caldav.planning import plan_all, plan_since
from kalends.providers.errors import Unavailable

_NOTHING = Batch()
_PAGE_OF_UNCHANGED = 500
_TIMES_AGAIN = 5
_MOST_AGAIN = 100


async def read(
    dav: DavClient,
    url: str,
    *,
    cursor: str | None,
    continuation: str | None,
    stored: StoredVersions,
    thorough: bool = False,
    doubted: bool = False,
) -> AsyncGenerator[Page]:
    """Yield the pages of a reading as `providers.base.AccountSession.read` describes it.

    A reading in which nothing changed costs one request, a thorough one some more. A member whose stored version is
    listed is not fetched. A calendar of several members that hands over none of them cannot be read: raises
    `Unavailable`.
    """
    plan = Plan.resume(continuation, full=cursor is None) if continuation else None
    before = Cursor.parse(cursor) if cursor is not None else None
    if plan is None and before is not None:
        plan = await plan_since(dav, url, before, stored, thorough=thorough)
    elif plan is None:
        plan = await plan_all(dav, url, stored, thorough=thorough, doubted=doubted)
    held = await stored.versions(plan.members.keys()) if plan.members else {}
    wanted = {key: one for key, one in plan.members.items() if not one.version or held.get(key) != one.version}
    unchanged = [key for key in plan.members if key not in wanted] if plan.full else []
    members = Members(dav, url, full=plan.full)
    keep = plan.continuation() if wanted else None
    removed = plan.removed
    withheld = 0
    left = len(wanted)
    again: dict[str, Again] = {}
    async with aclosing(members.batches(wanted)) as batches:
        while True:
            batch = await anext(batches, _NOTHING)
            seen, unchanged = unchanged[:_PAGE_OF_UNCHANGED], unchanged[_PAGE_OF_UNCHANGED:]
            fetched = [_kept_whole(one, held) for one in batch.fetched]
            withheld += sum(not one.version for one in fetched)
            again.update(_again(fetched, batch.listed, members.other, before.again if before else {}))
            left -= len(batch.listed)
            last = not left and not unchanged
            if last and plan.full:
                if withheld == len(plan.members) > 1:
                    host = hrefs.host_of(url)
                    raise Unavailable(f"{host} lists {withheld} members of a calendar and hands over none")
                dav.quirks.conclude()
            yield Page(
                changed=tuple(fetched),
                unchanged=tuple(seen),
                removed=() if plan.full else removed,
                continuation=None if last else keep,
                cursor=_with_again(plan.cursor, again, before) if last else None,
            )
            if last:
                return
            removed, keep = (), None


def _again(
    fetched: Iterable[ItemChange], batch: Mapping[str, Listed], other: Collection[str], before: Mapping[str, Again]
) -> Iterator[tuple[str, Again]]:
    """Yield the members that are to be asked for again: they came without a version, or in another than was listed.

    What is sent in a member's place may be a moment's trouble, and an older text may come from a replica that lags
    behind. No sync token tells of either any more.
    """
    for change in fetched:
        listed = batch[change.key]
        left = before[change.key].left - 1 if change.key in before else _TIMES_AGAIN * bool(listed.version)
        if listed.href and left > 0 and (not change.version or change.key in other):
            yield change.key, Again(listed.href, left)


def _with_again(cursor: str, again: Mapping[str, Again], before: Cursor | None) -> str:
    """Return a cursor that remembers what to ask for again; so many cannot all have met with a moment's trouble."""
    if not again and not (before is not None and before.again):
        return cursor
    return str(replace(Cursor.parse(cursor), again=again if len(again) <= _MOST_AGAIN else {}))


def _kept_whole(change: ItemChange, held: Collection[str]) -> ItemChange:
    """Return the change, without its text where that was cut off and the member is stored: what is there stays."""
    if change.version or change.payload is None or change.key not in held:
        return change
    return replace(change, payload=None, problem="its text is cut off")
