"""Speaking for a connected account: its sealed credentials, opened for the time of a session."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.keeping import HeldCredentials, StoredCredentials, credentials_row
from kalends.model.calendar import Account
from kalends.model.clock import Clock
from kalends.model.connection import Connection
from kalends.model.provider import ConnectScopes, Provider
from kalends.net.budgets import Budgets
from kalends.net.client import GuardedClient
from kalends.providers.base import (
    AccountSession,
    ConnectsByFeed,
    ConnectsByOAuth,
    ConnectsDelegated,
    ConnectsWithCredentials,
    ConsentAsked,
    Credentials,
    RevokesConsent,
)
from kalends.providers.errors import CredentialsRefused, NotSupported, Unavailable
from kalends.store.database import Database
from kalends.vault.sealing import SealBroken, Vault

ProviderWatch = Callable[[str, str, str, float], None]
"""Told of each request to a provider: the kind of its plugin, the method, how the request ended, and its seconds."""


class Accounts:
    """Opens accounts: for the first time with what a person typed, later with what was kept."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        vault: Vault,
        client: GuardedClient,
        budgets: Budgets,
        clock: Clock,
        watch: ProviderWatch,
    ) -> None:
        self._database = database
        self._directory = directory
        self._vault = vault
        self._client = client
        self._budgets = budgets
        self._clock = clock
        self._watch = watch

    async def find(self, provider: Provider, *, email: str, password: str) -> Account:
        """Return the account that credentials open; raises `ProviderError`."""
        kind = self._directory.kind(provider)
        if not isinstance(kind, ConnectsWithCredentials):
            raise NotSupported(
                f"{provider.kind} takes no passwords",
                public=f"{provider.name} does not connect by e-mail address and password.",
            )
        # which account it is, nobody knows yet: until then it is known by what was typed
        client = self._client_for(provider, f"{provider.id} {email.strip().lower()}")
        return await kind.connect_with_credentials(client, provider.settings, email=email, password=password)

    async def find_by_code(self, provider: Provider, *, code: str, asked: ConsentAsked) -> Account:
        """Return the account whose owner has just consented; raises `ProviderError`."""
        kind = self.oauth(provider)
        return await kind.connect_with_code(
            self._client_for(provider, f"{provider.id} connecting"),
            provider.settings,
            code=code,
            asked=asked,
            now=self._clock.now(),
        )

    def oauth(self, provider: Provider) -> ConnectsByOAuth:
        """Return the plugin behind a provider, where accounts are connected to it by OAuth; raises `NotSupported`."""
        kind = self._directory.kind(provider)
        if not isinstance(kind, ConnectsByOAuth):
            raise NotSupported(f"{provider.kind} has no OAuth", public=f"{provider.name} does not connect by OAuth.")
        return kind

    async def find_delegated(self, provider: Provider, *, email: str, scopes: ConnectScopes) -> Account:
        """Return the account of a mailbox that an administrator has opened; raises `ProviderError`."""
        client = self._client_for(provider, f"{provider.id} {email.lower()}")
        return await self.delegated(provider).connect_delegated(
            client, self._told(provider), email=email, scopes=scopes, now=self._clock.now()
        )

    def delegated(self, provider: Provider) -> ConnectsDelegated:
        """Return the plugin behind a provider that was installed for delegated access; raises `NotSupported`."""
        kind = self._directory.kind(provider)
        if not isinstance(kind, ConnectsDelegated) or not kind.domains(provider.settings):
            raise NotSupported(
                f"{provider.id} is not one for delegated access",
                public=f"{provider.name} was not installed for delegated access.",
            )
        return kind

    async def find_feed(self, provider: Provider, *, url: str) -> Account:
        """Return the account that stands for a feed; raises `NotSupported`, and `BadUrl` for what is no address."""
        kind = self._directory.kind(provider)
        if not isinstance(kind, ConnectsByFeed):
            raise NotSupported(
                f"{provider.kind} has no feeds", public=f"{provider.name} does not connect by the address of a feed."
            )
        return await kind.connect_by_feed(self._client, provider.settings, url=url)

    async def revoke(self, provider: Provider, account_key: str, credentials: Credentials) -> None:
        """Take back what an account's owner consented to, where the provider lets us; raises `ProviderError`."""
        kind = self._directory.kind(provider)
        if isinstance(kind, RevokesConsent):
            await kind.revoke(self._client_for(provider, account_key), self._told(provider), credentials)

    @asynccontextmanager
    async def open(self, provider: Provider, account: Account) -> AsyncIterator[AccountSession]:
        """Open a session for an account that was just found; raises `ProviderError`."""
        kind = self._directory.kind(provider)
        client = self._client_for(provider, account.key)
        keeper = HeldCredentials(self._clock)
        async with kind.session(client, self._told(provider), account.credentials, keeper=keeper) as session:
            yield session

    @asynccontextmanager
    async def session(
        self,
        connection: Connection,
        provider: Provider,
        sealed: bytes | None,
        sent: Callable[[], None] | None = None,
    ) -> AsyncIterator[AccountSession]:
        """Open a session for a stored connection with its credentials, which are None where they were erased.

        `sent` is called for each request of it. Raises `ProviderError`.
        """
        if sealed is None:
            raise CredentialsRefused("the credentials were erased")
        credentials = self.unseal(sealed, connection.site_id, connection.id)
        kind = self._directory.kind(provider)
        client = self._client_for(provider, connection.account_key, sent)
        keeper = StoredCredentials(self._database, self._vault, self._clock, connection.site_id, connection.id)
        async with kind.session(client, self._told(provider), credentials, connection.quirks, keeper) as session:
            yield session

    def _told(self, provider: Provider) -> Mapping[str, str]:
        """Return all that a provider's plugin is told; raises `Unavailable` where the seal of its secrets is broken."""
        if provider.sealed is None:
            return provider.settings
        try:
            return {**provider.settings, **self._vault.open(provider.sealed.content, row=provider.sealed.row)}
        except SealBroken as error:
            raise Unavailable(str(error)) from None

    def _client_for(
        self, provider: Provider, account_key: str, sent: Callable[[], None] | None = None
    ) -> GuardedClient:
        """Return the client for one account: its requests are counted, and keep to the account's budgets."""

        def watch(method: str, outcome: str, seconds: float) -> None:
            self._watch(provider.kind, method, outcome, seconds)
            if sent is not None:
                sent()

        allowances = self._directory.kind(provider).budgets(provider.settings)
        return self._client.watched(watch).within(self._budgets.of(provider.kind, account_key, allowances))

    def seal(self, account: Account, site_id: str, connection_id: str) -> bytes:
        """Return the account's credentials as they are stored with a connection."""
        return self._vault.seal(account.credentials, row=credentials_row(site_id, connection_id))

    def unseal(self, sealed: bytes, site_id: str, connection_id: str) -> Mapping[str, Any]:
        """Return credentials that are stored with a connection; raises `Unavailable` where the seal is broken."""
        try:
            return self._vault.open(sealed, row=credentials_row(site_id, connection_id))
        except SealBroken as error:
            raise Unavailable(str(error)) from None
