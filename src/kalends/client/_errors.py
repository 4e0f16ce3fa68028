"""What can go wrong with a call.

KalendsClientError
├── TransportError           there is no answer
│   ├── TimedOut
│   └── ConnectionFailed
├── ProtocolError            there is an answer, but not one that the contract knows
├── TokenRefused             the client credentials bring no access token
└── ApiError                 the server says no
    ├── InvalidRequest       400
    ├── NotAuthenticated     401
    ├── BadCredentials       401 BAD_CREDENTIALS: those of the external account
    ├── PermissionDenied     403
    ├── NotFound             404
    ├── Conflict             409
    ├── PreconditionFailed   428
    ├── RateLimited          429
    └── ServerError          5xx
        └── ProviderUnavailable  503 PROVIDER_UNAVAILABLE

Their texts say what the server said, and nothing of what was sent to it. A wrong argument that can be seen without
asking the server is a `ValueError`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as with_default
from typing import Any


class KalendsClientError(Exception):
    """A call did not succeed. It can be pickled, and so raised across processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again: from what it holds, since its text alone does not tell."""
        return _made_again, (type(self), self.args, self.__dict__)


def _made_again(kind: type[KalendsClientError], args: tuple[Any, ...], held: Mapping[str, Any]) -> KalendsClientError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(held)
    return error


class TransportError(KalendsClientError):
    """There is no answer. `outcome_unknown` tells whether the server may have got the request, and acted on it."""

    def __init__(self, message: str, *, outcome_unknown: bool) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class TimedOut(TransportError):
    """The server is too slow, or the way to it."""


class ConnectionFailed(TransportError):
    """There is no connection, or it was closed before the answer was there."""


class ProtocolError(KalendsClientError):
    """The answer is not one of the contract: no JSON, a redirect, a field that is missing, more than is taken."""


class TokenRefused(KalendsClientError):
    """The token endpoint gives no token. `error` is its code (RFC 6749 §5.2), None where it names none."""

    def __init__(self, error: str | None, description: str) -> None:
        super().__init__(f"{error or 'no token'}: {description}")
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request; `field` is its path there, such as `scheduleIds[0]`.

    `rule` is a word of the contract: `FORMAT`, `MAX`, `REQUIRED_FIELD` and so on. `rule_name` goes with `OTHER`.
    """

    field: str
    description: str
    rule: str
    rule_name: str | None = None
    data: Mapping[str, Any] = with_default(default_factory=dict)


class ApiError(KalendsClientError):
    """The server refuses.

    `code` is the contract's word for programs, None where the answer has none; `message` is for people. `request_id` is
    what the server's log knows the request by. `retry_after` is in seconds, where the server says when to come again.
    """

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        *,
        data: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        violations: tuple[FieldViolation, ...] = (),
    ) -> None:
        named = f"{status} {code}" if code else str(status)
        super().__init__(f"{named}: {message}" + (f" (request {request_id})" if request_id else ""))
        self.status = status
        self.code = code
        self.message = message
        self.data = dict(data or {})
        self.request_id = request_id
        self.retry_after = retry_after
        self.violations = violations


class InvalidRequest(ApiError):
    """400: the request says what it may not say; `violations` tell in which fields."""


class NotAuthenticated(ApiError):
    """401: the server does not know who is calling."""


class BadCredentials(ApiError):
    """401 `BAD_CREDENTIALS`: the provider refuses the e-mail address or the password of the account to connect."""


class PermissionDenied(ApiError):
    """403: the caller may not do this."""


class NotFound(ApiError):
    """404: what was named does not exist; `code` tells what, as in `CONNECTION_NOT_FOUND`."""


class Conflict(ApiError):
    """409: it exists already, or was changed by somebody else meanwhile."""


class PreconditionFailed(ApiError):
    """428: the state of things does not allow it, or the provider cannot do it; `code` tells which."""


class RateLimited(ApiError):
    """429: too many requests."""


class ServerError(ApiError):
    """5xx: the server could not do it."""


class ProviderUnavailable(ServerError):
    """503 `PROVIDER_UNAVAILABLE`: calendars that should be read cannot be read. Nobody is free because of that."""

    @property
    def failed_provider_ids(self) -> tuple[str, ...]:
        """The providers that failed."""
        return self._ids("failedProviderIds")

    @property
    def failed_connection_ids(self) -> tuple[str, ...]:
        """The connections that cannot be read."""
        return self._ids("failedConnectionIds")

    @property
    def failed_schedule_ids(self) -> tuple[str, ...]:
        """The schedules whose people may be busy without it being known."""
        return self._ids("failedScheduleIds")

    def _ids(self, name: str) -> tuple[str, ...]:
        found = self.data.get(name)
        return tuple(map(str, found)) if isinstance(found, list) else ()


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidRequest,
    401: NotAuthenticated,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    428: PreconditionFailed,
    429: RateLimited,
}
_BY_CODE: Mapping[tuple[int, str], type[ApiError]] = {
    (401, "BAD_CREDENTIALS"): BadCredentials,
    (503, "PROVIDER_UNAVAILABLE"): ProviderUnavailable,
}
_SERVER = 500


def api_error(status: int, body: object, *, request_id: str | None, retry_after: float | None) -> ApiError:
    """Return the error of an answer; `body` is its JSON, None where it has none. Takes whatever a proxy may send."""
    details = _object(_object(body).get("details"))
    told, wrong = (
        _object(details.get("applicationError")),
        _object(details.get("validationError")).get("fieldViolations"),
    )
    code = str(told["code"]) if told.get("code") else None
    kind = _BY_CODE.get((status, code or "")) or _BY_STATUS.get(status, ServerError if status >= _SERVER else ApiError)
    return kind(
        status,
        code,
        str(_object(body).get("message") or told.get("description") or "The server gives no reason."),
        data=_object(told.get("data")),
        request_id=request_id,
        retry_after=retry_after,
        violations=tuple(_violation(_object(one)) for one in wrong) if isinstance(wrong, list) else (),
    )


def _violation(one: Mapping[str, Any]) -> FieldViolation:
    return FieldViolation(
        field=str(one.get("field") or ""),
        description=str(one.get("description") or ""),
        rule=str(one.get("violatedRule") or "OTHER"),
        rule_name=None if one.get("ruleName") is None else str(one["ruleName"]),
        data=_object(one.get("data")),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
