"""The checks for load balancers and monitors: they ask for no credentials, and tell one word.

`/healthz` says whether the service can answer at all, `/readyz` whether it should be sent requests.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

log = structlog.get_logger(__name__)

PATH = "/healthz"
READY_PATH = "/readyz"
DEADLINE_SECONDS = 5
WELL: Literal["ok"] = "ok"
ILL: Literal["unavailable"] = "unavailable"


class HealthAnswer(BaseModel):
    """Whether the service can answer."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok", "unavailable"] = Field(description="`ok`, or `unavailable` with the status 503.")


class CheckEndpoint:
    """Does a check; whatever it raises means that the service is not well."""

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self._check = check

    async def answer(self, request: Request) -> Response:
        """Answer 200, or 503 where the check fails or takes too long."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._check()
        except Exception as error:  # noqa: BLE001 - whatever the database raises, the service is not well
            log.warning("unhealthy", check=request.url.path, error=type(error).__qualname__)
            return _written(HealthAnswer(status=ILL), 503)
        return _written(HealthAnswer(status=WELL), 200)


def _written(answer: HealthAnswer, status: int) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")
