"""The port: what every provider of external calendars offers to the rest of Kalends.

A `ProviderKind` is the plugin (registered under the entry point group `kalends.providers`); a `model.provider.Provider`
is its installation as one site sees it; an `AccountSession` speaks for one connected account.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from kalends.model.calendar import Account, Became, ExternalCalendar, Page
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.model.provider import CalendarType, ConnectScopes, Features
from kalends.net.allowance import Allowance
from kalends.net.client import GuardedClient
from kalends.providers.quirks import Quirk


class Delivery(StrEnum):
    """In what shape a provider hands over recurring events."""

    RESOURCES = "resources"
    """One item holds a master and its overrides (CalDAV, ICS)."""
    SERIES = "series"
    """Master and exceptions are items of their own and may come alone (Google)."""
    INSTANCES = "instances"
    """The provider expands; occurrences inherit from their master (Microsoft Graph)."""


class StoredVersions(Protocol):
    """What the store already holds of the calendar that is being read."""

    async def versions(self, keys: Collection[str] | None = None) -> Mapping[str, str]:
        """Return item key → version for the given keys, or for all items of the calendar."""
        ...

    async def in_groups(self, group_keys: Collection[str]) -> Collection[str]:
        """Return the keys of the items of groups, for a provider that tells of a series' end by its master alone."""
        ...


@dataclass(frozen=True, slots=True)
class Probed:
    """What a provider's server answered to nobody in particular: who it was, the HTTP status, and its own clock."""

    host: str
    status: int
    date: datetime | None


Credentials = Mapping[str, Any]
"""What opens an account: JSON-able, secret, and known to its provider alone."""


class CredentialKeeper(Protocol):
    """Keeps the credentials of one account where they have to be renewed from time to time."""

    def now(self) -> datetime:
        """Return the time by which they run out."""
        ...

    async def renew(self, used: Credentials, renewal: Callable[[Credentials], Awaitable[Credentials]]) -> Credentials:
        """Return credentials that are newer than those that were `used`, and kept.

        They are those that somebody else has renewed meanwhile, else what `renewal` makes of those that are kept. Of
        all processes, one renews at a time. Raises what `renewal` raises, and `CredentialsRefused` where none are kept
        any more.
        """
        ...


class AccountSession(Protocol):
    """One connected account. All methods raise `providers.errors.ProviderError`."""

    @property
    def quirks(self) -> frozenset[str]:
        """The names of the deviations that are to be known of this account from now on.

        Those that the session was told, with those that it met, and without those that it found mended.
        """
        ...

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        """Return the account's calendars that can hold events, in the provider's order."""
        ...

    def read(
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
        """Yield what changed since the cursor, or everything where the cursor is None, in pages.

        `continuation` is what the last stored page of an interrupted reading with the same cursor gave. The last
        page carries the new cursor; a reading that ends without one was cut off and counts for nothing. What ended
        before `since` is of no use to anybody and may be left out, also by a full reading; a cursor of a reading that
        left out more than that is refused. What begins after `until` may be left out too, by a provider that expands
        series itself. `thorough` is asked for about once a day: what could be missed without anybody noticing may then
        cost a request to find.
        `doubted` goes with a reading of everything, where an earlier one missed most of what is stored: what one of
        several ways of asking still names is then there.
        Raises `CursorRefused` (before or between pages) where everything has to be read again, and `CalendarGone`.
        """
        ...


class ProviderKind(Protocol):
    """A kind of provider. Instances hold no state; configuration comes with the installation."""

    kind: str
    """Name of the plugin, for instance `caldav`."""
    built_in_id: str | None
    """The GUID under which every site has this provider without installing it; None: it has to be installed."""
    calendar_type: CalendarType
    default_name: str
    delivers: Delivery

    @property
    def quirks(self) -> Mapping[str, Quirk]:
        """The deviations that are known of this kind's servers, by name, in the order in which they are shown."""
        ...

    def features(self, config: Mapping[str, str]) -> Features:
        """Return what an installation with this configuration can do."""
        ...

    def check_config(self, config: Mapping[str, str]) -> dict[str, str]:
        """Return the configuration in its normal form; raises `ValueError` with a message for the operator."""
        ...

    def budgets(self, config: Mapping[str, str]) -> Sequence[Allowance]:
        """Return how often an account, all accounts together, and a host may be asked, at most one of each scope.

        Where it says nothing of a scope, accounts may be asked without limit, and a host as often as the settings say.
        """
        ...

    def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),
        keeper: CredentialKeeper | None = None,
    ) -> AbstractAsyncContextManager[AccountSession]:
        """Open a session for an account, with the credentials that connecting returned.

        `known_quirks` are the names that an earlier session of the account left; unknown ones are kept as they are.
        `keeper` is there for accounts that were connected by OAuth.
        """
        ...

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        """Tell cheaply, without parsing, whether expanding the group is sure to take a few milliseconds at most."""
        ...

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        """Expand the items of one group, ordered by key.

        Pure; runs in a worker process, so `self` must be picklable. Whatever the payloads hold, nothing is raised.
        """
        ...


