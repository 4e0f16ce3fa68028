"""Connecting calendar feeds by their address: Kalends' own, beyond the contract."""

from pydantic import Field

from kalends.api.connection_messages import ConnectionAnswer
from kalends.api.connections import MANAGE, NO_PROVIDER, NO_SCHEDULE, NOT_PREMIUM, SCHEDULE_CANCELLED
from kalends.api.fields import FeedUrl, Guid
from kalends.api.messages import Asked
from kalends.api.operations import KALENDS, Call, Declared, Operation
from kalends.api.services import Services
from kalends.model.errors import PreconditionFailed, ProviderUnavailable, Unauthenticated


class ConnectByFeed(Asked):
    """The body of *connect by feed*."""

    provider_id: Guid = Field(description="A provider of ICS feeds.")
    schedule_id: Guid = Field(description="The schedule to connect the feed to.")
    url: FeedUrl = Field(description="The address of the feed. It is kept as a password is, and never shown again.")


async def connect_by_feed(services: Services, call: Call[ConnectByFeed]) -> ConnectionAnswer:
    """Connect a feed and answer with the connection."""
    asked = call.asked
    view = await services.connecting.by_feed(
        call.identity, provider_id=asked.provider_id, schedule_id=asked.schedule_id, url=asked.url
    )
    return ConnectionAnswer.of(view)


OPERATIONS = (
    Operation(
        name="connectByFeed",
        summary="Connect a calendar feed (an ICS file at a web address); its events are imported at once.",
        method="POST",
        path="/connections:connectByFeed",
        permissions=MANAGE,
        asks=ConnectByFeed,
        answers=ConnectionAnswer,
        perform=connect_by_feed,
        errors=(
            Declared(Unauthenticated, "BAD_CREDENTIALS", "The feed wants a user name and password."),
            NOT_PREMIUM,
            NO_PROVIDER,
            NO_SCHEDULE,
            SCHEDULE_CANCELLED,
            Declared(
                PreconditionFailed,
                "NOT_SUPPORTED_BY_PROVIDER",
                "The provider has no feeds, or there is none at this address.",
            ),
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "The address cannot be reached, or what it answers is no calendar.",
            ),
        ),
        prefixes=KALENDS,
    ),
)
