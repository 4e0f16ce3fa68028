"""What an answer says that it is, and what it begins as, which is not always the same."""

import re
from collections.abc import Mapping

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_BEGINNING = 256
_CHARSETS = re.compile(r"utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d")


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type that an answer claims, in lower case without parameters; empty where it claims none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def charset(headers: Mapping[str, str]) -> str:
    """Return the character set that an answer claims, in lower case; UTF-8 where it claims none (RFC 5545 §3.1.4)."""
    for parameter in headers.get("content-type", "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() or "utf-8"
    return "utf-8"


def is_readable_charset(name: str) -> bool:
    """Tell whether texts in a character set are read: UTF-8 and the usual ones of one byte a character."""
    return _CHARSETS.fullmatch(name) is not None


def is_calendar(body: bytes) -> bool:
    """Tell whether a body begins as a calendar does."""
    return _beginning(body).startswith(b"begin:vcalendar")


def is_web_page(claimed: str, body: bytes) -> bool:
    """Tell whether a body that is no calendar is, or is called, a web page."""
    return claimed in _PAGES or _beginning(body).startswith((b"<!doctype html", b"<html"))


def _beginning(body: bytes) -> bytes:
    return body[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
