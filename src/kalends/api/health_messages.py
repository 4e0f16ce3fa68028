"""How the health and the history of a connection are written: kinds of errors and counts, never what a server said."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from kalends.api.events import PagingMetadata, date_time
from kalends.api.fields import DateTimeText
from kalends.api.messages import Answer
from kalends.connections.exports import ExportHealth
from kalends.connections.health import ConnectionHealth, error_kind
from kalends.connections.readability import Obstacle, Standing
from kalends.connections.syncing import SyncAsked
from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import Acknowledgement, ErrorReason, ExportTarget, Status
from kalends.model.copy import Privacy
from kalends.model.identity import IdentityKind
from kalends.store.calendars import StoredCalendar
from kalends.store.runs import Cause, Outcome, Run


class NamedCalendarMessage(Answer):
    """A calendar of the account."""

    id: str = Field(description="The provider's id of the calendar.")
    name: str | None = Field(None, description="Its name, for people.")
    gone_date: DateTimeText | None = Field(None, description="When the account no longer had it.")

    @classmethod
    def of(cls, stored: StoredCalendar) -> "NamedCalendarMessage":
        """Return the message for a calendar."""
        gone = stored.gone_at
        return cls(
            id=stored.calendar.id,
            name=stored.calendar.name or None,
            gone_date=None if gone is None else date_time(gone),
        )


class DoubtMessage(Answer):
    """That most of a calendar is suddenly missing, and not believed to be gone."""

    calendar_id: str = Field(description="The provider's id of the calendar.")
    calendar_name: str | None = Field(None, description="Its name, for people.")
    missing: int = Field(ge=0, description="Events that are missing, and block until another reading says so too.")
    since_date: DateTimeText = Field(description="Since when.")

    @classmethod
    def of_each(cls, calendars: Sequence[StoredCalendar]) -> list["DoubtMessage"]:
        """Return the messages for those of the calendars that are doubted."""
        return [
            cls(
                calendar_id=one.calendar.id,
                calendar_name=one.calendar.name or None,
                missing=one.doubt.items,
                since_date=date_time(one.doubt.since),
            )
            for one in calendars
            if one.doubt is not None
        ]


class ContentsMessage(Answer):
    """How much is stored of the connection."""

    calendars: int = Field(ge=0, description="Calendars that are imported, and exist.")
    items: int = Field(ge=0, description="Events, and series of events, that are stored of them.")
    quarantined: int = Field(ge=0, description="Those of them that could not be read, and do not block.")
    doubted: int = Field(ge=0, description="Events that are suddenly missing, and block until that is certain.")


class AcknowledgementMessage(Answer):
    """Who said that the connection is known to be broken."""

    acknowledged_date: DateTimeText = Field(description="When it was said.")
    by_kind: IdentityKind = Field(description="What kind of caller said it.")
    by_id: str = Field(description="The user, app or API key that said it; `operator` for the command line.")
    until: DateTimeText | None = Field(None, description="When it ends, unless a good read ends it before.")
    note: str | None = Field(None, description="What was noted with it.")

    @classmethod
    def of(cls, given: Acknowledgement) -> "AcknowledgementMessage":
        """Return the message for an acknowledgement."""
        return cls(
            acknowledged_date=date_time(given.at),
            by_kind=given.by.kind,
            by_id=given.by.id,
            until=None if given.until is None else date_time(given.until),
            note=given.note,
        )


class MadeCalendarMessage(Answer):
    """The calendar that was made for copies."""

    id: str = Field(description="The provider's id of the calendar.")
    name: str | None = Field(None, description="Its name, for people, once it was seen.")

    @classmethod
    def of(cls, made: ExternalCalendar) -> "MadeCalendarMessage":
        """Return the message for a calendar."""
        return cls(id=made.id, name=made.name or None)


class ExportsMessage(Answer):
    """How exporting is doing: events on the schedule as copies in the account."""

    enabled: bool = Field(description="Whether events are exported; not any more once the connection is disconnected.")
    target: ExportTarget | None = Field(
        None, description="To where: the `primary` calendar, or a `dedicated` one; absent where that was never chosen."
    )
    privacy: Privacy = Field(
        description="What copies show: everything (`full`), the `title`, or only that the time is taken (`busy`)."
    )
    pending: int = Field(ge=0, description="Events whose copies are still to be written, or taken away.")
    refused: int = Field(
        ge=0, description="Copies that the provider would not take as they should be, or would not give up."
    )
    left: int = Field(ge=0, description="Copies that are in the account, or may be.")
    dedicated_calendar: MadeCalendarMessage | None = Field(
        None, description="The calendar that was made for copies, while it is there as far as is known."
    )
    problem: ErrorReason | None = Field(None, description="Why nothing is exported until somebody acts.")
    failures: int = Field(ge=0, description="How often in a row exporting failed as a whole.")
    last_error: str | None = Field(None, description="The kind of error that exporting failed with last.")
    due_date: DateTimeText | None = Field(None, description="When something is next exported, or taken away.")
    cleanup_until: DateTimeText | None = Field(
        None,
        description="Until when what is left in a disconnected account is tried to be taken away; absent where nothing "
        "is left, and where it was given up.",
    )

    @classmethod
    def of(cls, health: ExportHealth) -> "ExportsMessage":
        """Return the message for a connection."""
        one, standing = health.connection, health.connection.export
        due, until = standing.due_at, health.cleanup_until
        return cls(
            enabled=one.exports(),
            target=one.export_config.target,
            privacy=one.export_config.privacy,
            pending=health.pending,
            refused=health.refused,
            left=health.left,
            dedicated_calendar=None if health.made is None else MadeCalendarMessage.of(health.made),
            problem=standing.problem,
            failures=standing.failures,
            last_error=error_kind(standing.error),
            due_date=None if due is None else date_time(due),
            cleanup_until=None if until is None else date_time(until),
        )


class ConnectionHealthMessage(Answer):
    """How a connection is doing. Spans of time are in seconds."""

    connection_id: str = Field(description="The connection.")
    status: Status = Field(description="Its status, as *get connection* answers it.")
    error_reason: ErrorReason | None = Field(
        None,
        description="Why the status is `ERROR`. Where that is the `problem` of `exports`, events can be listed all the "
        "same: `standing` says so.",
    )
    standing: Standing = Field(
        description="What it is to *list events*: `READABLE`; `UNREADABLE`, which makes the call fail; `ACKNOWLEDGED`, "
        "which is unreadable, but known to be; `NOT_COUNTED` where nothing is imported."
    )
    obstacles: list[Obstacle] = Field(description="Why it is not readable, possibly nothing.")
    last_read_date: DateTimeText | None = Field(None, description="When it was last read, well or not.")
    last_good_read_date: DateTimeText | None = Field(None, description="When it was last read well.")
    age: int | None = Field(None, ge=0, description="How long ago it was read well.")
    staleness_limit: int = Field(ge=0, description="From which age of a calendar's last good read it is `STALE`.")
    next_sync_date: DateTimeText | None = Field(None, description="When it is next read, unless asked for before.")
    lag: int = Field(ge=0, description="By how much its next sync is overdue; 0 while it is being synced.")
    under_way: bool = Field(description="Whether it is being synced.")
    wanted_revision: int = Field(ge=0, description="The latest sync that was asked for.")
    done_revision: int = Field(ge=0, description="The latest sync that was done, of those that were asked for.")
    failures: int = Field(ge=0, description="Failed syncs since the last good one.")
    last_error: str | None = Field(
        None, description="The kind of the last error, such as `CredentialsRefused` or `Unavailable`."
    )
    contents: ContentsMessage = Field(description="How much is stored.")
    exports: ExportsMessage = Field(description="How exporting to the account is doing.")
    gone_calendars: list[NamedCalendarMessage] = Field(
        description="Calendars that are to be imported and that the account no longer has."
    )
    not_chosen_calendars: list[NamedCalendarMessage] = Field(
        description="Calendars that the account has and that are not imported, those that are new among them; not the "
        "one that was made for copies."
    )
    doubts: list[DoubtMessage] = Field(
        description="Calendars that are suddenly empty, or nearly so; their events are kept until that is certain."
    )
    quirks: list[str] = Field(description="Names of the deviations that the calendar server showed.")
    acknowledgement: AcknowledgementMessage | None = Field(
        None, description="There if somebody acknowledged that the connection is broken."
    )

    @classmethod
    def of(cls, health: ConnectionHealth) -> "ConnectionHealthMessage":
        """Return the message for a connection."""
        one, chosen = health.connection, health.readability.calendars
        status, reason = one.shown_status
        dates = {
            "last_read_date": one.last_read_at,
            "last_good_read_date": one.last_good_read_at,
            "next_sync_date": one.next_sync_at,
        }
        return cls(
            connection_id=one.id,
            status=status,
            error_reason=(reason or ErrorReason.UNDEFINED) if status is Status.ERROR else None,
            standing=health.readability.standing,
            obstacles=list(health.readability.obstacles),
            age=None if health.age is None else int(health.age.total_seconds()),
            staleness_limit=int(health.staleness_limit.total_seconds()),
            lag=int(health.lag.total_seconds()),
            under_way=health.under_way,
            wanted_revision=one.wanted_rev,
            done_revision=one.done_rev,
            failures=one.failures,
            last_error=health.last_error,
            contents=ContentsMessage(
                calendars=len(chosen),
                items=sum(size.items for size in health.sizes.values()),
                quarantined=sum(size.quarantined for size in health.sizes.values()),
                doubted=sum(calendar.doubt.items for calendar in chosen if calendar.doubt is not None),
            ),
            exports=ExportsMessage.of(health.exports),
            gone_calendars=[NamedCalendarMessage.of(calendar) for calendar in health.gone],
            not_chosen_calendars=[NamedCalendarMessage.of(calendar) for calendar in health.not_chosen],
            doubts=DoubtMessage.of_each(chosen),
            quirks=sorted(one.quirks),
            acknowledgement=AcknowledgementMessage.of(health.acknowledgement) if health.acknowledgement else None,
            **{name: date_time(moment) for name, moment in dates.items() if moment is not None},
        )


class HealthOfConnectionAnswer(Answer):
    """The health of one connection."""

    health: ConnectionHealthMessage = Field(description="How the connection is doing now.")

    @classmethod
    def of(cls, health: ConnectionHealth) -> "HealthOfConnectionAnswer":
        """Return the answer for a connection."""
        return cls(health=ConnectionHealthMessage.of(health))


class RunCountsMessage(Answer):
    """What one sync did."""

    calendars: int = Field(ge=0, description="Calendars that were read.")
    pages: int = Field(ge=0, description="Pages of changes that the provider gave.")
    changed: int = Field(ge=0, description="Items that were new or other than before.")
    removed: int = Field(ge=0, description="Items that were gone.")
    quarantined: int = Field(ge=0, description="Items that could not be read.")


class RunMessage(Answer):
    """One sync of a connection."""

    id: str = Field(description="The run's id.")
    cause: Literal[Cause.ASKED, Cause.POLL] = Field(description="`asked` for, or due (`poll`).")
    outcome: Literal[Outcome.DONE, Outcome.FAILED] = Field(description="How it ended.")
    started_date: DateTimeText = Field(description="When it began.")
    ended_date: DateTimeText = Field(description="When it had ended.")
    duration: float = Field(ge=0, description="How long it took, in seconds.")
    counts: RunCountsMessage = Field(description="What it did, as far as it came.")
    requests: int | None = Field(
        None, ge=0, description="Requests that it sent to the provider; absent where nobody counted them yet."
    )
    error: str | None = Field(None, description="The kind of error, where it failed.")

    @classmethod
    def of(cls, run: Run) -> "RunMessage":
        """Return the message for a run."""
        counts = run.counts
        return cls(
            id=run.id,
            cause=run.cause,
            outcome=run.outcome,
            started_date=date_time(run.started_at),
            ended_date=date_time(run.ended_at),
            duration=max((run.ended_at - run.started_at).total_seconds(), 0),
            counts=RunCountsMessage(
                calendars=counts.calendars,
                pages=counts.pages,
                changed=counts.changed,
                removed=counts.removed,
                quarantined=counts.quarantined,
            ),
            requests=run.requests,
            error=error_kind(run.error),
        )


class RunsAnswer(Answer):
    """A page of runs."""

    runs: list[RunMessage] = Field(description="The runs, the newest first, possibly none.")
    paging_metadata: PagingMetadata = Field(description="This page, and whether there is another.")


class SyncAnswer(Answer):
    """A sync that is wanted. It is done once the `doneRevision` of the connection's health has reached this one."""

    wanted_revision: int = Field(ge=0, description="The sync that is wanted.")
    done_revision: int = Field(ge=0, description="The latest one that was done.")
    under_way: bool = Field(description="Whether another one was running already.")

    @classmethod
    def of(cls, asked: SyncAsked) -> "SyncAnswer":
        """Return the answer for what was asked."""
        return cls(wanted_revision=asked.wanted, done_revision=asked.done, under_way=asked.under_way)
