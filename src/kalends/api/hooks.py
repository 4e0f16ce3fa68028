"""Where providers send their notifications. They are answered at once; what they lead to is done elsewhere."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kalends.api.services import Services
from kalends.jobs.watching import HOOKS_PATH

_LONGEST = 1_024
_MOST = 1_000
"""Notifications of one request that are looked at."""
_FIRST = "sync"
"""The state of the notification that says only that a channel was opened."""


_ENDING = frozenset({"reauthorizationRequired", "subscriptionRemoved"})
"""Lifecycle events after which a subscription tells nothing more unless something is done; `missed` is not one."""


class HookEndpoints:
    """Takes notifications."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(f"{HOOKS_PATH}/google", self.google, methods=["POST"], name="hook_google"),
            Route(f"{HOOKS_PATH}/microsoft", self.microsoft, methods=["POST"], name="hook_microsoft"),
        ]

    async def google(self, request: Request) -> Response:
        """Take a notification of Google's, which has no body: what it says stands in its headers.

        It is answered 200 whatever it is: Google would otherwise send it again, and strangers learn which channels are.
        """
        said = {
            name: request.headers.get(f"x-goog-{name}", "") for name in ("channel-id", "resource-id", "channel-token")
        }
        if max(map(len, said.values())) <= _LONGEST:
            waking = self._services.waking
            first = request.headers.get("x-goog-resource-state") == _FIRST
            await (waking.opened if first else waking.wake)(
                channel_id=said["channel-id"], resource_id=said["resource-id"], token=said["channel-token"]
            )
        return Response(status_code=200)

    async def microsoft(self, request: Request) -> Response:
        """Take notifications of Microsoft's, or echo what shows that they reach us.

        They are answered 202 whatever they are, as Google's are 200. Those about the subscription itself, which say
        that it has to be renewed, that it was removed, or that something was missed, lead to a look too.
        """
        echo = request.query_params.get("validationToken")
        if echo is not None:
            # as plain text, and with nothing that a browser would take for a page
            return PlainTextResponse(echo[:_LONGEST], headers={"X-Content-Type-Options": "nosniff"})
        for said in _notifications(await request.body()):
            subscription, state = said.get("subscriptionId"), said.get("clientState")
            if not isinstance(subscription, str) or not isinstance(state, str):
                continue
            if max(len(subscription), len(state)) > _LONGEST:
                continue
            channel_id, _, token = state.partition(".")
            waking = self._services.waking
            ends = said.get("lifecycleEvent") in _ENDING
            await (waking.ending if ends else waking.wake)(channel_id=channel_id, resource_id=subscription, token=token)
        return Response(status_code=202)


def _notifications(body: bytes) -> Sequence[Mapping[str, Any]]:
    """Return the notifications of a collection, none where it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return []
    found = said.get("value") if isinstance(said, dict) else None
    return [one for one in found[:_MOST] if isinstance(one, dict)] if isinstance(found, list) else []
