"""What a site may say about copies: templates of their titles and links, and the time that is blocked after them."""

import re
import unicodedata
from datetime import timedelta

from kalends.model.errors import Invalid, Rule
from kalends.net.errors import BadUrl
from kalends.net.url import HttpUrl, literal

LONGEST_TITLE = 200
LONGEST_BUFFER = timedelta(hours=24)
LONGEST_LINK = 500
_TITLE_PLACE = re.compile(r"\{(?:title|service|participant)\}")
_EVENT = "{eventId}"
_WRITTEN = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
"""What an address is written with (RFC 3986 §2)."""
_CONTROL = frozenset({"Cc", "Cs"})
"""Control characters, and halves of characters, which no database takes."""


def checked_buffer(field: str, buffer: timedelta) -> timedelta:
    """Return the time that is blocked after a copy; raises `Invalid` unless it is whole minutes up to a day."""
    if not timedelta(0) <= buffer <= LONGEST_BUFFER or buffer % timedelta(minutes=1):
        raise Invalid.one(field, "must be whole minutes, at most 1440", Rule.OTHER, name="BUFFER")
    return buffer


def checked_title(field: str, template: str) -> str:
    """Return the template of a title, without white space around it.

    Raises `Invalid`: empty, over 200 characters, control characters, braces other than those of `{title}`, `{service}`
    and `{participant}`.
    """
    if any(unicodedata.category(letter) in _CONTROL for letter in template):
        raise Invalid.one(field, "must not hold control characters", Rule.FORMAT)
    template = template.strip()
    if not template:
        raise Invalid.one(field, "must not be empty", Rule.MIN_LENGTH, data={"threshold": 1})
    _check_length(field, template, LONGEST_TITLE)
    if re.search(r"[{}]", _TITLE_PLACE.sub("", template)):
        raise Invalid.one(
            field,
            "may hold {title}, {service} and {participant}, each as often as you like; no other braces",
            Rule.FORMAT,
        )
    return template


def checked_link(field: str, template: str | None) -> str | None:
    """Return the template of a link, None where there is to be none: for None and for what is empty.

    Raises `Invalid`: over 500 characters, `{eventId}` not exactly once, no https address (http will do for a loopback
    host), or one that holds a password or what must be escaped.
    """
    template = (template or "").strip(" ")
    if not template:
        return None
    _check_length(field, template, LONGEST_LINK)
    if template.count(_EVENT) != 1:
        raise Invalid.one(field, f"must hold {_EVENT} exactly once", Rule.FORMAT)
    if not _WRITTEN.fullmatch(template.replace(_EVENT, "")):
        raise Invalid.one(
            field, f"must be an address, in which everything but {_EVENT} is escaped as RFC 3986 has it", Rule.FORMAT
        )
    try:
        url = HttpUrl.parse(template)
    except BadUrl as error:
        raise Invalid.one(field, f"cannot be used: {error}", Rule.FORMAT) from None
    if url.scheme != "https" and not _is_loopback(url.host):
        raise Invalid.one(field, "must begin with https://; http:// is for loopback hosts alone", Rule.FORMAT)
    return template


def _is_loopback(host: str) -> bool:
    address = literal(host)
    return host == "localhost" if address is None else address.is_loopback


def _check_length(field: str, template: str, longest: int) -> None:
    if len(template) > longest:
        raise Invalid.one(
            field, f"must not be longer than {longest} characters", Rule.MAX_LENGTH, data={"threshold": longest}
        )
