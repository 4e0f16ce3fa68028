"""How `kalends connection` shows a connection to people."""

from typing import TYPE_CHECKING

from kalends.cli.output import facts, instant, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kalends.cli.inspection import Inspection
    from kalends.connections.exports import ExportHealth
    from kalends.connections.views import ConnectionView
    from kalends.model.calendar import ExternalCalendar
    from kalends.model.connection import Connection
    from kalends.store.calendars import StoredCalendar


def shown_status(one: "Connection", *, whole: bool = False) -> str:
    """Return the status as people are shown it: the reason alone, or, as a `whole`, both."""
    status, reason = one.shown_status
    if reason is None:
        return status
    return f"{status} ({reason})" if whole else reason


def shown_connection(view: "ConnectionView") -> list["RenderableType"]:
    """Return a connection as people are shown it."""
    one = view.connection
    return [
        facts(
            connection=one.id,
            schedule=one.schedule_id,
            provider=view.provider.name,
            account=one.account_email,
            status=shown_status(one, whole=True),
            last_good_read=instant(one.last_good_read_at),
            last_error=one.last_error,
        )
    ]


def shown_exports(found: "ExportHealth") -> "RenderableType":
    """Return how exporting is doing as people are shown it."""
    one, standing = found.connection, found.connection.export
    made = found.made and (found.made.name or found.made.id)
    until = f", to be taken away until {instant(found.cleanup_until)}" if found.cleanup_until else ""
    return facts(
        exports=f"to the {one.export_config.target} calendar" if one.exports() else "off",
        copies_show=one.export_config.privacy,
        made_for_copies=made,
        copies=f"{found.left} there{until}, {found.pending} events to be exported, {found.refused} refused",
        next_export=instant(standing.due_at),
        kept_from_exporting=standing.problem,
        export_error=standing.error,
    )


def shown_inspection(found: "Inspection") -> list["RenderableType"]:
    """Return an inspection as people are shown it."""
    calendars = [
        (
            one.calendar.name,
            _state(one, made=found.exports.made),
            found.items[one.id],
            instant(one.last_good_read_at),
        )
        for one in found.calendars
    ]
    runs = [
        (
            instant(one.started_at),
            one.cause,
            one.outcome,
            one.counts.changed,
            one.counts.removed,
            one.counts.quarantined,
            one.requests,
            one.error,
        )
        for one in found.runs
    ]
    shown: list[RenderableType] = [
        shown_exports(found.exports),
        table(("calendar", "state", "items", "last good read"), calendars, title="Calendars"),
        table(
            ("started", "cause", "outcome", "changed", "removed", "quarantined", "requests", "error"),
            runs,
            title="Latest syncs",
        ),
    ]
    doubted = [(one.calendar.name, one.doubt.items, instant(one.doubt.since)) for one in found.calendars if one.doubt]
    if doubted:
        shown.append(table(("calendar", "events", "since"), doubted, title="Suddenly missing, and kept until certain"))
    if found.quirks:
        peculiar = [(name, one and one.summary, one and one.consequence) for name, one in found.quirks.items()]
        shown.append(
            table(("name", "what it means", "what Kalends does"), peculiar, title="The server's peculiarities")
        )
    if found.quarantined:
        rows = [(one.calendar, one.problem.uid, one.problem.reason) for one in found.quarantined]
        shown.append(table(("calendar", "uid", "reason"), rows, title="Events that could not be read"))
    else:
        shown.append(line("Every event could be read."))
    return shown


def _state(one: "StoredCalendar", *, made: "ExternalCalendar | None") -> str:
    if one.gone_at:
        return "gone"
    if one.selected:
        return "imported"
    return "made for copies" if made is not None and made.id == one.calendar.id else "not chosen"
