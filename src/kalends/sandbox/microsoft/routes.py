"""The endpoints of Graph v1.0: from a request to a call of a method, and from what it returns to an answer."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kalends.sandbox.bodies import read_object
from kalends.sandbox.microsoft import calendars, event_methods
from kalends.sandbox.microsoft.bearer import Bearer, Bearers
from kalends.sandbox.microsoft.call import ROOT, Answered, Asked, Call, Handler
from kalends.sandbox.microsoft.delta import REFUSED, Delta
from kalends.sandbox.microsoft.errors import GraphRefused, access_denied, bad_request, unauthorized
from kalends.sandbox.microsoft.preferences import Preferences
from kalends.sandbox.microsoft.query import Pairs, Query
from kalends.sandbox.microsoft.state import Mailbox, State
from kalends.sandbox.microsoft.throttling import Throttle

_WITH_BODY = frozenset({"POST", "PATCH"})
_DELTA = frozenset({"delta", "delta()", "microsoft.graph.delta()"})
_MOST_SEGMENTS = 12

READERS = frozenset(
    {"Calendars.ReadBasic", "Calendars.ReadBasic.All", "Calendars.Read", "Calendars.Read.Shared"}
    | {"Calendars.ReadWrite", "Calendars.ReadWrite.Shared"}
)
_WRITERS = frozenset({"Calendars.ReadWrite", "Calendars.ReadWrite.Shared"})
_PROFILE = frozenset({"User.Read", "User.Read.All"})
_LISTED = frozenset({"$top", "$skip", "$select", "$orderby", "$count"})
_SPAN = frozenset({"startDateTime", "endDateTime"})
_EXPAND = frozenset({"$select", "$expand"})
_TRACKED = _SPAN | {"$skiptoken", "$deltatoken", *REFUSED}
"""Delta itself refuses what it does not support, in words of its own."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its verb, its path below a mailbox or below `/v1.0`, and what it allows and needs.

    `query` are the parameters that it knows; of the permissions in `needs` one is enough, where there are any.
    """

    verb: str
    path: tuple[str, ...]
    handler: Handler
    needs: frozenset[str] = READERS
    query: frozenset[str] = frozenset()

    def params(self, verb: str, path: tuple[str, ...]) -> dict[str, str] | None:
        """Return the ids in a path that is this method's, None for another one."""
        if verb != self.verb or len(path) != len(self.path):
            return None
        params = {}
        for own, given in zip(self.path, path, strict=True):
            if own.startswith("{"):
                params[own.strip("{}")] = given
            elif own != given:
                return None
        return params


def mailbox_methods(delta: Delta) -> list[Method]:
    """Return the methods below `/me` and `/users/{id}`."""
    methods = [
        method("GET", "", calendars.me, _PROFILE, {"$select"}),
        method("GET", "calendars", calendars.list_, query={"$top", "$skip", "$select", "$filter"}),
        method("POST", "calendars", calendars.create, _WRITERS),
    ]
    for one in ("calendar", "calendars/{calendar}"):
        methods += [
            method("GET", one, calendars.get, query={"$select"}),
            method("PATCH", one, calendars.patch, _WRITERS),
        ]
    methods.append(method("DELETE", "calendars/{calendar}", calendars.delete, _WRITERS))
    for begins in ("", "calendar/", "calendars/{calendar}/"):
        event = f"{begins}events/{{event}}"
        methods += [
            method("GET", f"{begins}events", event_methods.list_, query=_LISTED | {"$filter", "$expand"}),
            method("POST", f"{begins}events", event_methods.create, _WRITERS, _EXPAND),
            method("GET", event, event_methods.get, query=_EXPAND),
            method("PATCH", event, event_methods.patch, _WRITERS, _EXPAND),
            method("DELETE", event, event_methods.delete, _WRITERS),
            method("GET", f"{event}/instances", event_methods.instances, query=_LISTED | _SPAN | {"$expand"}),
            method("GET", f"{begins}calendarView", event_methods.calendar_view, query=_LISTED | _SPAN | {"$expand"}),
            # what delta does not support it refuses itself, in words of its own
            method(
                "GET",
                f"{begins}calendarView/delta",
                delta.answer,
                query=_SPAN | {"$skiptoken", "$deltatoken", *REFUSED},
            ),
        ]
    return methods


