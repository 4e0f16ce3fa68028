"""The calendar's side of the sandbox as one Starlette application, which others may add routes to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from kalends.sandbox.faults import Faults, Orders
from kalends.sandbox.google.bearer import Bearers
from kalends.sandbox.google.channels import Channels
from kalends.sandbox.google.faults import WORDING
from kalends.sandbox.google.quotas import Quotas
from kalends.sandbox.google.routes import Api
from kalends.sandbox.google.state import State
from kalends.sandbox.google.switches import Switches


def create_application(
    state: State,
    bearers: Bearers,
    *,
    quotas: Quotas | None = None,
    routes: Sequence[BaseRoute] = (),
    gather: float = 0.1,
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0),
) -> Starlette:
    """Return the application; whoever serves it runs its lifespan, which ends deliveries under way.

    Its `state.channels` are the `Channels`, of which `gather` and `pauses` are. `routes` are further ones on the same
    origin, such as those of OAuth. A bearer whose user the state does not know gets an account with an empty calendar.
    """
    counted = quotas or Quotas(state.clock)
    channels = Channels(state, lambda resource: _is_gone(state, resource), gather, pauses)
    orders = Orders(WORDING)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await channels.aclose()

    api, switches = Api(state, bearers, channels, counted), Switches(state, channels, counted, orders)
    application = Starlette(
        routes=[*api.routes(), *switches.routes(), *routes],
        middleware=[Middleware(Faults, orders=orders)],
        lifespan=lifespan,
    )
    application.state.channels = channels
    return application


def _is_gone(state: State, resource: str) -> bool:
    kind, _, named = resource.partition(":")
    return kind == "events" and (named not in state.calendars or state.calendars[named].deleted)
