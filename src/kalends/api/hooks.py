"""Where providers send their notifications. They are answered at once; what they lead to is done elsewhere."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kalends.api.services import Services
from kalends.jobs.watching import HOOKS_PATH

_LONGEST = 1_024
_FIRST = "sync"
"""The state of the notification that says only that a channel was opened."""


class HookEndpoints:
    """Takes notifications."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route(f"{HOOKS_PATH}/google", self.google, methods=["POST"], name="hook_google")]

    async def google(self, request: Request) -> Response:
        """Take a notification of Google's, which has no body: what it says stands in its headers.

        It is answered 200 whatever it is: Google would otherwise send it again, and strangers learn which channels are.
        """
        said = {
            name: request.headers.get(f"x-goog-{name}", "") for name in ("channel-id", "resource-id", "channel-token")
        }
        if request.headers.get("x-goog-resource-state") != _FIRST and max(map(len, said.values())) <= _LONGEST:
            await self._services.waking.wake(
                channel_id=said["channel-id"], resource_id=said["resource-id"], token=said["channel-token"]
            )
        return Response(status_code=200)
