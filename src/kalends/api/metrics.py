"""The metrics, for monitors that know the token. Without a token in the settings there are none.

The port is not taken for a sign of who asks: behind a proxy on the same machine, everybody comes from loopback.
"""

import hmac

from starlette.requests import Request
from starlette.responses import Response

from kalends.api.refusals import NoSuchMethod
from kalends.api.services import Services
from kalends.model.errors import Unauthenticated

PATH = "/metrics"
MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class MetricsEndpoint:
    """Serves the metrics."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, request: Request) -> Response:
        """Answer with the metrics in Prometheus' text format; raises `NoSuchMethod`, `Unauthenticated`."""
        token = self._services.metrics_token
        if token is None:
            raise NoSuchMethod("No metrics are served here: KALENDS_METRICS_TOKEN is not set.")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise Unauthenticated("The metrics are for those who know KALENDS_METRICS_TOKEN.")
        return Response(await self._services.metrics.exposition(), 200, {"Cache-Control": "no-store"}, MEDIA)
