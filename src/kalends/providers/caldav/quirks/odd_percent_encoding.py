"""Servers that spell one path in several ways: `@` here, `%40` there.

RFC 4918 §8.3 lets them, and RFC 3986 §6.2.2 says which spellings mean the same. `hrefs.normal_path` is the one spelling
by which paths are compared and kept; members are asked for as the server spelled them in its listing.
"""

from kalends.providers.caldav import hrefs
from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="odd_percent_encoding",
    summary="It writes the same address in different ways, such as @ and %40.",
    found_by="An answer names the calendar or a member of it in another spelling than was asked for.",
    consequence="Addresses are compared in one normal spelling, and asked for in the server's own.",
    known_from=(
        "ownCloud and Zimbra: pimutils/vdirsyncer issue 49",
        "Google: pimutils/vdirsyncer issue 745",
        "DavMail: pimutils/vdirsyncer issue 491",
        "Calypso: pimutils/vdirsyncer issue 526",
        "Apple's Calendar Server: apple/ccs-calendarserver issue 378",
        "Cyrus: jobisoft/DAV-4-TbSync issue 177",
    ),
)


def calendar_respelled(href: str, asked: str) -> bool:
    """Tell whether an href spells the calendar's part of it otherwise than the path that was asked for.

    The href is known to name the calendar or a direct member of it. `asked` has no slash at its end.
    """
    written = hrefs.raw_path(href.strip(), asked + "/")
    if asked in {written, written.rpartition("/")[0]}:
        return False
    written = hrefs.sendable(written)
    return asked not in {written, written.rpartition("/")[0]}


def member_respelled(href: str, asked: str, collection: str) -> bool:
    """Tell whether an href that names a member is spelled otherwise than the path that was asked for."""
    return hrefs.sendable(hrefs.raw_path(href.strip(), collection)) != asked
