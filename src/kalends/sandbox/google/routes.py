"""The endpoints of Calendar API v3: from a request to a call of a method, and from what it returns to an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kalends.sandbox.google import calendars, event_methods, lookups
from kalends.sandbox.google.bearer import Bearer, Bearers
from kalends.sandbox.google.bodies import read_body
from kalends.sandbox.google.call import Call, Handler
from kalends.sandbox.google.channels import Channels
from kalends.sandbox.google.errors import Refused, not_found, unauthorized
from kalends.sandbox.google.faults import API
from kalends.sandbox.google.methods import METHODS, Method
from kalends.sandbox.google.partial import select
from kalends.sandbox.google.query import Query
from kalends.sandbox.google.quotas import Quotas
from kalends.sandbox.google.state import State

HANDLERS: Mapping[str, Handler] = {
    "calendarList.delete": calendars.list_delete,
    "calendarList.get": calendars.list_get,
    "calendarList.insert": calendars.list_insert,
    "calendarList.list": calendars.list_list,
    "calendarList.patch": calendars.list_patch,
    "calendarList.update": calendars.list_update,
    "calendarList.watch": event_methods.watch_list,
    "calendars.clear": calendars.clear,
    "calendars.delete": calendars.delete,
    "calendars.get": calendars.get,
    "calendars.insert": calendars.insert,
    "calendars.patch": calendars.patch,
    "calendars.update": calendars.update,
    "channels.stop": event_methods.stop,
    "colors.get": lookups.colors,
    "events.delete": event_methods.delete,
    "events.get": event_methods.get,
    "events.import": event_methods.import_,
    "events.insert": event_methods.insert,
    "events.instances": event_methods.instances,
    "events.list": event_methods.list_,
    "events.move": event_methods.move,
    "events.patch": event_methods.patch,
    "events.update": event_methods.update,
    "events.watch": event_methods.watch,
    "freebusy.query": lookups.freebusy,
    "settings.get": lookups.settings_get,
    "settings.list": lookups.settings_list,
}
"""What does what each method does."""


@dataclass(frozen=True)
class Api:
    """What all methods need."""

    state: State
    bearers: Bearers
    channels: Channels
    quotas: Quotas

    def routes(self) -> list[BaseRoute]:
        """Return the routes of all methods, and one that knows nothing for the rest."""
        # fixed words go before parameters: `events/import` is no event
        ordered = sorted(METHODS.values(), key=lambda method: method.path.count("{"))
        known: list[BaseRoute] = [
            Route(f"{API}/{method.path}", self._endpoint(method), methods=[method.verb]) for method in ordered
        ]
        return [*known, Route(f"{API}/{{rest:path}}", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]

    def _endpoint(self, method: Method) -> Any:
        async def answer(request: Request) -> Response:
            try:
                body = await read_body(request) if method.verb in {"POST", "PUT", "PATCH"} else {}
                return self._answer(method, request, body)
            except Refused as refused:
                return refused.answer()
            except RecursionError:  # a body of many levels
                return Refused(400, "parseError", "Parse Error").answer()
            except ClientDisconnect:
                return Response(status_code=400)

        return answer

    def _answer(self, method: Method, request: Request, body: Mapping[str, Any]) -> Response:
        """Do everything without a pause, so that no other request comes between."""
        bearer = self._bearer(request)
        self.quotas.spend(bearer)
        method.permit(bearer)
        query = Query(request.query_params)
        query.choice("alt", ("json",))
        call = Call(
            state=self.state,
            channels=self.channels,
            method=method,
            bearer=bearer,
            account=self.state.add_user(bearer.user),
            path=request.path_params,
            query=query,
            body=body,
            if_match=request.headers.get("if-match"),
            url=str(request.url),
        )
        said = HANDLERS[method.id](call)
        if said is None:
            return Response(status_code=204)
        headers = {"Cache-Control": "private, max-age=0, must-revalidate, no-transform", "Vary": "Origin, X-Origin"}
        if "etag" in said:
            headers["ETag"] = said["etag"]
            if method.verb == "GET" and request.headers.get("if-none-match") == said["etag"]:
                return Response(status_code=304, headers=headers)
        fields = query.text("fields")
        return _Json(said if fields is None else select(said, fields), headers=headers)

    def _bearer(self, request: Request) -> Bearer:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = self.bearers.bearer(token.strip()) if scheme.lower() == "bearer" else None
        if bearer is None:
            raise unauthorized()
        return bearer


class _Json(JSONResponse):
    media_type = "application/json; charset=UTF-8"


async def _unknown(_request: Request) -> Response:
    return not_found().answer()
