"""One pass over one calendar: list, compare with what is stored, fetch the difference, in pages."""

from collections.abc import AsyncIterator
from itertools import islice

from kalends.model.calendar import Page
from kalends.providers.base import StoredVersions
from kalends.providers.caldav import hrefs
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Cursor, CursorKind, Plan
from kalends.providers.caldav.errors import HttpRefusal
from kalends.providers.caldav.listing import Listing, SyncUseless, collection_tag, list_by_etag, list_by_sync
from kalends.providers.caldav.members import Members
from kalends.providers.errors import CalendarGone, CursorRefused

_PAGE_OF_UNCHANGED = 500
_NO_SYNC = frozenset({400, 403, 404, 405, 409, 410, 412, 415, 422, 500, 501, 507})
"""Statuses by which servers have been seen to say that they do not do sync-collection, or not for this much."""
_TOKEN_REFUSED = _NO_SYNC - {404, 507}


async def read(
    dav: DavClient, url: str, *, cursor: str | None, continuation: str | None, stored: StoredVersions
) -> AsyncIterator[Page]:
    """Yield the pages of a reading as `providers.base.AccountSession.read` describes it.

    A reading in which nothing changed costs one request. A member whose stored version is listed is not fetched.
    """
    plan = Plan.resume(continuation, full=cursor is None) if continuation else None
    if plan is None:
        plan = await (_plan_all(dav, url) if cursor is None else _plan_since(dav, url, Cursor.parse(cursor), stored))
    held = await stored.versions(plan.members.keys()) if plan.members else {}
    wanted = {key: one for key, one in plan.members.items() if not one.version or held.get(key) != one.version}
    unchanged = [key for key in plan.members if key not in wanted] if plan.full else []
    members = Members(dav, url)
    keep = plan.continuation() if wanted else None
    removed = plan.removed
    while True:
        batch = dict(islice(wanted.items(), members.batch))
        seen, unchanged = unchanged[:_PAGE_OF_UNCHANGED], unchanged[_PAGE_OF_UNCHANGED:]
        fetched = await members.fetch(batch)
        for key in batch:
            del wanted[key]
        last = not wanted and not unchanged
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


async def _plan_all(dav: DavClient, url: str) -> Plan:
    try:
        listing = await list_by_sync(dav, url, "")
        if not listing.members:
            # That there is nothing is believed only of an answer that names the calendar itself.
            listing.members = (await list_by_etag(dav, url)).members
    except HttpRefusal as refusal:
        if refusal.status not in _NO_SYNC:
            raise
        listing = await list_by_etag(dav, url)
    except SyncUseless:
        listing = await list_by_etag(dav, url)
    return Plan(full=True, cursor=str(listing.cursor), members=listing.members)


async def _plan_since(dav: DavClient, url: str, cursor: Cursor, stored: StoredVersions) -> Plan:
    if cursor.kind is CursorKind.SYNC_TOKEN:
        try:
            listing = await list_by_sync(dav, url, cursor.value)
            return Plan(
                full=False, cursor=str(listing.cursor), members=listing.members, removed=tuple(sorted(listing.removed))
            )
        except HttpRefusal as refusal:
            if refusal.status == 404:  # noqa: PLR2004 - an HTTP status, plainer as its number
                raise CalendarGone(f"{hrefs.host_of(url)} does not exist any more") from refusal
            if refusal.status in _TOKEN_REFUSED:
                raise CursorRefused(f"{hrefs.host_of(url)} answered {refusal.status} to its sync token") from refusal
            if refusal.status != 507:  # noqa: PLR2004 - an HTTP status, plainer as its number
                raise
        except SyncUseless:
            pass
    elif cursor.kind is CursorKind.CTAG and await collection_tag(dav, url) == cursor.value:
        return Plan(full=False, cursor=str(cursor), members={})
    return await _plan_by_comparison(await list_by_etag(dav, url), stored)


async def _plan_by_comparison(listing: Listing, stored: StoredVersions) -> Plan:
    """Plan from a whole listing: stored items that it does not name are gone."""
    gone = (await stored.versions()).keys() - listing.members.keys()
    return Plan(full=False, cursor=str(listing.cursor), members=listing.members, removed=tuple(sorted(gone)))
