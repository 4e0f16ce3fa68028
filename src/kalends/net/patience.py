"""How long a server asks to be left alone."""

from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

LONGEST_REST = timedelta(days=1)
ASKS_FOR_PATIENCE = frozenset({429, 503})
"""The statuses that may come with such a wish (RFC 6585 §4, RFC 9110 §15.6.4)."""


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long the server asks to be left alone (RFC 9110 §10.2.3), at most a day; None where it does not say.

    A date is measured against the server's own clock, the answer's `Date`.
    """
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(timedelta(seconds=int(value[:9])), LONGEST_REST)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (OverflowError, TypeError, ValueError):
        return None
    return max(timedelta(), min(wait, LONGEST_REST))
