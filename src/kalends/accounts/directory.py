"""The providers of a site: those built in, and those installed there."""

from collections.abc import Mapping, Sequence

import structlog

from kalends.model.errors import Invalid, Rule, provider_not_found
from kalends.model.provider import BuiltIn, Provider, SealedSecrets
from kalends.providers.base import ProviderKind
from kalends.store.database import Database, Transaction
from kalends.store.providers import Install, Installs

log = structlog.get_logger(__name__)


def secrets_row(site_id: str, provider_id: str) -> str:
    """Return the name under which an installed provider's secrets are sealed."""
    return f"providers/{site_id}/{provider_id}"


class ProviderDirectory:
    """Knows the kinds of providers, and what each site has of them."""

    def __init__(
        self, database: Database, kinds: Mapping[str, ProviderKind], given: Mapping[str, BuiltIn] | None = None
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._given = given or {}

    def kind(self, provider: Provider) -> ProviderKind:
        """Return the plugin behind a provider."""
        return self._kinds[provider.kind]

    async def list(self, site_id: str) -> Sequence[Provider]:
        """Return the providers that can be connected to: the built-in ones by name, then the installed ones."""
        async with self._database.read() as connection:
            installs = await Installs(connection, site_id).all()
        return [*self.built_in(), *self._installed([one for one in installs if one.removed_at is None])]

    async def get(self, site_id: str, provider_id: str) -> Provider:
        """Return a provider that can be connected to; raises `NotFound`."""
        for provider in await self.list(site_id):
            if provider.id == provider_id.lower():
                return provider
        raise provider_not_found(provider_id)

    async def named(self, site_id: str, said: str) -> Provider:
        """Return the provider that a person means: by its id, or by a name or kind that only one has.

        Raises `NotFound`, and `Invalid` where several fit.
        """
        providers = await self.list(site_id)
        for fits in (
            [one for one in providers if one.id == said.lower()],
            [one for one in providers if said.casefold() in {one.name.casefold(), one.kind}],
        ):
            if len(fits) > 1:
                ids = ", ".join(one.id for one in fits)
                raise Invalid.one("provider", f"several providers are called {said!r}: {ids}", Rule.OTHER)
            if fits:
                return fits[0]
        raise provider_not_found(said)

    async def known(self, connection: Transaction, site_id: str) -> Mapping[str, Provider]:
        """Return id → provider, with those that were removed: existing connections still name them.

        An installation whose plugin is not there (any more) is left out.
        """
        installed = self._installed(await Installs(connection, site_id).all())
        return {provider.id: provider for provider in (*self._built_in(), *installed)}

    def of(self, provider_id: str, install: Install | None) -> Provider | None:
        """Return the provider that a connection names, given its installation where there is one, as `known` does."""
        found = self._built_in() if install is None else self._installed([install])
        return next((one for one in found if one.id == provider_id), None)

    def built_in(self) -> Sequence[Provider]:
        """Return the providers that every site has, and that are set up."""
        return [one for one in self._built_in() if self._is_set_up(one)]

    def _built_in(self) -> Sequence[Provider]:
        return [
            Provider(
                kind.built_in_id,
                kind.kind,
                given.name or kind.default_name,
                kind.calendar_type,
                kind.features(given.config),
                built_in=True,
                config=dict(given.config),
                secrets=dict(given.secrets),
            )
            for kind in sorted(self._kinds.values(), key=lambda one: one.default_name)
            if kind.built_in_id is not None
            for given in (self._given.get(kind.kind, BuiltIn()),)
        ]

    def _is_set_up(self, provider: Provider) -> bool:
        """Tell whether a built-in provider was given all that it needs: else nobody could connect to it."""
        try:
            self._kinds[provider.kind].check_config(provider.settings)
        except ValueError:
            return False
        return True

    def _installed(self, installs: Sequence[Install]) -> Sequence[Provider]:
        found = []
        for install in installs:
            kind = self._kinds.get(install.kind)
            if kind is None:
                log.warning("provider_without_plugin", provider=install.id, kind=install.kind)
            else:
                found.append(self._installation(kind, install))
        return found

    def _installation(self, kind: ProviderKind, install: Install) -> Provider:
        given = self._given.get(kind.kind, BuiltIn())
        sealed = None
        if install.secrets is not None:
            sealed = SealedSecrets(secrets_row(install.site_id, install.id), install.secrets)
        return Provider(
            install.id,
            kind.kind,
            install.name,
            kind.calendar_type,
            kind.features(install.config),
            built_in=False,
            config=dict(install.config),
            inherited=given.config,
            sealed=sealed,
        )
