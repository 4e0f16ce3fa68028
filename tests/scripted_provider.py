"""A provider that does what the test says: for what real servers do not do on demand.

It keeps calendars in memory behind the real port, so everything above the port is the product's own code.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kalends.ical import expand_resource, is_tame
from kalends.model.calendar import Account, ExternalCalendar, ItemChange, Page
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.model.provider import CalendarType, ConnectMethod, ConnectScopes, ExportFeature, Features, ImportFeature
from kalends.net.allowance import Allowance
from kalends.net.client import GuardedClient
from kalends.providers.base import AccountSession, CredentialKeeper, Delegation, Delivery, StoredVersions
from kalends.providers.errors import CalendarGone, CredentialsRefused, CursorRefused, MailboxUnknown
from kalends.providers.quirks import Quirk

GUID = "0f6ef6a2-2f4b-4a3a-9a5b-5a5d7f3c1e77"
Fault = Callable[[int], None]
"""Called before each page with its number, from 0; raises to interrupt."""


@dataclass
class RemoteCalendar:
    """A calendar at the scripted provider: its events now, and what happened, in order."""

    events: dict[str, tuple[str, str]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    def put(self, key: str, text: str) -> None:
        """Create or change an event."""
        self.history.append(key)
        self.events[key] = (f"v{len(self.history)}", text)

    def delete(self, key: str) -> None:
        """Delete an event."""
        self.history.append(key)
        del self.events[key]


@dataclass
class ScriptedKind:
    """The plugin, its only account, and what goes wrong."""

    kind: str = "scripted"
    built_in_id: str | None = GUID
    calendar_type: CalendarType = CalendarType.OTHER
    default_name: str = "Scripted"
    delivers: Delivery = Delivery.RESOURCES
    calendars: dict[str, RemoteCalendar] = field(default_factory=lambda: {"c": RemoteCalendar()})
    primary: str | None = None
    password: str = "right"
    page_size: int = 2
    fault: Fault | None = None
    refuses_cursors: bool = False
    cut_off: bool = False
    """Whether readings end without their last page."""
    unreadable: set[str] = field(default_factory=set)
    """Events that come without their payload."""
    readings: list[str | None] = field(default_factory=list)
    """The cursors of the readings that were asked for."""
    handed_out: int = 0
    """How many items were handed out with their payload."""

    shows: frozenset[str] = frozenset()
    """Names of deviations that each session meets."""
    mended: frozenset[str] = frozenset()
    """Names of deviations that each session finds mended."""
    told_quirks: list[frozenset[str]] = field(default_factory=list)
    """The deviations that sessions were told of."""
    since: list[datetime | None] = field(default_factory=list)
    """From when on the readings were asked for events."""
    thorough: list[bool] = field(default_factory=list)
    """Which of the readings were asked to be thorough."""
    doubted: list[bool] = field(default_factory=list)
    """Which of the readings were to settle a doubt."""

    @property
    def quirks(self) -> Mapping[str, Quirk]:
        return {"odd": Quirk("odd", "It is odd.", "Looking at it.", "Nothing is done.", ("this test",))}

    def features(self, config: Mapping[str, str]) -> Features:
        del config
        return Features(
            (ConnectMethod.CREDENTIALS,),
            update_sync_config=True,
            list_event_from_calendars=ImportFeature.SPECIFIC_CALENDARS,
            sync_to_calendar=ExportFeature.NOT_SUPPORTED,
            primary_calendar=self.primary is not None,
        )

    def check_config(self, config: Mapping[str, str]) -> dict[str, str]:
        return dict(config)

    def budgets(self, config: Mapping[str, str]) -> Sequence[Allowance]:
        del config
        return ()

    async def connect_with_credentials(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, password: str
    ) -> Account:
        del client, config
        if password != self.password:
            raise CredentialsRefused("wrong password")
        return Account(f"account of {email}", email, frozenset({email}), {"password": password})

    async def connect_by_feed(self, client: GuardedClient, config: Mapping[str, str], *, url: str) -> Account:
        """Every address is a feed; one that ends in `wrong` wants a password."""
        del client, config
        password = "wrong" if url.endswith("wrong") else self.password
        return Account(f"feed at {url}", "example.org/…", frozenset(), {"password": password})

    def delegation(self, config: Mapping[str, str], *, secret: str, domains: Sequence[str]) -> Delegation:
        """Every secret is one, and is asked for as a password."""
        return Delegation("Organisation", {**config, "domains": " ".join(domains)}, {"secret": secret})

    def domains(self, config: Mapping[str, str]) -> Collection[str]:
        return config.get("domains", "").split()

    async def connect_delegated(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, scopes: ConnectScopes, now: datetime
    ) -> Account:
        """Every mailbox is there but that of `nobody`."""
        del client, scopes, now
        if email.startswith("nobody@"):
            raise MailboxUnknown("nobody")
        if config["secret"] != self.password:
            raise CredentialsRefused("wrong secret")
        return Account(f"account of {email}", email, frozenset({email}), {"password": self.password})

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),
        keeper: CredentialKeeper | None = None,
    ) -> AsyncIterator[AccountSession]:
        del client, config, keeper
        if credentials["password"] != self.password:
            raise CredentialsRefused("wrong password")
        self.told_quirks.append(frozenset(known_quirks))
        yield _Session(self, (frozenset(known_quirks) - self.mended) | self.shows)

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        return is_tame(payloads)

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        return expand_resource(payloads, context)

    def __reduce__(self) -> Any:
        # a worker process needs the expansion alone, not the account
        return ScriptedKind, ()


@dataclass
class _Session:
    script: ScriptedKind
    quirks: frozenset[str]

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        return [ExternalCalendar(key, key.title(), key == self.script.primary) for key in self.script.calendars]

    async def read(
        self,
        calendar: ExternalCalendar,
        *,
        cursor: str | None,
        continuation: str | None,
        stored: StoredVersions,
        since: datetime | None = None,
        until: datetime | None = None,
        thorough: bool = False,
        doubted: bool = False,
    ) -> AsyncGenerator[Page]:
        del until
        script = self.script
        script.readings.append(cursor)
        script.since.append(since)
        script.thorough.append(thorough)
        script.doubted.append(doubted)
        if calendar.id not in script.calendars:
            raise CalendarGone(calendar.id)
        if cursor is not None and script.refuses_cursors:
            raise CursorRefused("too old")
        remote = script.calendars[calendar.id]
        upto = len(remote.history) if continuation is None else int(continuation)
        begun = 0 if cursor is None else int(cursor)
        keys = sorted(remote.events) if cursor is None else sorted(set(remote.history[begun:upto]))
        versions = await stored.versions(keys)
        unchanged = [key for key in keys if key in remote.events and versions.get(key) == remote.events[key][0]]
        rest = [key for key in keys if key not in unchanged]
        pages = [rest[at : at + script.page_size] for at in range(0, len(rest), script.page_size)]
        for number, some in enumerate([[], *pages]):
            if script.fault is not None:
                script.fault(number)
            changed = tuple(
                ItemChange(key, key, remote.events[key][0], None, "it is too large")
                if key in script.unreadable
                else ItemChange(key, key, remote.events[key][0], remote.events[key][1].encode())
                for key in some
                if key in remote.events
            )
            script.handed_out += len(changed)
            yield Page(
                changed=changed,
                unchanged=tuple(unchanged) if number == 0 and cursor is None else (),
                removed=tuple(key for key in some if key not in remote.events),
                continuation=str(upto),
            )
        if not script.cut_off:
            yield Page(cursor=str(upto))
