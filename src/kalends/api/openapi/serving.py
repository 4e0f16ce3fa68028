"""Answers with the documents. They are made once in a process, and are constant bytes from then on."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kalends.api.openapi.document import document
from kalends.api.openapi.page import CONTENT_SECURITY_POLICY, render
from kalends.api.openapi.plain import DOCS_PATH, OPENAPI_PATH
from kalends.api.operations import Operation


class Constant:
    """Serves the same bytes to everybody; who has them already is told just that (RFC 9110 §13.1.2)."""

    def __init__(self, content: bytes, media: str, **headers: str) -> None:
        self._content = content
        self._tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        # asked for again each time, so that a new version is seen at once; a copy that is current costs no bytes
        self._headers = {"ETag": self._tag, "Cache-Control": "no-cache", "Content-Type": media, **headers}

    def answer(self, request: Request) -> Response:
        """Answer a GET or HEAD."""
        known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
        if self._tag in known or "*" in known:
            return Response(status_code=304, headers={"ETag": self._tag, "Cache-Control": "no-cache"})
        return Response(self._content, headers=self._headers)


class Documents:
    """The two documents, made when one is first asked for, so that starting the service does not wait for them."""

    def __init__(self, operations: Sequence[Operation[Any]]) -> None:
        self._operations = tuple(operations)

    async def openapi(self, request: Request) -> Response:
        """Answer with the OpenAPI document."""
        return (await self._made()).openapi.answer(request)

    async def page(self, request: Request) -> Response:
        """Answer with the page for people."""
        return (await self._made()).page.answer(request)

    async def _made(self) -> "_Both":
        # making them takes some tenths of a second, for which no other request is to wait
        return await asyncio.to_thread(_both, self._operations)

    def routes(self) -> list[Route]:
        """Return the routes of both."""
        return [
            Route(OPENAPI_PATH, self.openapi, methods=["GET"], name="openapi"),
            Route(DOCS_PATH, self.page, methods=["GET"], name="docs"),
        ]


class _Both(NamedTuple):
    openapi: Constant
    page: Constant


@cache
def _both(operations: tuple[Operation[Any], ...]) -> _Both:
    made = document(operations)
    return _Both(
        Constant(json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode(), "application/json"),
        Constant(
            render(made).encode(),
            "text/html; charset=utf-8",
            **{
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
            },
        ),
    )
