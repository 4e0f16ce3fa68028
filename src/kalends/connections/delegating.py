"""Connecting by delegation: a mailbox that the administrator of its organisation has opened to the site.

Nobody is asked for consent, so that it is for few to do: identities that manage all connections, for mailboxes of the
domains that the provider was installed for, and for the schedule owner's own, unless somebody answers for another one.
Each is audited.
"""

from kalends.accounts.sessions import Accounts
from kalends.connections.connecting import AnsweredFor, Connecting, check_active
from kalends.connections.finding import require_premium
from kalends.connections.views import ConnectionView
from kalends.model.calendar import Account
from kalends.model.errors import (
    Invalid,
    PermissionDenied,
    PreconditionFailed,
    Rule,
    not_supported_by_provider,
)
from kalends.model.identity import Identity, Permission
from kalends.model.provider import ConnectScopes, Provider
from kalends.model.schedule import Schedule
from kalends.net.url import canonical_host
from kalends.providers.errors import NotSupported
from kalends.store.audit import Action
from kalends.store.database import Database
from kalends.store.sites import Sites
from kalends.store.users import Users

LONGEST_EMAIL = 254


class Delegating:
    """Connects mailboxes that an administrator has opened."""

    def __init__(self, database: Database, accounts: Accounts, connecting: Connecting) -> None:
        self._database = database
        self._accounts = accounts
        self._connecting = connecting

    async def connect(
        self, identity: Identity, *, provider_id: str, schedule_id: str, email: str, any_mailbox: bool = False
    ) -> ConnectionView:
        """Connect the mailbox with an e-mail address; the first import begins at once.

        `any_mailbox` lets it be another one than the schedule owner's. The same mailbox and schedule again give the
        same connection. Raises `Invalid` (`DOMAIN_NOT_LISTED`), `NotFound` (`MAILBOX_NOT_FOUND` too),
        `PermissionDenied`, `PreconditionFailed` (`MAILBOX_NOT_OWNERS`, `NOT_SUPPORTED_BY_PROVIDER`), `Unauthenticated`
        (`BAD_CREDENTIALS`), `ProviderUnavailable`.
        """
        provider, schedule = await self._connecting.reach(identity, provider_id, schedule_id)
        if Permission.MANAGE_ALL_CONNECTIONS not in identity.permissions:
            raise PermissionDenied("Mailboxes are connected by delegation by those who manage all connections.")
        require_premium(identity)
        check_active(schedule)
        email = email.strip()
        self._check_domain(provider, email)
        owners = await self._is_owners(schedule, email)
        if not owners and not any_mailbox:
            raise PreconditionFailed(
                "The mailbox is not that of the schedule's owner; whoever answers for that says so by anyMailbox.",
                code="MAILBOX_NOT_OWNERS",
            )
        details = {"provider": provider.id, "mailbox": email, "owners": owners}
        finding = self._found(provider, email, await self._scopes(schedule.site_id))
        answered_for = AnsweredFor(Action.CONNECTED_DELEGATED, details)
        return await self._connecting.found(identity, provider, schedule, finding, answered_for=answered_for)

    async def _found(self, provider: Provider, email: str, scopes: ConnectScopes) -> Account:
        account = await self._accounts.find_delegated(provider, email=email, scopes=scopes)
        if not self._is_listed(provider, account.email):
            # an alias in a listed domain may lead to somebody of another one
            foreign = "The mailbox belongs to an account of a domain that the provider was not installed for."
            raise NotSupported(foreign, public=foreign)
        return account

    def _check_domain(self, provider: Provider, email: str) -> None:
        try:
            listed = self._is_listed(provider, email)
        except NotSupported as unsupported:
            raise not_supported_by_provider(unsupported.public) from None
        if not listed or len(email) > LONGEST_EMAIL:
            raise Invalid.one(
                "email",
                "must be an address in one of the domains that the provider was installed for",
                Rule.OTHER,
                name="DOMAIN_NOT_LISTED",
            )

    def _is_listed(self, provider: Provider, email: str) -> bool:
        """Tell whether an address is of one of the provider's domains, in whichever spelling; raises `NotSupported`."""
        domains = self._accounts.delegated(provider).domains(provider.settings)
        local, _, domain = email.rpartition("@")
        try:
            return bool(local) and canonical_host(domain) in domains
        except ValueError:
            return False

    async def _is_owners(self, schedule: Schedule, email: str) -> bool:
        if schedule.owner_id is None:
            return False
        async with self._database.read() as reader:
            owner = await Users(reader, schedule.site_id).get(schedule.owner_id)
        return owner is not None and owner.email == email.lower()

    async def _scopes(self, site_id: str) -> ConnectScopes:
        async with self._database.read() as reader:
            site = await Sites(reader).get(site_id)
        return site.connect_scopes if site is not None else ConnectScopes.READ
