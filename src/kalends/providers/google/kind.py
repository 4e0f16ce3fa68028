"""The provider for Google accounts: Google Calendar API v3."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from kalends.model.calendar import Account
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
    Credentials,
    Delegation,
    Delivery,
    Probed,
    Refused,
)
from kalends.providers.errors import NotSupported, Unavailable
from kalends.providers.google import auth, delegated, expansion
from kalends.providers.google import config as settings
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.payload import tag_of
from kalends.providers.google.scopes import consented
from kalends.providers.google.session import GoogleSession
from kalends.providers.oauth.stored_token import StoredToken
from kalends.providers.oauth.token_endpoint import granted, scopes_of
from kalends.providers.quirks import Quirk

API_PATH = "/calendar/v3"
_AT_ONCE = 20
"""Which part of a minute's requests may be sent at once."""


@dataclass
class GoogleKind:
    """People connect by OAuth, or an administrator has delegated; master and exceptions of a series are items each."""

    kind: str = "google"
    built_in_id: str | None = "2f5c1c1e-6b0a-4d39-9a55-0c8f3f1d7e21"
    calendar_type: CalendarType = CalendarType.GOOGLE
    default_name: str = "Google"
    delivers: Delivery = Delivery.SERIES
    hook: str = "google"

    @property
    def quirks(self) -> Mapping[str, Quirk]:
        """None: there is one server."""
        return {}

    def features(self, config: Mapping[str, str]) -> Features:
        """Return what Google can do; the contract has no word for connecting by delegation."""
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
        """Return Google's quotas, of which a part may be used at once."""
        checked = {**settings.DEFAULTS, **config}
        return (
            _a_minute(Scope.ACCOUNT, int(checked[settings.ACCOUNT_REQUESTS])),
            _a_minute(Scope.PROJECT, int(checked[settings.REQUESTS])),
        )

    def authorization_url(self, config: Mapping[str, str], asked: ConsentAsked) -> str:
        """Return Google's page at which consent is given."""
        return auth.authorization_url(settings.check_config(config), asked)

    def refusal(self, error: str, description: str) -> Refused:  # noqa: ARG002 - Google says nothing there
        """Return what an error means that the browser brought back from Google."""
        return _REFUSALS.get(error, Refused.INTERNAL)

    async def connect_with_code(
        self, client: GuardedClient, config: Mapping[str, str], *, code: str, asked: ConsentAsked, now: datetime
    ) -> Account:
        """Return the account whose owner consented; raises `NotSupported`, `CredentialsRefused`, `Unavailable`."""
        checked = settings.check_config(config)
        given = await auth.exchange(client, checked, code, asked)
        person = await auth.verified(client, checked, given, asked.nonce, now)
        scopes = scopes_of(given)
        if not consented(scopes).reading:
            raise NotSupported(
                "the consent does not reach as far as reading",
                public="Reading the calendars was not consented to.",
            )
        email = person.email.lower()
        return Account(
            key=person.key,
            email=person.email,
            addresses=frozenset({email}),
            credentials=granted(given, now),
            scopes=scopes,
            lasting=bool(given.get("refresh_token")),
        )

    def delegation(self, config: Mapping[str, str], *, secret: str, domains: Sequence[str]) -> Delegation:
        """Return what is kept of a service account's key file; raises `ValueError`."""
        if config:
            raise ValueError("all that Google needs is in the key file")
        return delegated.installation(secret, domains)

    def domains(self, config: Mapping[str, str]) -> Collection[str]:
        """Return the domains of a service account."""
        return delegated.domains_of(config)

    async def connect_delegated(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, scopes: ConnectScopes, now: datetime
    ) -> Account:
        """Return the account of a mailbox, opened as the service account; see `delegated.connect`."""
        return await delegated.connect(client, settings.check_config(config), email, scopes, now)

    async def revoke(self, client: GuardedClient, config: Mapping[str, str], credentials: Credentials) -> None:
        """Take back the person's consent, where it was asked for; raises `ProviderError`."""
        if settings.is_delegated(config):
            return  # an administrator gave it, for everybody at once
        await auth.revoke(client, settings.check_config(config), credentials)

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
            raise TypeError("Google's access tokens have to be renewed and kept")
        try:
            checked = settings.check_config(config)
        except ValueError as error:
            raise Unavailable(str(error)) from None
        renew = delegated.renew if settings.is_delegated(checked) else auth.refresh
        token = StoredToken(partial(renew, client, checked), credentials, keeper)
        yield GoogleSession(CalendarApi(client, token, checked[settings.API_URL] + API_PATH))

    def reaches(self, config: Mapping[str, str], public_url: str) -> bool:
        """Tell whether Google can send us notifications: over https alone, but from a sandbox beside us."""
        api = urlsplit({**settings.DEFAULTS, **config}[settings.API_URL])
        return urlsplit(public_url).scheme == "https" or api.scheme == "http"

    async def probe(self, client: GuardedClient, config: Mapping[str, str]) -> Probed:
        """Ask for Google's public keys; raises `net.errors.NetError`."""
        answer = await client.request("GET", {**settings.DEFAULTS, **config}[settings.API_URL] + auth.CERTS_PATH)
        return Probed(urlsplit(answer.url).hostname or "", answer.status, http_date(answer.headers.get("date", "")))

    def tag_of(self, payload: bytes) -> str | None:
        """Return the tag of the copy that a stored event is, None for any other event."""
        return tag_of(payload)

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        """Tell cheaply whether expanding the group is sure to be quick."""
        return expansion.is_tame(payloads)

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        """Expand the items of one group: an event, or a master with its exceptions."""
        return expansion.expand(payloads, context)


_REFUSALS = {
    "access_denied": Refused.REJECT,
    # the organisation's policy, or a project that only its own organisation may use
    "admin_policy_enforced": Refused.UNSUPPORTED,
    "org_internal": Refused.UNSUPPORTED,
    "disallowed_useragent": Refused.UNSUPPORTED,
}


def _a_minute(scope: Scope, requests: int) -> Allowance:
    burst = max(1, requests // _AT_ONCE)
    return Allowance(scope, max(1, requests - burst), timedelta(minutes=1), burst)


GOOGLE = GoogleKind()
