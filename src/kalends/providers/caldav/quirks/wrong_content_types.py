"""Servers that send what was asked for under a wrong media type.

The type is not believed, and neither is the answer because of it: a multi-status has to be one, a calendar has to begin
as one, and a web page is never either.
"""

from kalends.providers.content import is_web_page
from kalends.providers.quirks import Quirk

QUIRK = Quirk(
    name="wrong_content_types",
    summary="It sends its answers as if they were web pages or plain text.",
    found_by="A multi-status arrives that is not called XML, or a calendar that is not called text/calendar.",
    consequence="The answer is taken for what it is. A web page, such as one for signing in, is still none.",
    known_from=(
        "Open-Xchange, text/html: python-caldav/caldav issue 142",
        "davis behind nginx, text/html: tchapi/davis issue 8",
        "Bedework, text/html for calendars: caldav4j/caldav4j issue 51",
        "iCloud, text/plain for what is stored: emersion/go-webdav issue 131",
    ),
)


def is_right_for_xml(claimed: str) -> bool:
    """Tell whether a media type, or none, may stand over a multi-status (RFC 4918 §8.2)."""
    return not claimed or (claimed.endswith("xml") and not is_web_page(claimed, b""))


def is_right_for_calendar(claimed: str) -> bool:
    """Tell whether a media type, or none, may stand over a calendar (RFC 5545 §8.1)."""
    return claimed in {"", "text/calendar"}
