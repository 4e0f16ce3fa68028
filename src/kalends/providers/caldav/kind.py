"""The plugin: what the CalDAV kind, and kinds that are CalDAV at a fixed place, offer to the rest of Kalends."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from kalends.ical import expand_resource, is_tame
from kalends.model.calendar import Account
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.model.provider import CalendarType, ConnectMethod, ExportFeature, Features, ImportFeature
from kalends.net.allowance import Allowance, Scope
from kalends.net.client import GuardedClient
from kalends.net.credentials import BasicCredentials, CredentialScope
from kalends.providers.base import AccountSession, CredentialKeeper, Delivery, Probed
from kalends.providers.caldav import config as settings
from kalends.providers.caldav import hrefs
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.discovery import discover, starting_points
from kalends.providers.caldav.probing import probe
from kalends.providers.caldav.quirks import QUIRKS
from kalends.providers.caldav.roaming import RoamingSession, roaming_key
from kalends.providers.caldav.session import CalDavSession, kept_credentials
from kalends.providers.caldav.stored_copies import tag_of
from kalends.providers.errors import CredentialsRefused
from kalends.providers.quirks import Quirk, Quirks

_FEWEST_AT_ONCE = 5
_MINUTE = timedelta(minutes=1)


@dataclass(kw_only=True)
class CalDavKind:
    """A kind of provider that speaks CalDAV.

    `fixed_url`, where not None, is where all its accounts are; an installation then has nothing to configure.
    `one_domain` says of that place that all hosts of its domain are one server, whichever of them an account is on.
    `requests_per_minute` is how often an account may be asked where an installation does not say it, None for no limit.
    `advice` is told to a person whose credentials were refused.
    """

    kind: str = "caldav"
    built_in_id: str | None = None
    calendar_type: CalendarType = CalendarType.OTHER
    default_name: str = "CalDAV"
    delivers: Delivery = Delivery.RESOURCES
    fixed_url: str | None = None
    one_domain: bool = False
    requests_per_minute: int | None = None
    advice: str = (
        "Where the account uses two-step sign-in, it takes an app-specific password in place of the usual one."
    )

    @property
    def quirks(self) -> Mapping[str, Quirk]:
        """The deviations that are known of CalDAV servers, by name."""
        return QUIRKS

    def features(self, config: Mapping[str, str]) -> Features:  # noqa: ARG002 - the same for every installation
        """Return what an installation can do."""
        return Features(
            connect_methods=(ConnectMethod.CREDENTIALS,),
            update_sync_config=True,
            list_event_from_calendars=ImportFeature.SPECIFIC_CALENDARS,
            sync_to_calendar=ExportFeature.DEDICATED_CALENDAR,
            primary_calendar=False,
        )

    def check_config(self, config: Mapping[str, str]) -> dict[str, str]:
        """Return the configuration in its normal form; raises `ValueError` with a message for the operator."""
        if self.fixed_url is None:
            return settings.check_config(config)
        if config:
            raise ValueError(
                f"{self.default_name} has no settings, so not {', '.join(map(repr, sorted(config)))} either"
            )
        return {}

    def budgets(self, config: Mapping[str, str]) -> Sequence[Allowance]:
        """Return how often an account may be asked: at once, as often as in five seconds, and at least five times."""
        requests = settings.requests_per_minute(config) or self.requests_per_minute
        if requests is None:
            return ()
        return (Allowance(Scope.ACCOUNT, requests, _MINUTE, max(requests // 12, _FEWEST_AT_ONCE)),)

    async def connect_with_credentials(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, password: str
    ) -> Account:
        """Find the account that the credentials open, known by the principal's URL, or the place's and the user name.

        Raises `CredentialsRefused`, `NotSupported`, `Unavailable`.
        """
        checked = self._checked(config)
        place = checked[settings.URL]
        origin = hrefs.origin_of(f"https://{place}" if settings.is_domain(place) else place)
        email = email.strip()
        user = settings.Username(checked[settings.USERNAME]).of(email)
        if ":" in user:
            # RFC 7617 §2: what follows the colon would be taken for the password.
            raise CredentialsRefused("a user name with a colon in it", public="A user name has no colon in it.")
        credentials = BasicCredentials(user, password, CredentialScope(origin, client.policy))
        dav = DavClient(client, credentials, advice=self.advice)
        found = await discover(dav, await starting_points(client, dav, place))
        return Account(
            key=roaming_key(found.key, origin) if self.one_domain else found.key,
            email=email,
            addresses=found.addresses | ({email.lower()} if "@" in email else set()),
            credentials=kept_credentials(user, password, origin=origin, principal=found.principal, homes=found.homes),
        )

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],  # noqa: ARG002 - what connecting found stands in the credentials
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),
        keeper: CredentialKeeper | None = None,  # noqa: ARG002 - a password is not renewed
    ) -> AsyncIterator[AccountSession]:
        """Open a session for an account, with the credentials that connecting returned."""
        open_at = partial(CalDavSession, client, advice=self.advice, met=Quirks(known_quirks))
        yield RoamingSession(credentials, open_at) if self.one_domain else open_at(credentials)

    async def probe(self, client: GuardedClient, config: Mapping[str, str]) -> Probed:
        """Ask the server for its options (RFC 9110 §9.3.7); raises `net.errors.NetError`."""
        return await probe(client, self._checked(config)[settings.URL])

    def tag_of(self, payload: bytes) -> str | None:
        """Return the tag of the copy that a resource is, None for any other resource."""
        return tag_of(payload)

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        """Tell cheaply whether expanding the group is sure to be quick."""
        return is_tame(payloads)

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        """Expand the items of one group, ordered by key: a resource with its master and overrides."""
        return expand_resource(payloads, context)

    def _checked(self, config: Mapping[str, str]) -> dict[str, str]:
        return settings.check_config({settings.URL: self.fixed_url} if self.fixed_url else config)
