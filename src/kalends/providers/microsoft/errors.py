"""What Graph's refusals mean: one table from HTTP status and code to the port's errors.

Sources: "Microsoft Graph error responses and resource types", "Microsoft Graph throttling guidance", "Use delta query
to track changes" (synchronization reset); error codes of Exchange as Graph hands them through.
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
from kalends.providers.export import CopyChanged, CopyThere
from kalends.providers.oauth.refusals import Lasting, error_of, word, words


class Meaning(Enum):
    """What a refusal says about whom."""

    CREDENTIALS = auto()
    """The account's consent does not reach, or is no more: the person has to connect anew."""
    NO_MAILBOX = auto()
    """The account has no mailbox that Graph can reach: a licence is missing, or it is kept on the premises."""
    NOT_ALLOWED = auto()
    """It is not for this account to do; asking again changes nothing."""
    GONE = auto()
    """What was asked about does not exist, or is not for this account to see."""
    STATE = auto()
    """A delta or skip token is not honoured any more."""
    THERE = auto()
    """What was to be made is there already, or something else of that name is."""
    CHANGED = auto()
    """What was to be changed is in another version than the one that was named."""
    MISPLACED = auto()
    """An instance of a series would come to lie beyond the one before it, or the one after."""
    PATIENCE = auto()
    """The mailbox was asked too often, or too much at once."""
    TROUBLE = auto()
    """Something failed there that may do next time, or an answer that nobody can make sense of."""


_STATE = ("SyncStateNotFound", "SyncStateInvalid", "resyncRequired", "resyncChangesApplyDifferences",
          "resyncChangesUploadDifferences", "ErrorInvalidSyncStateData", "ErrorSyncStateNotFound")  # fmt: skip
_NO_MAILBOX = ("MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "MailboxNotHostedInExchangeOnline",
               "OrganizationFromTenantGuidNotFound", "ErrorNonExistentMailbox")  # fmt: skip
_NO_CONSENT = ("InvalidAuthenticationToken", "AuthenticationError", "unauthenticated", "ErrorAccountSuspend",
               "ErrorAccountDisabled")  # fmt: skip
_PATIENCE = ("ApplicationThrottled", "MailboxConcurrency", "TooManyRequests", "activityLimitReached",
             "ErrorTooManyObjectsOpened", "ErrorServerBusy", "ErrorExceededConnectionCount")  # fmt: skip
_THERE = ("ErrorDuplicateTransactionId", "ErrorFolderExists")
_CHANGED = ("ErrorIrresolvableConflict", "ErrorStaleObject")

BY_CODE: Mapping[str, Meaning] = {
    code.lower(): meaning
    for codes, meaning in (
        (_STATE, Meaning.STATE),
        (_NO_MAILBOX, Meaning.NO_MAILBOX),
        (_NO_CONSENT, Meaning.CREDENTIALS),
        (_THERE, Meaning.THERE),
        (_CHANGED, Meaning.CHANGED),
        (("ErrorOccurrenceCrossingBoundary",), Meaning.MISPLACED),
        (_PATIENCE, Meaning.PATIENCE),
        (("ErrorItemNotFound", "ErrorFolderNotFound", "ErrorCalendarNotFound"), Meaning.GONE),
        (("ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorInternalServerError"), Meaning.TROUBLE),
    )
    for code in codes
}
"""What a code means, with whichever status it comes: those of a lost synchronization state come with several."""

BY_STATUS: Mapping[int, Meaning] = {
    401: Meaning.CREDENTIALS,
    # ErrorAccessDenied and others: of one calendar, or of the operator's app, but not of the person's consent
    403: Meaning.NOT_ALLOWED,
    404: Meaning.GONE,
    410: Meaning.STATE,
    412: Meaning.CHANGED,
    429: Meaning.PATIENCE,
}
"""What a status means with a code that nobody has heard of; `TROUBLE` where it is not among them."""


class InstanceMisplaced(NotSupported):
    """Graph keeps the instances of a series in their order, and none on the day of another one."""

    default_public = "Outlook does not take an instance of a series beyond the one before it or after it."


_LASTING: Mapping[Meaning, Lasting] = {
    Meaning.CREDENTIALS: (CredentialsRefused, "Microsoft does not let this service in any more. Connect again."),
    Meaning.NO_MAILBOX: (NotSupported, "The account has no mailbox with a calendar in Microsoft's cloud."),
    Meaning.NOT_ALLOWED: (NotSupported, "Microsoft does not allow this."),
    Meaning.GONE: (CalendarGone, None),
    Meaning.STATE: (CursorRefused, None),
    Meaning.THERE: (CopyThere, None),
    Meaning.CHANGED: (CopyChanged, None),
    Meaning.MISPLACED: (InstanceMisplaced, None),
}
_RESTS = {Meaning.PATIENCE: timedelta(minutes=1)}
"""How long to leave a mailbox alone where Graph does not say."""
_CODE = re.compile(r"[A-Za-z_.]{1,80}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Graph says about a request that it did not do. Messages may quote the request, and are not kept.

    `followed` tells that the request was a link that Graph itself had given: what it does not understand of that is its
    own token.
    """

    status: int
    code: str = ""
    followed: bool = False

    @classmethod
    def of(cls, status: int, answer: Mapping[str, Any], *, followed: bool = False) -> "Refusal":
        """Read the body of a refusal, of any shape."""
        error = answer.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return cls(status, word(code, _CODE), followed)

    @property
    def meaning(self) -> Meaning:
        """What it means."""
        if (known := BY_CODE.get(self.code.lower())) is not None:
            return known
        if self.followed and self.status == 400:  # noqa: PLR2004 - an HTTP status, plainer as its number
            return Meaning.STATE
        return BY_STATUS.get(self.status, Meaning.TROUBLE)

    def error(self, host: str, retry_after: timedelta | None = None) -> ProviderError:
        """Return the port's error, with what the server said about when to come again."""
        said = words(host, self.status, self.code)
        return error_of(self.meaning, said, lasting=_LASTING, rests=_RESTS, retry_after=retry_after)
