"""The two pages of the demo: one to connect an account from, as on a booking site, and one to come back to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kalends.api.pages.rendering import HEADERS, page

if TYPE_CHECKING:
    from kalends.app import Kalends
    from kalends.model.identity import Identity
    from kalends.model.provider import Provider

CONNECT_PATH = "/demo/connect"
"""With the kind of provider after it."""
DONE_PATH = "/demo/connected"
_WHY_NOT = {
    "reject": "You said no, and nothing was connected.",
    "unsupported": "Reading your calendar was not agreed to, or the account cannot be used.",
}


class DemoPages:
    """Connects accounts to a schedule of the demo; `providers` are those to choose from, by their kind."""

    def __init__(
        self, kalends: "Kalends", operator: "Identity", providers: Mapping[str, "Provider"], schedule_id: str, url: str
    ) -> None:
        self._kalends = kalends
        self._operator = operator
        self._providers = providers
        self._schedule_id = schedule_id
        self._url = url

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(CONNECT_PATH + "/{kind}", self.connect, methods=["GET"], name="demo_connect"),
            Route(DONE_PATH, self.done, methods=["GET"], name="demo_connected"),
        ]

    async def connect(self, request: Request) -> Response:
        """Send the browser to a fresh link."""
        provider = self._providers.get(request.path_params["kind"])
        if provider is None:
            return page(
                "message.html.jinja", status=404, heading="Not found", why="The demo has no such account.", quiet=""
            )
        link = await self._kalends.authorizing.begin(
            self._operator,
            provider_id=provider.id,
            schedule_id=self._schedule_id,
            redirect_url=self._url + DONE_PATH,
        )
        return RedirectResponse(link, 303, headers=HEADERS)

    async def done(self, request: Request) -> Response:
        """Tell how it ended, as a booking site would."""
        error = request.query_params.get("error")
        if error is not None:
            why = _WHY_NOT.get(error, "Something went wrong; the log says what.")
            return page("message.html.jinja", heading="Not connected", why=why, quiet="You can try again.")
        return page(
            "message.html.jinja",
            heading="Connected",
            why="The calendar is being imported. Its events are in what “kalends events list” and the API show.",
            quiet=f"connectionId={request.query_params.get('connectionId', '')}",
        )
