"""The errors that reach a caller, each with the status and code of the wire contract (§6).

KalendsError
├── Unauthenticated      401
├── PermissionDenied     403
├── Invalid              400  carries field violations
├── NotFound             404
├── PreconditionFailed   428
├── Conflict             409
└── ProviderUnavailable  503
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as with_default
from enum import StrEnum
from typing import Any, ClassVar


class Rule(StrEnum):
    """`violatedRule` of a field violation (contract §6.2), those that Kalends uses."""

    OTHER = "OTHER"
    MAX = "MAX"
    MIN = "MIN"
    MAX_LENGTH = "MAX_LENGTH"
    MIN_LENGTH = "MIN_LENGTH"
    MAX_SIZE = "MAX_SIZE"
    MIN_SIZE = "MIN_SIZE"
    FORMAT = "FORMAT"
    INVALID_ENUM_VALUE = "INVALID_ENUM_VALUE"
    REQUIRED_FIELD = "REQUIRED_FIELD"
    FIELD_NOT_ALLOWED = "FIELD_NOT_ALLOWED"
    ONE_OF_ALIGNMENT = "ONE_OF_ALIGNMENT"
    REQUIRED_ONE_OF_FIELD = "REQUIRED_ONE_OF_FIELD"


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field; `field` is its path in the request, with `[i]` for members of lists.

    `name` goes with the rule `OTHER` and says which rule of ours was broken.
    """

    field: str
    description: str
    rule: Rule
    data: Mapping[str, Any] = with_default(default_factory=dict)
    name: str | None = None


class KalendsError(Exception):
    """An error that a caller is told about. `description` is for people, `code` for programs."""

    status: ClassVar[int]
    default_code: ClassVar[str]

    def __init__(self, description: str, *, code: str | None = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.code = code or self.default_code
        self.data = dict(data or {})


class Unauthenticated(KalendsError):
    """Nobody we know is calling, or the credentials of an external account are wrong."""

    status = 401
    default_code = "UNAUTHENTICATED"


class PermissionDenied(KalendsError):
    """The identity may not do this."""

    status = 403
    default_code = "PERMISSION_DENIED"


class Invalid(KalendsError):
    """The request says something it may not say."""

    status = 400
    default_code = "INVALID_ARGUMENT"

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.description}" for one in violations))
        self.violations = tuple(violations)

    @classmethod
    def one(
        cls, where: str, description: str, rule: Rule, *, name: str | None = None, data: Mapping[str, Any] | None = None
    ) -> "Invalid":
        """Return the error for a single violation."""
        return cls([Violation(where, description, rule, data or {}, name)])


class NotFound(KalendsError):
    """What was named does not exist on the caller's site."""

    status = 404
    default_code = "NOT_FOUND"


class PreconditionFailed(KalendsError):
    """The state of things does not allow it."""

    status = 428
    default_code = "FAILED_PRECONDITION"


class Conflict(KalendsError):
    """It exists already, or was changed by somebody else meanwhile."""

    status = 409
    default_code = "ALREADY_EXISTS"


class ProviderUnavailable(KalendsError):
    """What should be read from an external calendar cannot be read at the moment."""

    status = 503
    default_code = "PROVIDER_UNAVAILABLE"


def connection_not_found(connection_id: str) -> NotFound:
    """Return the error for a connection that the site does not have."""
    return NotFound(f"There is no connection {connection_id}.", code="CONNECTION_NOT_FOUND")


def provider_not_found(provider_id: str) -> NotFound:
    """Return the error for a provider that the site does not have."""
    return NotFound(f"There is no provider {provider_id}.", code="PROVIDER_NOT_FOUND")


def schedule_not_found(schedule_id: str) -> NotFound:
    """Return the error for a schedule that the site does not have."""
    return NotFound(f"There is no schedule {schedule_id}.", code="SCHEDULE_NOT_FOUND")


def schedule_cancelled(schedule_id: str) -> PreconditionFailed:
    """Return the error for what cannot be done with a cancelled schedule."""
    return PreconditionFailed(f"The schedule {schedule_id} was cancelled, which is final.", code="SCHEDULE_CANCELLED")


def not_supported_by_provider(description: str, *, data: Mapping[str, Any] | None = None) -> PreconditionFailed:
    """Return the contract's error for what a provider cannot do."""
    return PreconditionFailed(description, code="NOT_SUPPORTED_BY_PROVIDER", data=data)
