"""Servers whose sync-collection keeps changes to itself: all of them, or some.

Nothing in such an answer gives it away. The collection's `getctag` does, where the server has one: it is held against
the report about once a day, so that a lie is believed for a day at most and a quiet poll still costs one request. Where
tag and token come from one counter that stands still (davis's birthday calendar: tchapi/davis issue 230), only a full
reading helps.
"""

from collections.abc import Mapping

from kalends.providers.caldav.cursor import Listed
from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="lying_sync_tokens",
    summary="It says that nothing changed since the last look although something did.",
    found_by=(
        "The tag of a calendar is another than the day before, a listing by etag shows changes that sync-collection "
        "did not name, and sync-collection, asked once more, still does not name all of them."
    ),
    consequence=(
        "Calendars are listed by the etags of their events, only when their tag changed and about once a day. After a "
        "full reading a token is kept on trial: once it tells of all that the etags show, it is relied on again."
    ),
    known_from=(
        "servers that take a damaged or foreign token and answer 207 to it",
        "Nextcloud, where the log of changes had gaps: nextcloud/server issue 36644, pull request 44130",
        "tine20, which did not tell of deletions: tine20/tine20 issue 5854",
        "SOGo, whose tokens count whole seconds; Synology, DAViCal: Foundry376/Mailspring-Sync pull request 61",
    ),
)

_MADE_HERE = "sha256-"


def differences(listed: Mapping[str, Listed], held: Mapping[str, str]) -> set[str]:
    """Return the keys of members that a listing shows to be new, changed or gone, against the versions that are held.

    Where either side has no etag of the server's, nothing can be told of a member that is on both.
    """
    changed = {
        key
        for key in listed.keys() & held.keys()
        if listed[key].version and held[key] and not held[key].startswith(_MADE_HERE)
        if listed[key].version != held[key]
    }
    return changed | (listed.keys() ^ held.keys())
