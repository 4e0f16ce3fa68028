"""The kinds of fields that requests and answers hold (contract §3, §6.2).

Those of requests say what is wrong where a value does not fit. Each has the JSON schema that the API's documents show:
where pydantic cannot know what a validator of ours takes, it stands beside it.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from kalends.model.errors import Rule
from kalends.model.ids import is_guid

LONGEST_URL = 2_048
LONGEST_EMAIL = 254
LONGEST_PASSWORD = 1_000
LONGEST_CALENDAR_ID = 2_048
LONGEST_CURSOR = 32_768
LONGEST_NOTE = 500

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
_NOT_IN_URLS = re.compile(r"[\s\x00-\x20\x7f\\<>\"{}|^`]")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DATE_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>[0-9]{2}:[0-9]{2}):(?P<second>[0-9]{2})"
    r"(?P<fraction>\.[0-9]{1,20})?(?:[Zz]|(?P<sign>[+ -])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))"
)
_LEAP_SECOND = 60

_STORABLE_PATTERN = r"^[^\x00]*$"
_EMAIL_PATTERN = r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$"
_REST_OF_URL_PATTERN = (
    r"://[A-Za-z0-9._-]+(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?([/?#][^\s\x00-\x20\x7f\\<>\"{}|^`]*)?$"
)
"""Somewhat narrower than what is taken, which JSON Schema cannot say: an IPv6 address is a host, too."""


class Refused(ValueError):
    """A value does not fit its field: what `Violation` says, but for the field's name."""

    def __init__(self, rule: Rule, description: str, *, name: str | None = None, **data: Any) -> None:
        super().__init__(description)
        self.rule = rule
        self.description = description
        self.name = name
        self.data = data


def storable(text: str) -> str:
    """Return a text that databases take; raises `Refused`."""
    # databases refuse U+0000, and UTF-8 has no lone surrogates
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Refused(Rule.FORMAT, "must hold characters only, no U+0000 and no lone surrogates", type="TEXT")
    return text


def _guid(text: str) -> str:
    if not is_guid(text):
        raise Refused(Rule.FORMAT, "must be a GUID", type="GUID")
    return text.lower()


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise Refused(Rule.FORMAT, "must be an e-mail address", type="EMAIL")
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            fits = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fits = False
        if not fits or _NOT_IN_URLS.search(text):
            raise Refused(Rule.FORMAT, f"must be a web URL ({' or '.join(schemes)})", type="WEB_URL")
        return text

    return check


def parse_date_time(text: str) -> datetime:
    """Return the instant (UTC) of an RFC 3339 date-time with offset; raises `Refused`.

    A space before the offset counts as the `+` that a careless client did not escape. A leap second is taken for the
    second after it, and digits beyond microseconds are dropped.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise _not_a_date_time()
    seconds = int(found["second"])
    leap = timedelta(seconds=1) if seconds == _LEAP_SECOND else timedelta()
    offset = timedelta()
    if found["sign"]:
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
        offset = -offset if found["sign"] == "-" else offset
    try:
        wall = datetime.fromisoformat(f"{found['date']}T{found['minute']}:{59 if leap else seconds:02}")
        fraction = timedelta(microseconds=int((found["fraction"] or ".0")[1:7].ljust(6, "0")))
        return (wall + leap + fraction - offset).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _not_a_date_time() from None


def _not_a_date_time() -> Refused:
    return Refused(
        Rule.FORMAT, "must be a date-time with offset (RFC 3339), for instance 2026-01-31T09:00:00Z", type="DATE_TIME"
    )


def _date_time(value: object) -> datetime:
    if not isinstance(value, str):
        raise _not_a_date_time()
    return parse_date_time(value)


def _flag(value: object) -> object:
    if isinstance(value, str):
        if value not in {"true", "false"}:
            raise Refused(Rule.FORMAT, "must be true or false", type="BOOLEAN")
        return value == "true"
    return value


def _count(value: object) -> object:
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            raise Refused(Rule.FORMAT, "must be a whole number", type="INTEGER")
        return int(value)
    return value


Guid = Annotated[str, Field(json_schema_extra={"format": "uuid"}), AfterValidator(_guid)]
"""A GUID in either case, read as lower case."""
Email = Annotated[
    str,
    Field(max_length=LONGEST_EMAIL, json_schema_extra={"format": "email", "pattern": _EMAIL_PATTERN}),
    AfterValidator(storable),
    AfterValidator(_email),
]
Password = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_PASSWORD,
        repr=False,
        json_schema_extra={"format": "password", "pattern": _STORABLE_PATTERN},
    ),
    AfterValidator(storable),
]
WebUrl = Annotated[
    str,
    Field(max_length=LONGEST_URL, json_schema_extra={"format": "uri", "pattern": f"^https?{_REST_OF_URL_PATTERN}"}),
    AfterValidator(storable),
    AfterValidator(_url("http", "https")),
]
FeedUrl = Annotated[
    str,
    Field(
        max_length=LONGEST_URL,
        repr=False,
        json_schema_extra={"format": "uri", "pattern": f"^(https?|webcal){_REST_OF_URL_PATTERN}"},
    ),
    AfterValidator(storable),
    AfterValidator(_url("http", "https", "webcal")),
]
"""The address of a calendar feed, a secret."""
CalendarId = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_CALENDAR_ID, json_schema_extra={"pattern": _STORABLE_PATTERN}),
    AfterValidator(storable),
]
Cursor = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_CURSOR, json_schema_extra={"pattern": _STORABLE_PATTERN}),
    AfterValidator(storable),
]
Note = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_NOTE, json_schema_extra={"pattern": _STORABLE_PATTERN}),
    AfterValidator(storable),
]
DateTime = Annotated[datetime, BeforeValidator(_date_time)]
"""An RFC 3339 date-time with offset; what is read is the instant in UTC."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""A boolean of a query: `true` or `false`."""
Count = Annotated[int, BeforeValidator(_count)]
"""A whole number of a query."""

GuidText = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
"""A GUID of an answer, in lower case."""
EmailText = Annotated[str, Field(json_schema_extra={"format": "email"})]
"""An e-mail address of an answer."""
UrlText = Annotated[str, Field(json_schema_extra={"format": "uri"})]
"""A web URL of an answer."""
DateTimeText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A date-time of an answer, as RFC 3339 writes it."""
