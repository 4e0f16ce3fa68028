"""Connecting mailboxes that an administrator has opened: Kalends' own, beyond the contract."""

from pydantic import Field

from kalends.api.connection_messages import ConnectionAnswer
from kalends.api.connections import NO_PROVIDER, NO_SCHEDULE, NOT_PREMIUM, SCHEDULE_CANCELLED
from kalends.api.fields import Email, Guid
from kalends.api.messages import Asked
from kalends.api.operations import KALENDS, Call, Declared, Operation
from kalends.api.services import Services
from kalends.model.errors import Invalid, NotFound, PreconditionFailed, ProviderUnavailable, Unauthenticated
from kalends.model.identity import Permission


class ConnectDelegated(Asked):
    """The body of *connect delegated*."""

    provider_id: Guid = Field(description="A provider that was installed for delegated access.")
    schedule_id: Guid = Field(description="The schedule to connect the mailbox to.")
    email: Email = Field(description="The address of the mailbox, in one of the provider's domains.")
    any_mailbox: bool = Field(
        False,  # noqa: FBT003 - pydantic's default comes first
        description="Whether it may be another mailbox than that of the schedule's owner; the caller answers for it.",
    )


async def connect_delegated(services: Services, call: Call[ConnectDelegated]) -> ConnectionAnswer:
    """Connect a mailbox and answer with the connection."""
    asked = call.asked
    view = await services.delegating.connect(
        call.identity,
        provider_id=asked.provider_id,
        schedule_id=asked.schedule_id,
        email=asked.email,
        any_mailbox=asked.any_mailbox,
    )
    return ConnectionAnswer.of(view)


OPERATIONS = (
    Operation(
        name="connectDelegated",
        summary="Connect a mailbox that an administrator of its organisation has opened; nobody is asked for consent.",
        method="POST",
        path="/connections:connectDelegated",
        permissions=frozenset({Permission.MANAGE_ALL_CONNECTIONS}),
        asks=ConnectDelegated,
        answers=ConnectionAnswer,
        perform=connect_delegated,
        errors=(
            Declared(Invalid, "DOMAIN_NOT_LISTED", "The address is in none of the provider's domains."),
            Declared(
                Unauthenticated, "BAD_CREDENTIALS", "The calendar service does not take the provider's key any more."
            ),
            NOT_PREMIUM,
            NO_PROVIDER,
            NO_SCHEDULE,
            Declared(NotFound, "MAILBOX_NOT_FOUND", "The calendar service knows no mailbox with this address."),
            SCHEDULE_CANCELLED,
            Declared(
                PreconditionFailed,
                "MAILBOX_NOT_OWNERS",
                "The mailbox is not that of the schedule's owner, and anyMailbox is not set.",
            ),
            Declared(
                PreconditionFailed,
                "NOT_SUPPORTED_BY_PROVIDER",
                "The provider was not installed for delegated access, or the administrator has not delegated what is "
                "needed: the description says what to do.",
            ),
            Declared(
                ProviderUnavailable,
                "PROVIDER_UNAVAILABLE",
                "The provider cannot be reached, or does not answer as it should.",
            ),
        ),
        prefixes=KALENDS,
    ),
)
