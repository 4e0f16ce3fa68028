"""Servers that do not do sync-collection (RFC 6578), or refuse every token that they give."""

from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="refused_sync_tokens",
    summary="It does not say what changed since the last look: it refuses the report, or its own sync tokens.",
    found_by=(
        "A full listing by sync-collection is refused, cut for ever or comes without a token; or, after a token was "
        "refused, the one that was given in its place a moment ago is refused too."
    ),
    consequence=(
        "Calendars are listed by the etags of their events: where they have a tag, only when it changed, and about "
        "once a day. Sync tokens are tried again when a calendar is read in full."
    ),
    known_from=(
        "Posteo, mailbox.org, Horde, Kolab: reported for Planify (alainm23/planify pull request 2368)",
        "Zimbra, Posteo, Robur, GMX: listed in Foundry376/Mailspring-Sync pull request 61",
        "fruux, status 415: sabre-io/dav issue 1075",
        "ownCloud, status 403 for stale tokens: owncloud/core issue 30820",
        "Nextcloud, status 418 after deletions: python-caldav/caldav issue 183",
        "Google and Yandex, status 507: python-caldav/caldav issue 340",
        "Cyrus, which refused the empty token: cyrusimap/cyrus-imapd issue 4985",
        "an older Radicale behind EteSync, whose tokens were never valid: etesync/etesync-dav issue 45",
    ),
)

REPORT_REFUSED = frozenset({400, 403, 404, 405, 409, 410, 412, 415, 418, 422, 500, 501, 507})
"""Statuses by which servers have been seen to say that they do not do sync-collection, or not for this much."""

TOKEN_REFUSED = REPORT_REFUSED - {404, 507}
"""Statuses by which they refuse one token. A 404 is about the calendar, a 507 about the length of the answer."""