@runtime_checkable
class Reachable(Protocol):
    """What a kind of provider may offer besides: saying whether its server can be reached, for `kalends doctor`."""

    async def probe(self, client: GuardedClient, config: Mapping[str, str]) -> Probed:
        """Ask the server of an installation something harmless, without credentials; any HTTP answer will do.

        Raises `net.errors.NetError`.
        """
        ...


@runtime_checkable
class ConnectsWithCredentials(Protocol):
    """What a kind of provider may offer besides: accounts that open with an e-mail address and a password."""

    async def connect_with_credentials(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, password: str
    ) -> Account:
        """Find the account that the credentials open.

        Raises `CredentialsRefused`, `NotSupported`, `Unavailable`.
        """
        ...


@runtime_checkable
class ConnectsByFeed(Protocol):
    """What a kind of provider may offer besides: accounts that are nothing but the address of a feed."""

    async def connect_by_feed(self, client: GuardedClient, config: Mapping[str, str], *, url: str) -> Account:
        """Return the account that stands for the feed at an address; its key and e-mail address give none away.

        Raises `net.errors.BadUrl` where it is no address that can be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delegation:
    """What an installation for delegated access keeps: `config`, which may be shown, and `secrets`, which are sealed.

    `name` is what it is called where nobody says otherwise.
    """

    name: str
    config: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


@runtime_checkable
class ConnectsDelegated(Protocol):
    """What a kind of provider may offer besides: mailboxes that an organisation's administrator has opened to us.

    Nobody consents for each of them. An installation for that has a secret of its own, and the domains it is for.
    """

    def delegation(self, config: Mapping[str, str], *, secret: str, domains: Sequence[str]) -> Delegation:
        """Return what an installation keeps of what the administrator has handed out.

        `secret` is what was handed out as a secret, in the provider's own form; `domains` are in lower-case ASCII.
        Raises `ValueError` with a message for the operator, which quotes nothing of the secret.
        """
        ...

    def domains(self, config: Mapping[str, str]) -> Collection[str]:
        """Return the domains whose mailboxes an installation may open; none where it is not one for that."""
        ...

    async def connect_delegated(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, scopes: ConnectScopes, now: datetime
    ) -> Account:
        """Return the account that a mailbox belongs to; `config` is with what was sealed.

        Its key is the same as where its owner consents. Raises `MailboxUnknown`, `NotSupported` where the
        administrator has not opened the mailbox as far as `scopes` want, `CredentialsRefused` where the secret is of no
        more use, `Unavailable`.
        """
        ...


@runtime_checkable
class ChangesCalendarIds(Protocol):
    """What a kind of provider may be besides: one at which a calendar may come to have another id."""

    def became(self, calendar: ExternalCalendar, others: Sequence[ExternalCalendar]) -> ExternalCalendar | None:
        """Return the calendar that one has become whose id is no more, None where none of the others surely is it."""
        ...


def became_at(kind: ProviderKind) -> Became | None:
    """Return how calendars whose ids have changed are found again, None where ids never change."""
    return kind.became if isinstance(kind, ChangesCalendarIds) else None


@dataclass(frozen=True, slots=True)
class ConsentAsked:
    """What a person's browser takes along to a provider (RFC 6749 §4.1.1, RFC 7636), and what belongs to it.

    `verifier` and `nonce` are secrets of this one way. `insists` tells that consent is to be asked for even where it
    was given before.
    """

    scopes: ConnectScopes
    redirect_uri: str
    state: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    insists: bool = False
    login_hint: str | None = None


class Refused(StrEnum):
    """How a way to a provider ends without a connection: what the redirect names as its `error` (contract §5.6)."""

    REJECT = "reject"
    """The person said no."""
    UNSUPPORTED = "unsupported"
    """The account cannot be connected, or what reading needs was not consented to."""
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Consented:
    """What scopes allow: to read calendars and events, and to make a calendar and write events there."""

    reading: bool
    exporting: bool


@dataclass(frozen=True, slots=True)
class ChannelAsked:
    """A push subscription that is asked for: `token` comes with each notification to `address`, and proves it."""

    id: str
    address: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A push subscription that was opened.

    `resource_id` is the provider's name of it, or of what is watched. `proven` tells that opening it has shown that
    its notifications reach us; otherwise the first of them will.
    """

    resource_id: str
    expires_at: datetime
    proven: bool = False


