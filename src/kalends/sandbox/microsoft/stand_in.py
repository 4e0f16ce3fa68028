"""A Microsoft put together: mailboxes, consent, and both served by one application."""

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.microsoft.application import create_application
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth import routes
from kalends.sandbox.microsoft.seed import plant, plausible_week, read_seed
from kalends.sandbox.stand_in import StandIn


def microsoft(app_name: str, seed: bytes | None = None) -> StandIn:
    """Return a Microsoft with what a seed file says, else with a plausible week; raises `BadSeed`."""
    clock = SandboxClock()
    state = plant(plausible_week(clock.now()), clock) if seed is None else read_seed(seed, clock)
    users = [mailbox.user for mailbox in state.mailboxes.values()]
    grants = Grants(clock, users=users)
    client = grants.add_client(app_name)
    application = create_application(state, grants, routes=routes(grants))
    said = [{"email": user.email, "tenantId": user.tenant_id} for user in users]
    return StandIn(application, said, client.id, client.secret)
