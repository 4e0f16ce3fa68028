"""What Google's refusals mean: one table from HTTP status, reason and place to the port's errors.

Sources: "Handle API errors" of the Google Calendar API guide, "Synchronize resources efficiently" (410), and the list
of standard errors that all of Google's APIs of that generation share ("Global domain errors").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from kalends.providers.errors import (
    CalendarGone,
    CredentialsRefused,
    CursorRefused,
    NotSupported,
    ProviderError,
)
from kalends.providers.oauth.refusals import Lasting, error_of, word, words


class Meaning(Enum):
    """What a refusal says about whom."""

    CREDENTIALS = auto()
    """The account's consent does not reach, or is no more: the person has to connect anew."""
    NOT_ALLOWED = auto()
    """It is not for this account, or for this installation, to do; asking again changes nothing."""
    GONE = auto()
    """What was asked about does not exist, or is not for this account to see."""
    TOKEN = auto()
    """A sync or page token is not honoured any more."""
    PATIENCE = auto()
    """Google was asked too often for a minute."""
    MUCH_PATIENCE = auto()
    """Google was asked too often for a day."""
    TROUBLE = auto()
    """Something failed there that may do next time, or an answer that nobody can make sense of."""


_PATIENCE = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "concurrentLimitExceeded",
             "servingLimitExceeded", "userRateLimitExceededUnreg", "limitExceeded")  # fmt: skip
_MUCH_PATIENCE = ("dailyLimitExceeded", "dailyLimitExceededUnreg", "variableTermLimitExceeded",
                  "variableTermExpiredDailyExceeded", "calendarUsageLimitsExceeded")  # fmt: skip
# Of the scopes that a person granted, one is missing: nothing but a new consent helps.
_LACKING_CONSENT = ("insufficientPermissions", "insufficientScope", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "authError",
                    "accountDeleted", "accountDisabled", "accountUnverified", "expired", "required")  # fmt: skip

MEANINGS: Mapping[tuple[int, str], Meaning] = {
    **{(403, reason): Meaning.PATIENCE for reason in _PATIENCE},
    **{(403, reason): Meaning.MUCH_PATIENCE for reason in _MUCH_PATIENCE},
    **{(429, reason): Meaning.MUCH_PATIENCE for reason in _MUCH_PATIENCE},
    **{(403, reason): Meaning.CREDENTIALS for reason in _LACKING_CONSENT},
    (403, "backendError"): Meaning.TROUBLE,
    (403, "internalError"): Meaning.TROUBLE,
    (410, "deleted"): Meaning.GONE,
    (410, "fullSyncRequired"): Meaning.TOKEN,
    (410, "updatedMinTooLongAgo"): Meaning.TOKEN,
    (400, "backendError"): Meaning.TROUBLE,
    (400, "failedPrecondition"): Meaning.NOT_ALLOWED,
    (400, "pushNotSupportedForRequestedResource"): Meaning.NOT_ALLOWED,
}
"""What a status with a reason means."""

BY_STATUS: Mapping[int, Meaning] = {
    401: Meaning.CREDENTIALS,
    # forbidden, requiredAccessLevel, domainPolicy, accessNotConfigured, …: of one calendar, or of the operator's
    # project, but never of the person's consent. An account is not given up for it, and a calendar not forgotten.
    403: Meaning.NOT_ALLOWED,
    404: Meaning.GONE,
    410: Meaning.TOKEN,
    429: Meaning.PATIENCE,
}
"""What a status means with a reason that nobody has heard of; `TROUBLE` where it is not among them."""

_TOKENS = frozenset({"syncToken", "pageToken"})
"""Parameters by whose name a 400 says that a token is no good."""

_LASTING: Mapping[Meaning, Lasting] = {
    Meaning.CREDENTIALS: (CredentialsRefused, "Google does not let this service in any more. Connect again."),
    Meaning.NOT_ALLOWED: (NotSupported, "Google does not allow this."),
    Meaning.GONE: (CalendarGone, None),
    Meaning.TOKEN: (CursorRefused, None),
}
_RESTS = {Meaning.PATIENCE: timedelta(minutes=1), Meaning.MUCH_PATIENCE: timedelta(hours=1)}
"""How long to leave Google alone where it does not say: the quotas are counted by the minute, or by the day."""
_REASON = re.compile(r"[A-Za-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Google says about a request that it did not do. Texts that may quote the request are not kept."""

    status: int
    reason: str = ""
    location: str = ""

    @classmethod
    def of(cls, status: int, answer: Mapping[str, Any]) -> "Refusal":
        """Read the body of a refusal, of any shape: the first of its `errors` speaks for all."""
        error = answer.get("error")
        found = error.get("errors") if isinstance(error, dict) else None
        first = found[0] if isinstance(found, list) and found else None
        if not isinstance(first, dict):
            return cls(status)
        return cls(status, word(first.get("reason"), _REASON), word(first.get("location"), _REASON))

    @property
    def meaning(self) -> Meaning:
        """What it means."""
        if self.status == 400 and self.location in _TOKENS:  # noqa: PLR2004 - an HTTP status, plainer as its number
            return Meaning.TOKEN
        return MEANINGS.get((self.status, self.reason)) or BY_STATUS.get(self.status, Meaning.TROUBLE)

    def words(self, host: str) -> str:
        """Return what is said of it to the operator."""
        return words(host, self.status, self.reason)

    def error(self, host: str, retry_after: timedelta | None = None) -> ProviderError:
        """Return the port's error, with what the server said about when to come again."""
        return error_of(self.meaning, self.words(host), lasting=_LASTING, rests=_RESTS, retry_after=retry_after)
