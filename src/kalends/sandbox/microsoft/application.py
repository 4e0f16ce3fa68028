"""Graph's side of the sandbox as one Starlette application, which others may add routes to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from kalends.sandbox.faults import Faults, Orders
from kalends.sandbox.microsoft.batches import Batches
from kalends.sandbox.microsoft.bearer import Bearers
from kalends.sandbox.microsoft.faults import WORDING
from kalends.sandbox.microsoft.routes import READERS, Api, Method, method
from kalends.sandbox.microsoft.state import State
from kalends.sandbox.microsoft.subscriptions import Subscriptions
from kalends.sandbox.microsoft.switches import Switches
from kalends.sandbox.microsoft.throttling import Gate, Throttle


def create_application(
    state: State,
    bearers: Bearers,
    *,
    throttle: Throttle | None = None,
    routes: Sequence[BaseRoute] = (),
    gather: float = 0.1,
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0),
) -> Starlette:
    """Return the application; whoever serves it runs its lifespan, which ends deliveries under way.

    Its `state.throttle` is the `Throttle`, and its `state.subscriptions` are the `Subscriptions`, of which `gather` and
    `pauses` are. `routes` are further ones on
    the same origin, such as those of OAuth. A bearer whose user the state does not know gets a mailbox with an empty
    calendar.
    """
    orders, counted = Orders(WORDING), throttle or Throttle(state.clock)
    subscriptions = Subscriptions(state, gather, pauses)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await subscriptions.aclose()

    api = Api(state, bearers, counted, _subscribing(subscriptions))
    api.add(method("POST", "$batch", Batches(api, orders).answer, frozenset()))
    switches = Switches(state, orders, counted, subscriptions)
    application = Starlette(
        routes=[*api.routes(), *switches.routes(), *routes],
        middleware=[
            Middleware(Gate, throttle=counted, state=state, bearers=bearers, orders=orders),
            Middleware(Faults, orders=orders),
        ],
        lifespan=lifespan,
    )
    application.state.subscriptions = subscriptions
    application.state.throttle = counted
    return application


def _subscribing(subscriptions: Subscriptions) -> list[Method]:
    one = "subscriptions/{subscription}"
    return [
        method("POST", "subscriptions", subscriptions.create, READERS),
        method("GET", "subscriptions", subscriptions.list_, frozenset()),
        method("GET", one, subscriptions.get, frozenset()),
        method("PATCH", one, subscriptions.patch, frozenset()),
        method("POST", f"{one}/reauthorize", subscriptions.reauthorize, frozenset()),
        method("DELETE", one, subscriptions.delete, frozenset()),
    ]
