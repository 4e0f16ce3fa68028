"""Use cases that answer what a test tells them to, and remember what they were asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kalends.access.authentication import Headers
from kalends.access.tokens import ClientRefused, IssuedToken
from kalends.api.services import Services
from kalends.connections.authorizing import Arrival, Confirmation, Departure, LeftTheWay
from kalends.connections.conflicts import ConflictPage
from kalends.connections.events import EventPage
from kalends.connections.exports import ExportHealth
from kalends.connections.health import ConnectionHealth
from kalends.connections.listing import ConnectionList
from kalends.connections.queries import EventQuery
from kalends.connections.readability import Readability, Standing
from kalends.connections.runs import RunPage
from kalends.connections.sync_config import SyncConfigChange
from kalends.connections.syncing import SyncAsked
from kalends.connections.views import ConnectionView, Failures
from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import Connection, ErrorReason, ImportChoice, ImportConfig, SelectedCalendar, Status
from kalends.model.copy import Privacy
from kalends.model.errors import KalendsError, Unauthenticated
from kalends.model.event_series import whole
from kalends.model.identity import Identity, IdentityKind, Permission
from kalends.model.provider import CalendarType, ConnectMethod, ExportFeature, Features, ImportFeature, Provider
from kalends.model.schedule import Schedule
from kalends.model.schedule_event import EventTimes, EventType, ScheduleEvent, Segment
from kalends.model.time import Window
from kalends.schedules.changing import ScheduleChange
from kalends.schedules.creating import ScheduleDraft
from kalends.schedules.event_drafts import EventChange, EventDraft
from kalends.schedules.event_finding import EventOnSchedule
from kalends.schedules.event_queries import EventQuery as ScheduleEventQuery
from kalends.schedules.event_reading import EventPage as ScheduleEventPage
from kalends.schedules.queries import ScheduleQuery
from kalends.schedules.reading import SchedulePage

SITE = "11111111-1111-4111-8111-111111111111"
OWNER = "22222222-2222-4222-8222-222222222222"
SCHEDULE = "33333333-3333-4333-8333-333333333333"
PROVIDER = "44444444-4444-4444-8444-444444444444"
EVENT = "66666666-6666-4666-8666-666666666666"
APP = "55555555-5555-4555-8555-555555555555"
CONNECTION = "Connection0123456789abcdefABCDEF"
METRICS_TOKEN = "what a monitor knows"

PROVIDED = Provider(
    id=PROVIDER,
    kind="caldav",
    name="Staff calendars",
    calendar_type=CalendarType.OTHER,
    features=Features(
        connect_methods=(ConnectMethod.CREDENTIALS,),
        update_sync_config=True,
        list_event_from_calendars=ImportFeature.SPECIFIC_CALENDARS,
        sync_to_calendar=ExportFeature.NOT_SUPPORTED,
        primary_calendar=False,
    ),
    built_in=False,
    config={"url": "https://calendars.example"},
)


def connection(**changes: Any) -> Connection:
    """Return a connection that is in sync, changed as a test wants it."""
    values: dict[str, Any] = {
        "site_id": SITE,
        "id": CONNECTION,
        "provider_id": PROVIDER,
        "schedule_id": SCHEDULE,
        "owner_id": OWNER,
        "app_id": APP,
        "account_key": "never on the wire",
        "account_email": "someone@example.org",
        "addresses": frozenset({"someone@example.org"}),
        "status": Status.SYNCED,
        "error_reason": None,
        "import_config": ImportConfig(
            choice=ImportChoice.CALENDARS,
            calendars=(SelectedCalendar("/someone/work/", "Work"), SelectedCalendar("/someone/nameless/")),
        ),
        "last_good_read_at": datetime(2026, 1, 1, tzinfo=UTC),
        "last_error": "never on the wire",
        "wanted_rev": 1,
        "done_rev": 1,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "failures": 0,
    }
    return Connection(**(values | changes))


def in_error(reason: ErrorReason | None) -> Connection:
    """Return a connection in the status `ERROR`."""
    return connection(status=Status.ERROR, error_reason=reason)


def view(one: Connection | None = None) -> ConnectionView:
    """Return a connection with its provider."""
    return ConnectionView(one or connection(), PROVIDED)


def health() -> ConnectionHealth:
    """Return the health of a connection that is well."""
    found = Readability(Standing.READABLE, (), ())
    one = connection()
    return ConnectionHealth(one, found, (), {}, ExportHealth(one), datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=6))


def schedule(**changes: Any) -> Schedule:
    """Return a schedule with nothing but what every schedule has, changed as a test wants it."""
    values: dict[str, Any] = {
        "site_id": SITE,
        "id": SCHEDULE,
        "name": "Ada's chair",
        "time_zone": "Europe/Dublin",
        "owner_id": None,
        "owner_name": None,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "updated_at": datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
    }
    return Schedule(**(values | changes))


def event_on_schedule(segment: Segment | None = None, **changes: Any) -> EventOnSchedule:
    """Return an event with nothing but what every event has, changed as a test wants it."""
    times = EventTimes(datetime(2026, 12, 1, 9), datetime(2026, 12, 1, 10), "Europe/Dublin")  # noqa: DTZ001 - wall times
    values: dict[str, Any] = {
        "site_id": SITE,
        "id": EVENT,
        "schedule_id": SCHEDULE,
        "type": EventType.DEFAULT,
        "app_id": None,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "updated_at": datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
        "segments": (segment or Segment(1, 1, times, {"title": "Ada's chair"}),),
    }
    return EventOnSchedule(whole(ScheduleEvent(**(values | changes))), schedule())


def identity(*permissions: Permission) -> Identity:
    """Return an app that holds permissions."""
    return Identity(IdentityKind.APP, SITE, APP, frozenset(permissions))


@dataclass
class StandIns:
    """Every use case at once. `calls` are (name, arguments); `raises` is raised by each of them."""

    identities: dict[str, Identity] = field(default_factory=lambda: {"all": identity(*Permission), "none": identity()})
    providers: Sequence[Provider] = (PROVIDED,)
    connections: Sequence[ConnectionView] = field(default_factory=lambda: (view(),))
    calendars: Sequence[ExternalCalendar] = (ExternalCalendar("/someone/work/", "Work", time_zone="Europe/Dublin"),)
    failures: Failures = field(default_factory=Failures)
    schedule: Schedule = field(default_factory=schedule)
    next_schedules: str | None = None
    event: EventOnSchedule = field(default_factory=event_on_schedule)
    next_events: str | None = None
    page: EventPage = field(default_factory=lambda: EventPage((), None, Failures()))
    conflicts: ConflictPage = field(default_factory=lambda: ConflictPage((), None, Failures()))
    raises: Exception | None = None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[Headers] = field(default_factory=list)
    counted: list[tuple[str, str | None, int]] = field(default_factory=list)

    @property
    def services(self) -> Services:
        """The services to make an application of."""
        return Services(
            authentication=_Authentication(self),
            tokens=_Tokens(self),
            providers=_Providers(self),
            connections=_Connections(self),
            connecting=_Connecting(self),
            authorizing=_Authorizing(self),
            delegating=_Delegating(self),
            waking=_Waking(self),
            calendars=_Calendars(self),
            sync_configs=_SyncConfigs(self),
            disconnecting=_Disconnecting(self),
            connection_health=_Health(self),
            connection_runs=_Runs(self),
            sync_requests=_SyncRequests(self),
            acknowledging=_Acknowledging(self),
            copy_privacy=_CopyPrivacy(self),
            events=_Events(self),
            conflicts=_Conflicts(self),
            schedule_making=_Schedules(self),
            schedule_looking=_Schedules(self),
            schedule_updating=_Schedules(self),
            schedule_ending=_Schedules(self),
            event_making=_ScheduleEvents(self),
            event_looking=_ScheduleEvents(self),
            event_updating=_ScheduleEvents(self),
            event_ending=_ScheduleEvents(self),
            check_database=self.check_database,
            check_ready=self.check_database,
            metrics=_Metrics(self),
            metrics_token=METRICS_TOKEN,
            answered=self.answered,
            public_url="https://kalends.example",
            max_request_bytes=20_000,
        )

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Remember what was counted."""
        assert seconds >= 0
        self.counted.append((method, route, status))

    async def check_database(self) -> None:
        """Raise what every use case raises."""
        self.called("check_database")

    def called(self, name: str, **arguments: Any) -> None:
        """Remember a call, then raise what is to be raised."""
        self.calls.append((name, arguments))
        if self.raises is not None:
            raise self.raises

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of the only call."""
        ((_, arguments),) = self.calls
        return arguments


@dataclass
class _Part:
    all: StandIns


class _Authentication(_Part):
    async def identify(self, headers: Headers) -> Identity:
        self.all.headers.append(headers)
        try:
            return self.all.identities[headers.authorization]
        except KeyError:
            raise Unauthenticated("Nobody knows this token.") from None


class _Tokens(_Part):
    async def by_client_credentials(self, client_id: str, client_secret: str, instance_id: str | None) -> IssuedToken:
        self.all.called("token", client_id=client_id, client_secret=client_secret, instance_id=instance_id)
        if client_secret != "right":
            raise ClientRefused("invalid_client", "The client id or the client secret is wrong.")
        return IssuedToken("all", timedelta(hours=4))


class _Providers(_Part):
    async def list(self, site_id: str) -> Sequence[Provider]:
        self.all.called("listProviders", site_id=site_id)
        return self.all.providers


class _Connections(_Part):
    async def get(self, identity: Identity, connection_id: str) -> ConnectionView:
        self.all.called("getConnection", identity=identity, connection_id=connection_id)
        return self.all.connections[0]

    async def list(
        self, identity: Identity, *, schedule_ids: Sequence[str] | None, partial_failure: bool
    ) -> ConnectionList:
        self.all.called(
            "listConnections", identity=identity, schedule_ids=schedule_ids, partial_failure=partial_failure
        )
        return ConnectionList(self.all.connections, self.all.failures)


class _Connecting(_Part):
    async def by_credentials(
        self, identity: Identity, *, provider_id: str, schedule_id: str, email: str, password: str
    ) -> ConnectionView:
        self.all.called(
            "connectByCredentials",
            identity=identity,
            provider_id=provider_id,
            schedule_id=schedule_id,
            email=email,
            password=password,
        )
        return self.all.connections[0]

    async def by_feed(self, identity: Identity, *, provider_id: str, schedule_id: str, url: str) -> ConnectionView:
        self.all.called("connectByFeed", identity=identity, provider_id=provider_id, schedule_id=schedule_id, url=url)
        return self.all.connections[0]


class _Authorizing(_Part):
    async def begin(self, identity: Identity, *, provider_id: str, schedule_id: str, redirect_url: str) -> str:
        self.all.called(
            "connectByOAuth",
            identity=identity,
            provider_id=provider_id,
            schedule_id=schedule_id,
            redirect_url=redirect_url,
        )
        return "https://kalends.example/connect/once"

    async def confirmation(self, token: str) -> Confirmation:
        raise LeftTheWay(token)

    async def confirm(self, token: str) -> Departure:
        raise LeftTheWay(token)

    async def arrive(
        self, state: str, browser: Callable[[str], str | None], answer: Mapping[str, str]
    ) -> Arrival | Departure:
        raise LeftTheWay(browser(state), answer)


class _Delegating(_Part):
    async def connect(
        self, identity: Identity, *, provider_id: str, schedule_id: str, email: str, any_mailbox: bool
    ) -> ConnectionView:
        self.all.called(
            "connectDelegated",
            identity=identity,
            provider_id=provider_id,
            schedule_id=schedule_id,
            email=email,
            any_mailbox=any_mailbox,
        )
        return self.all.connections[0]


class _Waking(_Part):
    async def wake(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        self.all.called("wake", channel_id=channel_id, resource_id=resource_id, token=token)
        return True

    async def opened(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        self.all.called("opened", channel_id=channel_id, resource_id=resource_id, token=token)
        return True

    async def ending(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        self.all.called("ending", channel_id=channel_id, resource_id=resource_id, token=token)
        return True


class _Calendars(_Part):
    async def list(self, identity: Identity, connection_id: str) -> Sequence[ExternalCalendar]:
        self.all.called("listCalendars", identity=identity, connection_id=connection_id)
        return self.all.calendars


class _SyncConfigs(_Part):
    async def update(self, identity: Identity, connection_id: str, change: SyncConfigChange) -> ConnectionView:
        self.all.called("updateSyncConfig", identity=identity, connection_id=connection_id, change=change)
        return self.all.connections[0]


class _Disconnecting(_Part):
    async def disconnect(self, identity: Identity, connection_id: str) -> ConnectionView:
        self.all.called("disconnect", identity=identity, connection_id=connection_id)
        return view(connection(status=Status.DISCONNECTED))


class _Metrics(_Part):
    async def exposition(self) -> bytes:
        self.all.called("metrics")
        return b"up 1.0\n"


class _Health(_Part):
    async def get(self, identity: Identity, connection_id: str) -> ConnectionHealth:
        self.all.called("getConnectionHealth", identity=identity, connection_id=connection_id)
        return health()


class _Runs(_Part):
    async def list(self, identity: Identity, connection_id: str, *, cursor: str | None, limit: int | None) -> RunPage:
        self.all.called("listRuns", identity=identity, connection_id=connection_id, cursor=cursor, limit=limit)
        return RunPage((), None)


class _SyncRequests(_Part):
    async def ask(self, identity: Identity, connection_id: str) -> SyncAsked:
        self.all.called("syncConnection", identity=identity, connection_id=connection_id)
        return SyncAsked(2, 1, under_way=False)


class _Acknowledging(_Part):
    async def acknowledge(
        self, identity: Identity, connection_id: str, *, until: datetime | None, note: str | None
    ) -> ConnectionHealth:
        self.all.called("acknowledgeConnection", identity=identity, connection_id=connection_id, until=until, note=note)
        return health()

    async def withdraw(self, identity: Identity, connection_id: str) -> ConnectionHealth:
        self.all.called("unacknowledgeConnection", identity=identity, connection_id=connection_id)
        return health()


class _CopyPrivacy(_Part):
    async def choose(self, identity: Identity, connection_id: str, privacy: Privacy) -> ConnectionHealth:
        self.all.called("updateCopies", identity=identity, connection_id=connection_id, privacy=privacy)
        return health()


class _Events(_Part):
    async def first(self, identity: Identity, query: EventQuery) -> EventPage:
        self.all.called("listEvents", identity=identity, query=query)
        return self.all.page

    async def next(
        self, identity: Identity, cursor: str, *, limit: int | None, partial_failure: bool | None
    ) -> EventPage:
        self.all.called("listEvents", identity=identity, cursor=cursor, limit=limit, partial_failure=partial_failure)
        return self.all.page


class _Conflicts(_Part):
    async def first(self, identity: Identity, query: EventQuery) -> ConflictPage:
        self.all.called("listConflicts", identity=identity, query=query)
        return self.all.conflicts

    async def next(
        self, identity: Identity, cursor: str, *, limit: int | None, partial_failure: bool | None
    ) -> ConflictPage:
        self.all.called("listConflicts", identity=identity, cursor=cursor, limit=limit, partial_failure=partial_failure)
        return self.all.conflicts


class _Schedules(_Part):
    async def create(self, site_id: str, draft: ScheduleDraft, *, idempotency_key: str | None = None) -> Schedule:
        self.all.called("createSchedule", site_id=site_id, draft=draft, idempotency_key=idempotency_key)
        return self.all.schedule

    async def get(self, site_id: str, schedule_id: str) -> Schedule:
        self.all.called("getSchedule", site_id=site_id, schedule_id=schedule_id)
        return self.all.schedule

    async def first(self, site_id: str, query: ScheduleQuery) -> SchedulePage:
        self.all.called("querySchedules", site_id=site_id, query=query)
        return SchedulePage([self.all.schedule], self.all.next_schedules)

    async def next(self, site_id: str, cursor: str, *, limit: int | None) -> SchedulePage:
        self.all.called("querySchedules", site_id=site_id, cursor=cursor, limit=limit)
        return SchedulePage([self.all.schedule], self.all.next_schedules)

    async def update(self, site_id: str, schedule_id: str, change: ScheduleChange, *, revision: int) -> Schedule:
        self.all.called("updateSchedule", site_id=site_id, schedule_id=schedule_id, change=change, revision=revision)
        return self.all.schedule

    async def cancel(
        self, site_id: str, schedule_id: str, *, preserve_future_events_with_participants: bool = False
    ) -> Schedule:
        self.all.called(
            "cancelSchedule",
            site_id=site_id,
            schedule_id=schedule_id,
            preserves=preserve_future_events_with_participants,
        )
        return self.all.schedule


class _ScheduleEvents(_Part):
    async def create(self, site_id: str, draft: EventDraft, *, idempotency_key: str | None = None) -> EventOnSchedule:
        self.all.called("createEvent", site_id=site_id, draft=draft, idempotency_key=idempotency_key)
        return self.all.event

    async def get(self, site_id: str, event_id: str) -> EventOnSchedule:
        self.all.called("getEvent", site_id=site_id, event_id=event_id)
        return self.all.event

    async def site_zone(self, site_id: str) -> str:
        assert site_id == SITE
        return "Europe/Dublin"

    async def first(self, site_id: str, query: ScheduleEventQuery) -> ScheduleEventPage:
        self.all.called("queryEvents", site_id=site_id, query=query)
        return ScheduleEventPage([self.all.event], self.all.next_events, query)

    async def next(self, site_id: str, cursor: str, *, limit: int | None) -> ScheduleEventPage:
        self.all.called("queryEvents", site_id=site_id, cursor=cursor, limit=limit)
        span = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        return ScheduleEventPage([self.all.event], self.all.next_events, ScheduleEventQuery(span))

    async def update(self, site_id: str, event_id: str, change: EventChange, *, revision: int) -> EventOnSchedule:
        self.all.called("updateEvent", site_id=site_id, event_id=event_id, change=change, revision=revision)
        return self.all.event

    async def update_following(
        self, site_id: str, event_id: str, change: EventChange, *, revision: int
    ) -> EventOnSchedule:
        self.all.called("updateFollowingEvents", site_id=site_id, event_id=event_id, change=change, revision=revision)
        return self.all.event

    async def cancel(self, site_id: str, event_id: str) -> EventOnSchedule:
        self.all.called("cancelEvent", site_id=site_id, event_id=event_id)
        return self.all.event


def raised(error: type[KalendsError], **said: Any) -> KalendsError:
    """Return an error as a use case would raise it."""
    return error("It went wrong.", **said)