class Api:
    """All methods, and what they need; `others` are those outside of mailboxes."""

    def __init__(self, state: State, bearers: Bearers, throttle: Throttle, others: Sequence[Method] = ()) -> None:
        self.state = state
        self._bearers = bearers
        self._throttle = throttle
        self._others = [*others]
        self._methods = mailbox_methods(Delta())

    def add(self, other: Method) -> None:
        """Add a method outside of mailboxes."""
        self._others.append(other)

    def routes(self) -> list[BaseRoute]:
        """Return the route of everything below `/v1.0`."""
        return [Route(f"{ROOT}/{{rest:path}}", self._endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]

    async def answer(self, asked: Asked) -> Answered:
        """Answer a request; raises `GraphRefused`."""
        bearer = self._bearer(asked)
        path = tuple(asked.path.split("/"))
        if len(path) > _MOST_SEGMENTS:
            raise _no_such_resource()
        if path[0] in {"me", "users"} and len(path) > (path[0] == "users"):
            call, handler = self._about_mailbox(asked, bearer, path)
        else:
            call, handler = self._about_others(asked, bearer, path)
        found = handler(call)
        answered = await found if inspect.isawaitable(found) else found
        applied = ", ".join([*filter(None, [answered.headers.get("Preference-Applied")]), *call.prefers.applied])
        if not applied:
            return answered
        return Answered(answered.status, answered.body, {**answered.headers, "Preference-Applied": applied})

    def _about_mailbox(self, asked: Asked, bearer: Bearer, path: tuple[str, ...]) -> tuple[Call, Handler]:
        mine = path[0] == "me"
        mailbox = self._mailbox(bearer, None if mine else path[1])
        rest = path[1:] if mine else path[2:]
        if rest and rest[-1] in _DELTA:
            rest = (*rest[:-1], "delta")
        method, params = _matching(self._methods, asked.verb, rest or ("",))
        if not method.needs & (bearer.scopes if bearer.user else bearer.roles):
            raise _no_privileges() if method.needs is _PROFILE else access_denied()
        if method.needs is not _PROFILE:
            calendars.check_mailbox(mailbox)
        self._throttle.spend((bearer.client_id, mailbox.user.id))
        return self._call(asked, bearer, method, params, mailbox), method.handler

    def _about_others(self, asked: Asked, bearer: Bearer, path: tuple[str, ...]) -> tuple[Call, Handler]:
        method, params = _matching(self._others, asked.verb, path)
        if method.needs and not method.needs & (bearer.scopes if bearer.user else bearer.roles):
            raise access_denied()
        own = None if bearer.user is None else self.state.add_user(bearer.user)
        return self._call(asked, bearer, method, params, own), method.handler

    def _call(
        self, asked: Asked, bearer: Bearer, method: Method, params: Mapping[str, str], mailbox: Mailbox | None
    ) -> Call:
        prefers = Preferences.of([asked.headers.get("prefer", "")])
        return Call(self.state, asked, bearer, params, Query(asked.query, method.query), prefers, mailbox)

    def _mailbox(self, bearer: Bearer, named: str | None) -> Mailbox:
        """Return the mailbox that is asked about, which the asker may ask about; raises `GraphRefused`."""
        if named is None:
            if bearer.user is None:
                raise bad_request("/me request is only valid with delegated authentication flow.", "BadRequest")
            return self.state.add_user(bearer.user)
        own = None if bearer.user is None else self.state.add_user(bearer.user)
        found = self.state.mailbox(named)
        if found is None or found.user.tenant_id != bearer.tenant_id:
            raise GraphRefused(404, "ErrorInvalidUser", f"The requested user '{named[:80]}' is invalid.")
        if bearer.user is not None and found is not own:
            raise access_denied()
        return found

    def _bearer(self, asked: Asked) -> Bearer:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("Access token is empty.")
        bearer = self._bearers.bearer(token.strip())
        if bearer is None:
            raise unauthorized("Lifetime validation failed, the token is expired.")
        return bearer

    async def _endpoint(self, request: Request) -> Response:
        try:
            asked = Asked(
                request.method,
                request.path_params["rest"].strip("/"),
                _pairs(request),
                {**request.headers, "prefer": ", ".join(request.headers.getlist("prefer"))},
                await _body(request),
                f"{request.url.scheme}://{request.url.netloc}",
            )
            return written(await self.answer(asked))
        except GraphRefused as refused:
            return refused.answer()
        except RecursionError:  # a body of many levels
            return bad_request("Unable to read the JSON of the request.", "BadRequest").answer()
        except ClientDisconnect:
            return Response(status_code=400)


def written(answered: Answered) -> Response:
    """Return an answer as HTTP."""
    headers = {"request-id": str(uuid4()), **answered.headers}
    if answered.body is None:
        return Response(status_code=answered.status, headers=headers)
    return JSONResponse(answered.body, answered.status, headers=headers)


def method(
    verb: str,
    path: str,
    handler: Handler,
    needs: frozenset[str] = READERS,
    query: "frozenset[str] | set[str]" = frozenset(),
) -> Method:
    """Return a method; the names in braces of its path are those of ids."""
    return Method(verb, tuple(path.split("/")), handler, needs, frozenset(query))


def _matching(methods: Sequence[Method], verb: str, path: tuple[str, ...]) -> tuple[Method, dict[str, str]]:
    for method in methods:
        params = method.params(verb, path)
        if params is not None:
            return method, params
    raise _no_such_resource()


def _no_such_resource() -> GraphRefused:
    return bad_request("Resource not found for the segment, or the method is not allowed on it.", "BadRequest")


def _no_privileges() -> GraphRefused:
    text = "Insufficient privileges to complete the operation."
    return GraphRefused(403, "Authorization_RequestDenied", text)


def _pairs(request: Request) -> Pairs:
    return request.query_params.multi_items()


async def _body(request: Request) -> dict[str, object]:
    if request.method not in _WITH_BODY:
        return {}
    body = await read_object(
        request,
        too_large=GraphRefused(413, "RequestEntityTooLarge", "The request is too large."),
        unreadable=bad_request("Unable to read JSON request payload.", "BadRequest"),
    )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        text = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
        raise bad_request(text, "RequestBodyRead")
    return body
