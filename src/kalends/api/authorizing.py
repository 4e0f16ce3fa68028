"""The pages between a booking site and a provider's consent page (RFC 6749 §4.1), for people's browsers."""

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kalends.api.pages.rendering import HEADERS, page
from kalends.api.services import Services
from kalends.connections.authorizing import CALLBACK_PATH, CONNECT_PATH, LIFE, Departure, LeftTheWay
from kalends.model.provider import ConnectScopes

_NOTHING = "Nothing was connected. Go back to the page that you came from, and begin again there."
_ANSWERS = ("code", "error", "error_description")
_LONGEST = 4_096
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class AuthorizationPages:
    """Asks for confirmation, sends browsers to the provider, and takes them back."""

    def __init__(self, services: Services) -> None:
        self._services = services
        public = urlsplit(services.public_url)
        self._origin = f"{public.scheme}://{public.netloc}"
        self._https = public.scheme == "https"
        self._loopback = public.hostname in _LOOPBACK

    def routes(self) -> list[Route]:
        """Return the routes, the callback first: it looks like a link."""
        return [
            Route(CALLBACK_PATH, self.arrive, methods=["GET"], name="connect_callback"),
            Route(CONNECT_PATH + "/{token}", self.ask, methods=["GET"], name="connect"),
            Route(CONNECT_PATH + "/{token}", self.depart, methods=["POST"], name="connect_confirm"),
        ]

    async def ask(self, request: Request) -> Response:
        """Say what is about to be connected to what, and ask whether that is meant."""
        try:
            asked = await self._services.authorizing.confirmation(request.path_params["token"])
        except LeftTheWay:
            return _used_up()
        return page("confirm.html.jinja", asked=asked, exports=asked.scopes is ConnectScopes.FULL)

    async def depart(self, request: Request) -> Response:
        """Send the browser to the provider, with a cookie by which it is known again.

        Only our own page may ask for that: another one would confirm in the name of whoever looks at it.
        """
        if not self._from_here(request):
            return page(
                "message.html.jinja",
                403,
                heading="This was not asked for here",
                why="Another website tried to connect a calendar in your name.",
                quiet=_NOTHING,
            )
        try:
            return self._sent(await self._services.authorizing.confirm(request.path_params["token"]))
        except LeftTheWay:
            return _used_up()

    async def arrive(self, request: Request) -> Response:
        """Take the provider's answer, and send the browser to where it came from in the beginning."""
        query = request.query_params
        state = query.get("state", "")[:_LONGEST]
        answer = {name: query[name][:_LONGEST] for name in _ANSWERS if name in query}

        def kept(of: str) -> str | None:
            # over https only the cookie that no neighbouring host can set
            names = _cookie_names(of)[:1] if self._https else _cookie_names(of)
            return next((request.cookies[name] for name in names if name in request.cookies), None)

        try:
            onward = await self._services.authorizing.arrive(state, kept, answer)
        except LeftTheWay:
            return page(
                "message.html.jinja",
                400,
                heading="This answer cannot be used",
                why="It was not asked for by this browser, it was used already, or it took too long to come.",
                quiet=_NOTHING,
            )
        if isinstance(onward, Departure):
            return self._sent(onward)
        response = RedirectResponse(onward.url, 303, headers=HEADERS)
        for name in _cookie_names(state):
            response.delete_cookie(name, secure=name.startswith(_HOST), httponly=True, samesite="lax")
        return response

    def _from_here(self, request: Request) -> bool:
        headers: Mapping[str, str] = request.headers
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return headers.get("origin", self._origin) == self._origin

    def _sent(self, departure: Departure) -> Response:
        response = RedirectResponse(departure.url, 303, headers=HEADERS)
        secure_name, plain_name = _cookie_names(departure.state)
        life = int(LIFE.total_seconds())
        if self._https or self._loopback:
            response.set_cookie(secure_name, departure.browser, life, secure=True, httponly=True, samesite="lax")
        if not self._https:
            # not every browser keeps secure cookies of http servers, loopback ones included
            response.set_cookie(plain_name, departure.browser, life, httponly=True, samesite="lax")
        return response


_HOST = "__Host-"


def _cookie_names(state: str) -> tuple[str, str]:
    """Return what the cookie for a state is called over https, and over http: several ways may be gone at once."""
    name = f"kalends-connect-{hashlib.sha256(state.encode()).hexdigest()[:16]}"
    return f"{_HOST}{name}", name


def _used_up() -> Response:
    return page(
        "message.html.jinja",
        410,
        heading="This link cannot be used",
        why="It is good for ten minutes, and only once.",
        quiet=_NOTHING,
    )
