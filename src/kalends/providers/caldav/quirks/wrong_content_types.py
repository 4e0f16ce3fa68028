"""Servers that send what was asked for under a wrong media type.

The type is not believed, and neither is the answer because of it: a multi-status has to be one, a calendar has to begin
as one, and a web page is never either.
"""

from collections.abc import Mapping

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

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_BEGINNING = 256


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type that an answer claims, in lower case without parameters; empty where it claims none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_right_for_xml(claimed: str) -> bool:
    """Tell whether a media type, or none, may stand over a multi-status (RFC 4918 §8.2)."""
    return not claimed or (claimed.endswith("xml") and claimed not in _PAGES)


def is_right_for_calendar(claimed: str) -> bool:
    """Tell whether a media type, or none, may stand over a calendar (RFC 5545 §8.1)."""
    return claimed in {"", "text/calendar"}


def is_calendar(body: bytes) -> bool:
    """Tell whether a body begins as a calendar does."""
    return _beginning(body).startswith(b"begin:vcalendar")


def is_web_page(claimed: str, body: bytes) -> bool:
    """Tell whether a body that is no calendar is, or is called, a web page."""
    return claimed in _PAGES or _beginning(body).startswith((b"<!doctype html", b"<html"))


def begins_as_web_page(body: bytes) -> bool:
    """Tell whether a body begins as a web page does, whatever it is called."""
    return is_web_page("", body)


def _beginning(body: bytes) -> bytes:
    return body[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
