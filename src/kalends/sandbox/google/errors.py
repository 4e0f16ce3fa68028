"""How Google Calendar says no: a status, a reason for programs, and the body that its clients take apart.

Source: "Handle API errors" in Google's guide to Calendar API v3.
"""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from kalends.sandbox.refusals import Refusal


class Refused(Refusal):
    """A request that is answered with an error of Google's form.

    `status` is the HTTP status; `reason` and `domain` are those of `error.errors[0]`. `location` names the parameter or
    header at fault, where there is one, and `location_type` says which of the two it is.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str = "parameter",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type
        self.headers = headers

    def answer(self) -> JSONResponse:
        """Return the error as Google words it."""
        error = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None:
            error |= {"locationType": self.location_type, "location": self.location}
        body = {"error": {"errors": [error], "code": self.status, "message": self.message}}
        return JSONResponse(body, self.status, headers=self.headers)


def invalid(message: str, location: str | None = None) -> Refused:
    """Return the refusal of a value that cannot be used."""
    return Refused(400, "invalid", message, location=location)


def required(message: str, location: str | None = None) -> Refused:
    """Return the refusal of a request that lacks something."""
    return Refused(400, "required", message, location=location)


def not_found() -> Refused:
    """Return the refusal of what does not exist, or what the user may not know of."""
    return Refused(404, "notFound", "Not Found")


def deleted() -> Refused:
    """Return the refusal of a change to what was deleted already."""
    return Refused(410, "deleted", "Resource has been deleted")


def duplicate() -> Refused:
    """Return the refusal of an identifier that was used before, if only by something deleted since."""
    return Refused(409, "duplicate", "The requested identifier already exists.")


def condition_not_met() -> Refused:
    """Return the refusal of a change to another version than the one in If-Match."""
    return Refused(412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header")


def full_sync_required() -> Refused:
    """Return the refusal of a sync token that has run out."""
    return Refused(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        location="syncToken",
    )


def forbidden(message: str = "Forbidden") -> Refused:
    """Return the refusal of what the user's role on a calendar does not allow."""
    return Refused(403, "forbidden", message)


def required_access_level() -> Refused:
    """Return the refusal of a change by somebody who may only read."""
    return Refused(403, "requiredAccessLevel", "You need to have writer access to this calendar.", domain="calendar")


def insufficient_permissions() -> Refused:
    """Return the refusal of an access token whose scopes do not reach that far."""
    headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'}
    return Refused(403, "insufficientPermissions", "Request had insufficient authentication scopes.", headers=headers)


def unauthorized() -> Refused:
    """Return the refusal of an access token that is unknown, has run out or was revoked, or is not there."""
    headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'}
    return Refused(
        401,
        "authError",
        "Invalid Credentials",
        location="Authorization",
        location_type="header",
        headers=headers,
    )
