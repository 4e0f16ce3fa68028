"""The health of connections, their history, syncs on request, acknowledgements: Kalends' own, beyond the contract."""

from typing import Any

from pydantic import Field

from kalends.api.connections import MANAGE, NO_CONNECTION, READ
from kalends.api.events import Cursors, PagingMetadata
from kalends.api.fields import Count, Cursor, DateTime, Note
from kalends.api.health_messages import HealthOfConnectionAnswer, RunMessage, RunsAnswer, SyncAnswer
from kalends.api.messages import Asked, Nothing
from kalends.api.operations import KALENDS, Call, Declared, Operation
from kalends.api.services import Services
from kalends.connections.runs import DEFAULT_LIMIT
from kalends.model.errors import Invalid, PreconditionFailed
from kalends.model.identity import Permission

MAX_LIMIT = 100
ACKNOWLEDGE = frozenset({Permission.MANAGE_ALL_CONNECTIONS})


class RunPaging(Asked):
    """How much, and where to go on."""

    limit: Count | None = Field(
        None, ge=1, le=MAX_LIMIT, description=f"Runs on a page; {DEFAULT_LIMIT} where nothing is said."
    )
    cursor: Cursor | None = Field(
        None, description="The cursor of the page before, of the same connection; it is valid for a day."
    )


class ListRuns(Asked):
    """The query of *list runs*."""

    cursor_paging: RunPaging = Field(default_factory=RunPaging)


class Acknowledge(Asked):
    """The body of *acknowledge*."""

    until: DateTime | None = Field(
        None, description="When it ends; without it, only a good read or *unacknowledge* ends it."
    )
    note: Note | None = Field(None, description="Why, for those who come later.")


async def get_health(services: Services, call: Call[Nothing]) -> HealthOfConnectionAnswer:
    """Answer with how a connection is doing."""
    return HealthOfConnectionAnswer.of(await services.connection_health.get(call.identity, call.connection_id))


async def list_runs(services: Services, call: Call[ListRuns]) -> RunsAnswer:
    """Answer with a page of a connection's runs."""
    paging = call.asked.cursor_paging
    page = await services.connection_runs.list(
        call.identity, call.connection_id, cursor=paging.cursor, limit=paging.limit
    )
    found = [RunMessage.of(one) for one in page.runs]
    cursors = Cursors(next=page.next_cursor)
    metadata = PagingMetadata(count=len(found), cursors=cursors, has_next=cursors.next is not None)
    return RunsAnswer(runs=found, paging_metadata=metadata)


async def sync(services: Services, call: Call[Nothing]) -> SyncAnswer:
    """Ask for a sync and answer with what to wait for."""
    return SyncAnswer.of(await services.sync_requests.ask(call.identity, call.connection_id))


async def acknowledge(services: Services, call: Call[Acknowledge]) -> HealthOfConnectionAnswer:
    """Acknowledge that a connection is broken, and answer with its health."""
    asked = call.asked
    health = await services.acknowledging.acknowledge(
        call.identity, call.connection_id, until=asked.until, note=asked.note
    )
    return HealthOfConnectionAnswer.of(health)


async def unacknowledge(services: Services, call: Call[Nothing]) -> HealthOfConnectionAnswer:
    """Take an acknowledgement back, and answer with the connection's health."""
    return HealthOfConnectionAnswer.of(await services.acknowledging.withdraw(call.identity, call.connection_id))


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        name="getConnectionHealth",
        summary="Get how a connection is doing: how old its data is, what is amiss, and what comes next.",
        method="GET",
        path="/connections/{connection_id}/health",
        permissions=READ,
        asks=Nothing,
        answers=HealthOfConnectionAnswer,
        perform=get_health,
        errors=(NO_CONNECTION,),
        prefixes=KALENDS,
    ),
    Operation(
        name="listRuns",
        summary="List a connection's syncs that changed something, failed, or were asked for, the newest first.",
        method="GET",
        path="/connections/{connection_id}/runs",
        permissions=READ,
        asks=ListRuns,
        answers=RunsAnswer,
        perform=list_runs,
        errors=(
            NO_CONNECTION,
            Declared(
                Invalid, "INVALID_CURSOR", "The cursor was not handed out here for this connection, or has expired."
            ),
        ),
        prefixes=KALENDS,
    ),
    Operation(
        name="syncConnection",
        summary="Ask for a sync now, without waiting for it; however often it is asked for, one sync answers all.",
        method="POST",
        path="/connections/{connection_id}/sync",
        permissions=MANAGE,
        asks=Nothing,
        answers=SyncAnswer,
        perform=sync,
        errors=(
            NO_CONNECTION,
            Declared(PreconditionFailed, "CONNECTION_NOT_CONNECTED", "The connection was disconnected."),
        ),
        prefixes=KALENDS,
    ),
    Operation(
        name="acknowledgeConnection",
        summary="Acknowledge that a connection cannot be read: *list events* does without it until it is read well.",
        method="POST",
        path="/connections/{connection_id}/acknowledge",
        permissions=ACKNOWLEDGE,
        asks=Acknowledge,
        answers=HealthOfConnectionAnswer,
        perform=acknowledge,
        errors=(
            NO_CONNECTION,
            Declared(Invalid, "UNTIL_PASSED", "`until` does not lie in the future."),
            Declared(
                PreconditionFailed,
                "CONNECTION_NOT_BROKEN",
                "The connection can be read, or nothing is imported from it.",
            ),
        ),
        prefixes=KALENDS,
    ),
    Operation(
        name="unacknowledgeConnection",
        summary="Take the acknowledgement back: *list events* fails again while the connection cannot be read.",
        method="POST",
        path="/connections/{connection_id}/unacknowledge",
        permissions=ACKNOWLEDGE,
        asks=Nothing,
        answers=HealthOfConnectionAnswer,
        perform=unacknowledge,
        errors=(
            NO_CONNECTION,
            Declared(PreconditionFailed, "CONNECTION_NOT_ACKNOWLEDGED", "Nobody acknowledged it, or that has ended."),
        ),
        prefixes=KALENDS,
    ),
)
