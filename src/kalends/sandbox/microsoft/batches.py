"""JSON batching: up to twenty requests in one, each with a status of its own.

They are answered one after the other, and listed the other way round, since Graph promises no order. Faults strike them
as if each had come by itself. Source: "Combine multiple HTTP requests using JSON batching" in Microsoft's documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from kalends.sandbox.faults import Orders
from kalends.sandbox.microsoft.call import ROOT, Answered, Asked, Call
from kalends.sandbox.microsoft.errors import GraphRefused, bad_request
from kalends.sandbox.microsoft.routes import Api

MOST = 20
# the last is what Microsoft's Python client writes in place of the one before it: it cannot but be overlooked
_FIELDS = frozenset({"id", "method", "url", "headers", "body", "dependsOn", "depends_on"})
_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "PUT"})
_GOOD = range(200, 300)


@dataclass(frozen=True)
class Batches:
    """Answers batches, by the methods of an API."""

    api: Api
    orders: Orders

    async def answer(self, call: Call) -> Answered:
        """Answer POST /$batch."""
        requests = _requests(call.body)
        answers: dict[str, dict[str, Any]] = {}
        for one in requests:
            failed = [name for name in one.get("dependsOn", []) if answers[name]["status"] not in _GOOD]
            if failed:
                answered = _refused(GraphRefused(424, "FailedDependency", "A request that this depends on failed."))
            else:
                answered = await self._answer(one, call)
            answers[one["id"]] = _written(one["id"], answered)
        return Answered(200, {"responses": [*reversed(answers.values())]})

    async def _answer(self, one: Mapping[str, Any], call: Call) -> Answered:
        parts = urlsplit(one["url"])
        path = unquote(parts.path).strip("/")
        method = one["method"].upper()
        given = {str(name).lower(): str(value) for name, value in one.get("headers", {}).items()}
        try:
            fault = self.orders.striking(method, f"{ROOT}/{path}", parts.query)
            if fault is not None and fault.status is not None:
                raise self._worded(fault.status, fault.reason, fault.message, fault.retry_after)
            if path.startswith("$"):
                raise bad_request("A batch cannot hold a batch.", "BadRequest")
            query = parse_qsl(parts.query, keep_blank_values=True)
            headers = {**given, "authorization": call.asked.headers.get("authorization", "")}
            body = one.get("body") or {}
            if body and given.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise bad_request("A request with a body needs a Content-Type header.", "BadRequest")
            answered = await self.api.answer(Asked(method, path, query, headers, body, call.asked.here))
        except GraphRefused as refused:
            answered = _refused(refused)
        shown = urlencode(parse_qsl(parts.query, keep_blank_values=True))
        self.orders.remember(method, f"{ROOT}/{path}", shown, answered.status)
        return answered

    def _worded(self, status: int, code: str, message: str, retry_after: str | None) -> GraphRefused:
        return GraphRefused(status, code, message, headers={} if retry_after is None else {"Retry-After": retry_after})


def _requests(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests or set(body) != {"requests"}:
        raise bad_request("Invalid batch payload format.", "BadRequest")
    if len(requests) > MOST:
        text = f"Number of batch request steps exceeds the maximum value of {MOST}."
        raise bad_request(text, "BadRequest")
    earlier: set[str] = set()
    for one in requests:
        if not _is_request(one, earlier):
            raise bad_request("Invalid batch payload format.", "BadRequest")
        earlier.add(one["id"])
    return requests


def _is_request(one: object, earlier: set[str]) -> bool:
    if not isinstance(one, dict) or set(one) - _FIELDS:
        return False
    name, url, method = one.get("id"), one.get("url"), one.get("method")
    depends = one.get("dependsOn", [])
    return (
        isinstance(name, str)
        and name not in earlier
        and isinstance(url, str)
        and url.startswith("/")
        and isinstance(method, str)
        and method.upper() in _METHODS
        and isinstance(one.get("headers", {}), dict)
        and isinstance(one.get("body", {}), dict)
        and isinstance(depends, list)
        and all(isinstance(other, str) and other in earlier for other in depends)
    )


def _refused(refused: GraphRefused) -> Answered:
    return Answered(refused.status, refused.body(), refused.headers)


def _written(name: str, answered: Answered) -> dict[str, Any]:
    headers = dict(answered.headers)
    if answered.body is None:
        return {"id": name, "status": answered.status, "headers": headers}
    headers["Content-Type"] = "application/json"
    return {"id": name, "status": answered.status, "headers": headers, "body": answered.body}
