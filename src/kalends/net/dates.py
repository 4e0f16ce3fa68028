"""Dates in HTTP headers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def http_date(text: str) -> datetime | None:
    """Return a date as headers write it (RFC 9110 §5.6.7), None where it is none.

    It is in GMT, and so is one that forgets to say it.
    """
    try:
        moment = parsedate_to_datetime(text)
    except (OverflowError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
