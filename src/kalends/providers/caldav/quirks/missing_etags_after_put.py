"""Servers that do not say which version a PUT made.

RFC 4791 §5.3.4 allows that, and asks for it where the server does not store what it was sent octet by octet.
"""

from collections.abc import Mapping

from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="missing_etags_after_put",
    summary="It does not say which version of an event came of writing it.",
    found_by="The answer to a PUT has no ETag.",
    consequence="Nothing: whatever Kalends writes, it reads back, since servers also store other than they were sent.",
    known_from=(
        "ownCloud: owncloud-archive/calendar issue 716",
        "Cyrus, for events with an organizer: cyrusimap/cyrus-imapd issue 2456",
        "Nextcloud behind proxies that drop the field: nextcloud/server issue 14103",
        "many others: reported for tsdav (natelindev/tsdav issue 125) and vdirsyncer (pimutils/vdirsyncer 476)",
    ),
)


def written_version(headers: Mapping[str, str]) -> str | None:
    """Return the etag in the answer to a PUT, None where the event has to be read back to know it.

    `headers` do not care for case, or are all in lower case.
    """
    return headers.get("etag", "").strip() or None
