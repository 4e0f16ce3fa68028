"""The health check: tells whether the service can answer at all; asks for no credentials and tells nothing else."""

import asyncio
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from kalends.api.services import Services

log = structlog.get_logger(__name__)

PATH = "/healthz"
DEADLINE_SECONDS = 5
WELL: Literal["ok"] = "ok"
ILL: Literal["unavailable"] = "unavailable"


class HealthAnswer(BaseModel):
    """Whether the service can answer."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok", "unavailable"] = Field(description="`ok`, or `unavailable` with the status 503.")


class HealthEndpoint:
    """Asks the database for something trivial."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, _request: Request) -> Response:
        """Answer 200, or 503 where the database does not answer in time."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._services.check_database()
        except Exception as error:  # noqa: BLE001 - whatever the database raises, the service is not well
            log.warning("unhealthy", error=type(error).__qualname__)
            return _written(HealthAnswer(status=ILL), 503)
        return _written(HealthAnswer(status=WELL), 200)


def _written(answer: HealthAnswer, status: int) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")
