"""The provider for Microsoft accounts, of work, school and at home: Microsoft Graph v1.0."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from kalends.model.calendar import Account, ExternalCalendar
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.model.provider import CalendarType, ConnectMethod, ConnectScopes, ExportFeature, Features, ImportFeature
from kalends.net.allowance import Allowance, Scope
from kalends.net.client import GuardedClient
from kalends.net.dates import http_date
from kalends.providers.base import (
    AccountSession,
    ConsentAsked,
    Consented,
    CredentialKeeper,
    Delegation,
    Delivery,
    Probed,
    Refused,
)
from kalends.providers.errors import NotSupported, Unavailable
from kalends.providers.microsoft import auth, delegated, expansion
from kalends.providers.microsoft import config as settings
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.payload import tag_of
from kalends.providers.microsoft.scopes import consented, named
from kalends.providers.microsoft.session import MicrosoftSession
from kalends.providers.oauth.stored_token import StoredToken
from kalends.providers.oauth.token_endpoint import granted, scopes_of
from kalends.providers.quirks import Quirk

_AT_ONCE = 20
"""Which part of ten minutes' requests may be sent at once."""


@dataclass
class MicrosoftKind:
    """People connect by OAuth; Graph expands series, whose occurrences inherit from their masters."""

    kind: str = "microsoft"
    built_in_id: str | None = "7a1e9a0e-93b7-4b55-8e39-6ad5f3f0a9c4"
    calendar_type: CalendarType = CalendarType.MICROSOFT
    default_name: str = "Microsoft"
    delivers: Delivery = Delivery.INSTANCES
    hook: str = "microsoft"

    @property
    def quirks(self) -> Mapping[str, Quirk]:
        """None: there is one server."""
        return {}

    def features(self, config: Mapping[str, str]) -> Features:
        """Return what Microsoft can do; the contract has no word for connecting by delegation."""
        return Features(
            connect_methods=() if settings.is_delegated(config) else (ConnectMethod.OAUTH,),
            update_sync_config=True,
            list_event_from_calendars=ImportFeature.SPECIFIC_CALENDARS,
            sync_to_calendar=ExportFeature.DEDICATED_CALENDAR,
            primary_calendar=True,
        )

    def check_config(self, config: Mapping[str, str]) -> dict[str, str]:
        """Return the configuration with its defaults; raises `ValueError`."""
        return settings.check_config(config)

    def budgets(self, config: Mapping[str, str]) -> Sequence[Allowance]:
        """Return what Outlook allows for one mailbox: so many requests in ten minutes, and so many at once."""
        checked = {**settings.DEFAULTS, **config}
        requests = int(checked[settings.ACCOUNT_REQUESTS])
        burst = max(1, requests // _AT_ONCE)
        return (
            Allowance(
                Scope.ACCOUNT, max(1, requests - burst), timedelta(minutes=10), burst, int(checked[settings.AT_ONCE])
            ),
        )

    def authorization_url(self, config: Mapping[str, str], asked: ConsentAsked) -> str:
        """Return Microsoft's page at which consent is given."""
        return auth.authorization_url(settings.check_config(config), asked)

    def refusal(self, error: str, description: str) -> Refused:
        """Return what an error means that the browser brought back."""
        return auth.refusal(error, description)

    async def connect_with_code(
        self, client: GuardedClient, config: Mapping[str, str], *, code: str, asked: ConsentAsked, now: datetime
    ) -> Account:
        """Return the account whose owner consented; raises `NotSupported`, `CredentialsRefused`, `Unavailable`."""
        checked = settings.check_config(config)
        given = await auth.exchange(client, checked, code, asked)
        person = await auth.verified(client, checked, given, asked.nonce, now)
        scopes = named(scopes_of(given))
        if not consented(scopes).reading:
            raise NotSupported(
                "the consent does not reach as far as reading", public="Reading the calendars was not consented to."
            )
        return Account(
            key=person.key,
            email=person.email,
            addresses=person.addresses,
            credentials=granted(given, now) | {"addresses": sorted(person.addresses)},
            scopes=scopes,
            lasting=bool(given.get("refresh_token")),
        )

    def delegation(self, config: Mapping[str, str], *, secret: str, domains: Sequence[str]) -> Delegation:
        """Return what is kept of an app's credentials; raises `ValueError`."""
        if config:
            raise ValueError("all that Microsoft needs is in the app's credentials")
        return delegated.installation(secret, domains)

    def domains(self, config: Mapping[str, str]) -> Collection[str]:
        """Return the domains whose mailboxes an app may open."""
        return delegated.domains_of(config)

    async def connect_delegated(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, scopes: ConnectScopes, now: datetime
    ) -> Account:
        """Return the account of a mailbox, opened as the app; see `delegated.connect`."""
        return await delegated.connect(client, settings.check_config(config), email, scopes, now)

    def consented(self, scopes: Collection[str]) -> Consented:
        """Tell what granted scopes allow."""
        return consented(scopes)

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),  # noqa: ARG002 - there are none
        keeper: CredentialKeeper | None = None,
    ) -> AsyncIterator[AccountSession]:
        """Open a session for an account, with the credentials that connecting returned."""
        if keeper is None:
            raise TypeError("Microsoft's access tokens have to be renewed and kept")
        try:
            checked = settings.check_config(config)
        except ValueError as error:
            raise Unavailable(str(error)) from None
        is_delegated = settings.is_delegated(checked)
        renew = delegated.renew if is_delegated else auth.refresh
        mailbox = ("users", str(credentials.get("mailbox"))) if is_delegated else ("me",)
        token = StoredToken(partial(renew, client, checked), credentials, keeper)
        api = GraphApi(client, token, checked[settings.GRAPH_URL], mailbox)
        yield MicrosoftSession(api, frozenset(credentials.get("addresses") or ()), keeper)

    def became(self, calendar: ExternalCalendar, others: Sequence[ExternalCalendar]) -> ExternalCalendar | None:
        """Return the calendar that one has become whose id is no more, as ids of folders have no immutable form.

        The default calendar is the default one again; another one is the only one of its name and owner.
        """
        if calendar.primary:
            same = [one for one in others if one.primary]
        else:
            same = [one for one in others if (one.name, one.own, one.primary) == (calendar.name, calendar.own, False)]
        return same[0] if len(same) == 1 else None

    def reaches(self, config: Mapping[str, str], public_url: str) -> bool:
        """Tell whether Graph can send us notifications: over https alone, but from a sandbox beside us."""
        graph = urlsplit({**settings.DEFAULTS, **config}[settings.GRAPH_URL])
        return urlsplit(public_url).scheme == "https" or graph.scheme == "http"

    async def probe(self, client: GuardedClient, config: Mapping[str, str]) -> Probed:
        """Ask for Microsoft's public keys; raises `net.errors.NetError`."""
        checked = {**settings.DEFAULTS, **config}
        url = f"{checked[settings.LOGIN_URL]}/{checked[settings.TENANT]}{auth.KEYS_PATH}"
        answer = await client.request("GET", url)
        return Probed(urlsplit(answer.url).hostname or "", answer.status, http_date(answer.headers.get("date", "")))

    def tag_of(self, payload: bytes) -> str | None:
        """Return the tag of the copy that a stored event is, None for any other event."""
        return tag_of(payload)

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        """Tell cheaply whether expanding the group is sure to be quick."""
        return expansion.is_tame(payloads)

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        """Return the occurrences of one group: an event, or a series' occurrences and exceptions."""
        return expansion.expand(payloads, context)


MICROSOFT = MicrosoftKind()
