"""A Google put together: accounts, consent, and both served by one application."""

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.application import create_application
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from kalends.sandbox.google.seed import plant, plausible_week, read_seed
from kalends.sandbox.stand_in import StandIn


def google(app_name: str, seed: bytes | None = None) -> StandIn:
    """Return a Google with what a seed file says, else with a plausible week; raises `BadSeed`."""
    clock = SandboxClock()
    state = plant(plausible_week(clock.now()), clock) if seed is None else read_seed(seed, clock)
    users = [account.user for account in state.accounts.values()]
    grants = Grants(clock, users=users)
    client = grants.add_client(app_name)
    application = create_application(state, grants, routes=routes(grants))
    return StandIn(application, [{"email": user.email} for user in users], client.id, client.secret)
