"""What copies of events in people's own calendars show: Kalends' own, beyond the contract."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from kalends.api.connections import MANAGE, NO_CONNECTION
from kalends.api.health_messages import HealthOfConnectionAnswer
from kalends.api.messages import Asked
from kalends.api.operations import KALENDS, Call, Declared, Operation
from kalends.api.services import Services
from kalends.model.copy import Privacy
from kalends.model.errors import PreconditionFailed


class UpdateCopies(Asked):
    """The body of *update copies*."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"privacy": "busy"}]})

    privacy: Literal["full", "title", "busy"] = Field(
        description="What copies show from now on, those that are there too: everything (`full`), the `title`, or only "
        "that the time is taken (`busy`)."
    )


async def update_copies(services: Services, call: Call[UpdateCopies]) -> HealthOfConnectionAnswer:
    """Choose how much copies show, and answer with the connection's health."""
    found = await services.copy_privacy.choose(call.identity, call.connection_id, Privacy(call.asked.privacy))
    return HealthOfConnectionAnswer.of(found)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        name="updateCopies",
        summary="Choose how much copies of events in the account show.",
        method="PATCH",
        path="/connections/{connection_id}/copies",
        permissions=MANAGE,
        asks=UpdateCopies,
        answers=HealthOfConnectionAnswer,
        perform=update_copies,
        errors=(
            NO_CONNECTION,
            Declared(PreconditionFailed, "CONNECTION_NOT_CONNECTED", "The connection was disconnected."),
        ),
        prefixes=KALENDS,
    ),
)
