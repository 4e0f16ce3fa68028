"""What a reading has to do: which way of listing is asked, and which one is believed.

Sync-collection is the cheap way, etags are the sure one. `quirks.refused_sync_tokens` and `quirks.lying_sync_tokens`
lead from the first to the second; the cursor remembers on which of them a calendar is.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from kalends.providers.base import StoredVersions
from kalends.providers.caldav import hrefs
from kalends.providers.caldav.absent import still_there
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Cursor, CursorKind, Listed, Plan
from kalends.providers.caldav.errors import HttpRefusal, Malformed
from kalends.providers.caldav.listing import Listing, SyncUseless, collection_tag, list_by_etag, list_by_sync
from kalends.providers.caldav.quirks import empty_first_listings, lying_sync_tokens, refused_sync_tokens
from kalends.providers.errors import CalendarGone, CursorRefused

_NOT_FOUND = 404
_TOO_MUCH = 507
_MOST_ASKED_AGAIN = 100


async def plan_all(
    dav: DavClient, url: str, stored: StoredVersions, *, thorough: bool = False, doubted: bool = False
) -> Plan:
    """Plan the reading of a whole calendar; raises `CalendarGone` and `Unavailable`.

    Where a listing by sync-collection is doubted, what a listing by etag names besides is there too. What is stored and
    not listed is asked for before it counts as gone. Where nothing is stored, no tag is asked for, which for a large
    calendar takes long; the next thorough reading then holds the listings against each other.
    """
    held = await stored.versions()
    if lying_sync_tokens.QUIRK in dav.quirks:
        token = await _token_on_trial(dav, url)
        listing = await list_by_etag(dav, url)
        listing.cursor = replace(listing.cursor, witness=token)
        dav.quirks.see(lying_sync_tokens.QUIRK, shown=True)
    else:
        tag = await _tag(dav, url) if thorough and held else ""
        listing = await _by_sync(dav, url) or await list_by_etag(dav, url)
        if listing.cursor.kind is CursorKind.SYNC_TOKEN:
            listing.cursor = replace(listing.cursor, witness=tag)
            if doubted:
                listing.members = (await list_by_etag(dav, url)).members | listing.members
    listing.members |= await still_there(dav, url, held.keys() - listing.members.keys())
    return Plan(full=True, cursor=str(listing.cursor), members=listing.members)


async def plan_since(
    dav: DavClient, url: str, cursor: Cursor, stored: StoredVersions, *, thorough: bool = False
) -> Plan:
    """Plan the reading of what changed since the cursor; raises `CursorRefused`, `CalendarGone`, `Unavailable`.

    A thorough one holds the server's word against the collection's tag, or where the tag is its word against the
    etags, and asks again for members that could not be had: a server that mends its answer for one of them need not
    call that a change.
    """
    if cursor.kind is CursorKind.SYNC_TOKEN:
        plan = await _since_token(dav, url, cursor, stored, thorough=thorough)
    else:
        plan = await _since_etags(dav, url, cursor, stored, thorough=thorough)
    again = {key: Listed("", one.href) for key, one in cursor.again.items() if key not in plan.removed}
    plan = replace(plan, members=again | dict(plan.members)) if again else plan
    if thorough:
        unread = (key for key, version in (await stored.versions()).items() if not version)
        again = {key: Listed("", key) for key in islice(unread, _MOST_ASKED_AGAIN) if key not in plan.removed}
        plan = replace(plan, members=again | dict(plan.members)) if again else plan
    return plan


async def _by_sync(dav: DavClient, url: str) -> Listing | None:
    """List everything by sync-collection; None where the server does not do it, or its tokens are no good."""
    try:
        listing = await list_by_sync(dav, url, "")
        if dav.quirks.doubts(refused_sync_tokens.QUIRK):
            # What it says is told again next time. Here it only has to be willing.
            await list_by_sync(dav, url, listing.cursor.value)
    except HttpRefusal as refusal:
        if refusal.status not in refused_sync_tokens.REPORT_REFUSED:
            raise
        dav.quirks.see(refused_sync_tokens.QUIRK, shown=True)
        return None
    except SyncUseless:
        dav.quirks.see(refused_sync_tokens.QUIRK, shown=True)
        return None
    dav.quirks.see(refused_sync_tokens.QUIRK, shown=False)
    if listing.members:
        dav.quirks.see(empty_first_listings.QUIRK, shown=False)
    else:
        # That there is nothing is believed only of an answer that names the calendar itself.
        listing.members = (await list_by_etag(dav, url)).members
        dav.quirks.see(empty_first_listings.QUIRK, shown=bool(listing.members))
    return listing


async def _since_token(dav: DavClient, url: str, cursor: Cursor, stored: StoredVersions, *, thorough: bool) -> Plan:
    tag = await _tag(dav, url) if thorough else ""
    try:
        listing = await list_by_sync(dav, url, cursor.value)
    except HttpRefusal as refusal:
        if refusal.status == _NOT_FOUND:
            raise CalendarGone(f"{hrefs.host_of(url)} does not exist any more") from refusal
        if refusal.status in refused_sync_tokens.TOKEN_REFUSED:
            dav.quirks.suspect(refused_sync_tokens.QUIRK)
            raise CursorRefused(f"{hrefs.host_of(url)} answered {refusal.status} to its sync token") from refusal
        if refusal.status != _TOO_MUCH:
            raise
    except SyncUseless:
        pass
    else:
        if tag not in {"", cursor.witness}:
            truth = await _unsaid(dav, url, cursor, stored, said=listing)
            if truth is not None:
                return truth
        listing.cursor = replace(listing.cursor, witness=tag or cursor.witness)
        return Plan(
            full=False, cursor=str(listing.cursor), members=listing.members, removed=tuple(sorted(listing.removed))
        )
    dav.quirks.see(refused_sync_tokens.QUIRK, shown=True)
    held = await stored.versions()
    return await _compared(dav, url, await _listed(dav, url, held), held)


async def _unsaid(dav: DavClient, url: str, cursor: Cursor, stored: StoredVersions, said: Listing) -> Plan | None:
    """Return what sync-collection keeps to itself, None where it told all there is to tell.

    A tag may change for other reasons than a member, and a member just now: hence the listing, and the second question.
    """
    listing = await list_by_etag(dav, url)
    held = await stored.versions()
    unsaid = lying_sync_tokens.differences(listing.members, held) - said.members.keys() - said.removed
    if not unsaid:
        return None
    again = await list_by_sync(dav, url, cursor.value)
    if unsaid <= again.members.keys() | again.removed:
        return None
    dav.quirks.see(lying_sync_tokens.QUIRK, shown=True)
    return await _compared(dav, url, listing, held)


async def _since_etags(dav: DavClient, url: str, cursor: Cursor, stored: StoredVersions, *, thorough: bool) -> Plan:
    if cursor.kind is CursorKind.CTAG and not thorough and await collection_tag(dav, url) == cursor.value:
        _note_the_reason(dav, cursor)
        return Plan(full=False, cursor=str(cursor), members={})
    told = await _since_trial(dav, url, cursor.witness) if cursor.witness else None
    held = await stored.versions()
    listing = await _listed(dav, url, held)
    differing = lying_sync_tokens.differences(listing.members, held)
    if await _tag_stands_still(dav, url, cursor, listing.cursor, changed=bool(differing)):
        listing.cursor = Cursor(CursorKind.ETAGS, listing.cursor.value)
    plan = await _compared(dav, url, listing, held)
    if told is not None and differing and differing <= told.members.keys() | told.removed:
        dav.quirks.mend(lying_sync_tokens.QUIRK)
        return replace(plan, cursor=str(told.cursor))
    _note_the_reason(dav, cursor)
    if told is not None and not differing:
        return replace(plan, cursor=str(replace(listing.cursor, witness=cursor.witness)))
    return plan


async def _tag_stands_still(dav: DavClient, url: str, before: Cursor, now: Cursor, *, changed: bool) -> bool:
    """Tell whether the tag of a listing is one by which changes are not told.

    It is kept as the value of a cursor that goes by etags alone, until there is another one. What changed between tag
    and listing, the tag tells afterwards.
    """
    if now.kind is not CursorKind.CTAG or now.value != before.value:
        return False
    return before.kind is CursorKind.ETAGS or (changed and await collection_tag(dav, url) == now.value)


async def _listed(dav: DavClient, url: str, held: Mapping[str, str]) -> Listing:
    """List all members by etag; where all that is held would be gone, that has to be said twice."""
    listing = await list_by_etag(dav, url)
    return await list_by_etag(dav, url) if held and not listing.members else listing


def _note_the_reason(dav: DavClient, cursor: Cursor) -> None:
    """Note that a calendar still goes by etags, lest another calendar's full reading pass for the end of it."""
    reasons = (lying_sync_tokens.QUIRK,) if cursor.witness else (refused_sync_tokens.QUIRK, lying_sync_tokens.QUIRK)
    known = [reason for reason in reasons if reason in dav.quirks] or reasons[:1]
    for reason in known:
        dav.quirks.see(reason, shown=True)


async def _compared(dav: DavClient, url: str, listing: Listing, held: Mapping[str, str]) -> Plan:
    """Plan from a whole listing: what is stored, and neither named nor there when it is asked for, is gone."""
    members = listing.members | await still_there(dav, url, held.keys() - listing.members.keys())
    gone = held.keys() - members.keys()
    return Plan(full=False, cursor=str(listing.cursor), members=members, removed=tuple(sorted(gone)))


async def _tag(dav: DavClient, url: str) -> str:
    """Return the collection's tag, empty where it cannot be had: it is a witness, and the reading does without."""
    with suppress(HttpRefusal, Malformed, CalendarGone):
        return await collection_tag(dav, url) or ""
    return ""


async def _token_on_trial(dav: DavClient, url: str) -> str:
    """Return a token that stands for the calendar as it is now, empty where none can be had.

    It is got before the calendar is listed by etag, so that it tells of everything that the listing does not show yet.
    """
    with suppress(HttpRefusal, SyncUseless):
        return (await list_by_sync(dav, url, "")).cursor.value
    return ""


async def _since_trial(dav: DavClient, url: str, token: str) -> Listing | None:
    with suppress(HttpRefusal, SyncUseless):
        return await list_by_sync(dav, url, token)
    return None
