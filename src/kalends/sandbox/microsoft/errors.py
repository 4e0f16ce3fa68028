"""How Microsoft Graph says no: a status, a code for programs, and a message.

Source: "Microsoft Graph error responses and resource types" in Microsoft's documents, and what people report of codes
that are in none.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.responses import JSONResponse

from kalends.sandbox.refusals import Refusal


class GraphRefused(Refusal):
    """A request that is answered with an error of Graph's form; `status` is that of HTTP, `code` is `error.code`.

    `more` are further fields of `error`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def body(self) -> dict[str, Any]:
        """Return the error as Graph words it."""
        request_id = str(uuid4())
        inner = {
            "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
            "request-id": request_id,
            "client-request-id": request_id,
        }
        return {"error": {"code": self.code, "message": self.message, **self.more, "innerError": inner}}

    def answer(self) -> JSONResponse:
        """Return the answer."""
        body = self.body()
        headers = {"request-id": body["error"]["innerError"]["request-id"], **self.headers}
        return JSONResponse(body, self.status, headers=headers)


def bad_request(message: str, code: str = "ErrorInvalidRequest") -> GraphRefused:
    """Return the refusal of a request that cannot be used."""
    return GraphRefused(400, code, message)


def unknown_property(name: str, kind: str) -> GraphRefused:
    """Return the refusal of a property that a type of Graph's, such as `event`, does not have."""
    text = (
        f"The property '{name[:80]}' does not exist on type 'microsoft.graph.{kind}'. Make sure to only use property "
        "names that are defined by the type."
    )
    return GraphRefused(400, "RequestBodyRead", text)


def bad_property(name: str, why: str = "cannot be used") -> GraphRefused:
    """Return the refusal of a property's value."""
    return GraphRefused(
        400, "ErrorPropertyValidationFailure", f"At least one property failed validation: {name} {why}."
    )


def bad_query(name: str, why: str = "is not supported") -> GraphRefused:
    """Return the refusal of a query parameter."""
    return GraphRefused(400, "ErrorInvalidUrlQuery", f"The query parameter '{name[:80]}' {why}.")


def not_found() -> GraphRefused:
    """Return the refusal of what does not exist, or exists no more."""
    return GraphRefused(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def malformed_id() -> GraphRefused:
    """Return the refusal of a text that is nobody's id."""
    return GraphRefused(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def access_denied() -> GraphRefused:
    """Return the refusal of what the token, or the person, may not do."""
    return GraphRefused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def unauthorized(message: str) -> GraphRefused:
    """Return the refusal of an access token that is unknown, has run out, or is not there."""
    headers = {"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'}
    return GraphRefused(401, "InvalidAuthenticationToken", message, headers=headers)


def no_mailbox() -> GraphRefused:
    """Return the refusal of whoever has no mailbox in the cloud."""
    text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    return GraphRefused(404, "MailboxNotEnabledForRESTAPI", text)


def changed_meanwhile() -> GraphRefused:
    """Return the refusal of a change to another version than the one in If-Match."""
    text = (
        "The send or update operation could not be performed because the change key passed in the request does not "
        "match the current change key for the item."
    )
    return GraphRefused(412, "ErrorIrresolvableConflict", text)
