"""One pass over one calendar: list, compare with what is stored, fetch the difference, in pages."""

from collections.abc import AsyncIterator
from itertools import islice

from kalends.model.calendar import Page
from kalends.providers.base import StoredVersions
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Cursor, Plan
from kalends.providers.caldav.members import Members
from kalends.providers.caldav.planning import plan_all, plan_since

_PAGE_OF_UNCHANGED = 500


async def read(
    dav: DavClient,
    url: str,
    *,
    cursor: str | None,
    continuation: str | None,
    stored: StoredVersions,
    thorough: bool = False,
) -> AsyncIterator[Page]:
    """Yield the pages of a reading as `providers.base.AccountSession.read` describes it.

    A reading in which nothing changed costs one request, a thorough one two. A member whose stored version is listed is
    not fetched.
    """
    plan = Plan.resume(continuation, full=cursor is None) if continuation else None
    if plan is None and cursor is not None:
        plan = await plan_since(dav, url, Cursor.parse(cursor), stored, thorough=thorough)
    elif plan is None:
        plan = await plan_all(dav, url, thorough=thorough)
    held = await stored.versions(plan.members.keys()) if plan.members else {}
    wanted = {key: one for key, one in plan.members.items() if not one.version or held.get(key) != one.version}
    unchanged = [key for key in plan.members if key not in wanted] if plan.full else []
    members = Members(dav, url, full=plan.full)
    keep = plan.continuation() if wanted else None
    removed = plan.removed
    while True:
        batch = dict(islice(wanted.items(), members.batch))
        seen, unchanged = unchanged[:_PAGE_OF_UNCHANGED], unchanged[_PAGE_OF_UNCHANGED:]
        fetched = await members.fetch(batch)
        for key in batch:
            del wanted[key]
        last = not wanted and not unchanged
        if last and plan.full:
            dav.quirks.conclude()
        yield Page(
            changed=tuple(fetched),
            unchanged=tuple(seen),
            removed=() if plan.full else removed,
            continuation=None if last else keep,
            cursor=plan.cursor if last else None,
        )
        if last:
            return
        removed, keep = (), None
