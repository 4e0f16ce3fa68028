"""When a call is tried again."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from kalends.client._errors import ApiError, ProviderUnavailable, RateLimited, TransportError

_UNAVAILABLE = 503
_MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call is tried again, and after how long; times in seconds.

    Where the server says when to come again (`Retry-After`), it is asked then, unless that is further off than
    `longest_wait`. Else the first wait is `first_wait`, each further one twice as long up to `longest_wait`, and each
    is shortened by a random part of at most `jitter`.

    * 429, and 503 with `Retry-After`: the server did not act, so every call is tried again.
    * 503 without it: calls that do no harm twice. `PROVIDER_UNAVAILABLE` is about calendars, not about the server: it
      is tried again only with `provider_unavailable`.
    * No connection: nothing was sent, so every call is tried again. No answer: calls that do no harm twice.

    Those are the ones that read, *update sync config*, and *create schedule*, which carries an idempotency key.
    """

    times: int = 2
    first_wait: float = 0.5
    longest_wait: float = 30.0
    jitter: float = 0.5
    provider_unavailable: bool = False

    def wait(self, error: TransportError | ApiError, *, done: int, repeatable: bool) -> float | None:
        """Return how long to wait for the next try, after `done` of them; None where there is none."""
        if done >= self.times or not self._allowed(error, repeatable=repeatable):
            return None
        told = error.retry_after if isinstance(error, ApiError) else None
        if told is not None:
            return told if told <= self.longest_wait else None
        longest = min(self.first_wait * 2.0 ** min(done, _MOST_DOUBLINGS), self.longest_wait)
        return longest * (1 - self.jitter * random.random())  # noqa: S311 - spreads callers, guards nothing

    def _allowed(self, error: TransportError | ApiError, *, repeatable: bool) -> bool:
        if isinstance(error, TransportError):
            return repeatable or not error.outcome_unknown
        if isinstance(error, RateLimited) or (error.status == _UNAVAILABLE and error.retry_after is not None):
            return True
        if isinstance(error, ProviderUnavailable) and not self.provider_unavailable:
            return False
        return repeatable and error.status == _UNAVAILABLE


def seconds_until(retry_after: str, now: datetime) -> float | None:
    """Return how long to wait by a `Retry-After` field (RFC 9110 §10.2.3): seconds, or a date. None for neither."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
