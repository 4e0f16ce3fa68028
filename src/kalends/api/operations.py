"""How every method of the contract is served: authenticate (401), permit (403), validate (400), then the use case."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kalends.access.authentication import Headers
from kalends.api.messages import Answer, Asked
from kalends.api.reading import read_json, read_query
from kalends.api.services import Services
from kalends.api.violations import violations
from kalends.model.errors import (
    Invalid,
    KalendsError,
    PermissionDenied,
    Unauthenticated,
    connection_not_found,
    schedule_not_found,
)
from kalends.model.identity import Identity, Permission
from kalends.model.ids import is_guid

AskedT = TypeVar("AskedT", bound=Asked)

LONGEST_CONNECTION_ID = 200

EXTERNAL_CALENDARS = (
    "/bookings/v2/external-calendars",
    "/v2/external-calendars",
    "/_api/bookings/v2/external-calendars",
)
"""Where clients look for the External Calendar methods: the public path, and the ones of other hosts (contract §1)."""

SCHEDULES = ("/calendar/v3/schedules",)
"""Where clients look for the Schedules methods; no other mapping is known of them (contract §9)."""

SCHEDULE_EVENTS = ("/calendar/v3/events",)
"""Where clients look for the Events methods of schedules (contract §9)."""

BULK_EVENTS = ("/calendar/v3/bulk/events",)
"""Where they look for those that take several events at once."""

KALENDS = ("/kalends/v1",)
"""Where everything stands that is Kalends' own."""


@dataclass(frozen=True, slots=True)
class Declared:
    """An error that an operation answers with, beyond those that every operation has."""

    error: type[KalendsError]
    code: str
    """Its code; for `Invalid`, which has field violations in place of a code, the `ruleName` of such a violation."""
    when: str
    """Says in a sentence when it does."""


@dataclass(frozen=True, slots=True)
class Call(Generic[AskedT]):
    """One call of a method, checked as far as the API can: who calls, and what is asked."""

    identity: Identity
    asked: AskedT
    path: dict[str, str]

    @property
    def connection_id(self) -> str:
        """The connection that the path names. It is opaque: what cannot be one is simply not found (404)."""
        connection_id = self.path["connection_id"]
        if len(connection_id) > LONGEST_CONNECTION_ID or not connection_id.isprintable():
            raise connection_not_found(ascii(connection_id[:LONGEST_CONNECTION_ID]))
        return connection_id

    @property
    def schedule_id(self) -> str:
        """The schedule that the path names, in lower case. What is no GUID, such as `query`, is not found (404)."""
        schedule_id = self.path["schedule_id"]
        if not is_guid(schedule_id):
            raise schedule_not_found(ascii(schedule_id[:LONGEST_CONNECTION_ID]))
        return schedule_id.lower()


@dataclass(frozen=True)
class Operation(Generic[AskedT]):
    """A method of the contract; `path` stands under each of the prefixes."""

    name: str
    summary: str
    """What it does, in one sentence for whoever reads the API's documents."""
    method: Literal["GET", "POST", "PATCH"]
    path: str
    permissions: frozenset[Permission]
    """Holding one of them is enough to be let in; what the caller reaches is the use case's question."""
    asks: type[AskedT]
    """The query of a GET, the body of everything else."""
    answers: type[Answer]
    perform: Callable[[Services, Call[AskedT]], Awaitable[Answer]]
    errors: tuple[Declared, ...] = ()
    prefixes: tuple[str, ...] = EXTERNAL_CALENDARS
    """The first one is the public one."""
    keeps_nulls: bool = False
    """Whether a null in the body reaches `asks`: where it says something else than an absent member."""


class Endpoint(Generic[AskedT]):
    """Serves one operation, as an ASGI application."""

    def __init__(self, operation: Operation[AskedT], services: Services) -> None:
        self.operation = operation
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        identity = await self._services.authentication.identify(_headers(request))
        if not identity.has_any(self.operation.permissions):
            needed = " or ".join(sorted(self.operation.permissions))
            raise PermissionDenied(f"{self.operation.name} needs the permission {needed}.")
        asked = await self._asked(request)
        answer = await self.operation.perform(self._services, Call(identity, asked, request.path_params))
        await success(answer)(scope, receive, send)

    async def _asked(self, request: Request) -> AskedT:
        if self.operation.method == "GET":
            payload = read_query(request.scope["query_string"], self.operation.asks)
        else:
            payload = await read_json(request, self._services.max_request_bytes, keep_nulls=self.operation.keeps_nulls)
        try:
            return self.operation.asks.model_validate(payload)
        except ValidationError as error:
            raise Invalid(violations(error)) from None


def success(answer: Answer) -> Response:
    """Return an answer as the contract wants every success: 200 with a JSON object."""
    return Response(answer.encoded(), 200, {"Cache-Control": "no-store"}, "application/json")


def _headers(request: Request) -> Headers:
    given = request.headers
    if any(len(given.getlist(name)) > 1 for name in ("authorization", "wix-site-id", "wix-account-id")):
        raise Unauthenticated("A header that says who calls is there twice.")
    return Headers(
        authorization=given.get("authorization", ""),
        site_id=given.get("wix-site-id", ""),
        account_id=given.get("wix-account-id", ""),
    )