@runtime_checkable
class Watches(Protocol):
    """What a session may offer besides: being told of changes. All methods raise `ProviderError`."""

    async def watch(self, calendar: ExternalCalendar, asked: ChannelAsked) -> ChannelOpened:
        """Open a channel for a calendar; raises `NotSupported` for one that cannot be watched."""
        ...

    async def stop(self, channel_id: str, resource_id: str) -> None:
        """End a channel; one that is no more is fine."""
        ...


@runtime_checkable
class Renews(Protocol):
    """What a session that `Watches` may offer besides: channels that go on, instead of new ones in their place."""

    async def renew(self, resource_id: str) -> datetime:
        """Have a channel go on, and return until when; raises `CalendarGone` where it is no more."""
        ...


@runtime_checkable
class TellsOfChanges(Protocol):
    """What a kind of provider may offer besides: sessions that are `Watches`."""

    hook: str
    """The last segment of the path to which notifications are sent."""

    def reaches(self, config: Mapping[str, str], public_url: str) -> bool:
        """Tell whether notifications can be sent to us, by what is known of us and of the provider."""
        ...


@runtime_checkable
class RevokesConsent(Protocol):
    """What a kind of provider may offer besides: taking a person's consent back for them (RFC 7009)."""

    async def revoke(self, client: GuardedClient, config: Mapping[str, str], credentials: Credentials) -> None:
        """Take back what was consented to, for all credentials of that account and this client of the provider.

        Consent that is no more is fine. Raises `ProviderError`.
        """
        ...


@runtime_checkable
class ConnectsByOAuth(Protocol):
    """What a kind of provider may offer besides: accounts whose owner consents on the provider's own pages."""

    def authorization_url(self, config: Mapping[str, str], asked: ConsentAsked) -> str:
        """Return where the person's browser is sent."""
        ...

    def refusal(self, error: str, description: str) -> Refused:
        """Return what an error means that the browser brought back (RFC 6749 §4.1.2.1)."""
        ...

    async def connect_with_code(
        self, client: GuardedClient, config: Mapping[str, str], *, code: str, asked: ConsentAsked, now: datetime
    ) -> Account:
        """Return the account that a code stands for, with what was consented to. `now` is when it came.

        Raises `NotSupported` where reading needs more, `CredentialsRefused`, `Unavailable`.
        """
        ...

    def consented(self, scopes: Collection[str]) -> Consented:
        """Tell what granted scopes allow."""
        ...
