"""Installing providers on a site."""

from collections.abc import Mapping

from kalends.accounts.directory import ProviderDirectory
from kalends.model.clock import Clock
from kalends.model.errors import Conflict, Invalid, NotFound, Rule, provider_not_found
from kalends.model.ids import new_id
from kalends.model.provider import Provider
from kalends.providers.base import ProviderKind
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.store.providers import Install, Installs

LONGEST_NAME = 200


class ProviderInstallation:
    """Installs and removes providers."""

    def __init__(
        self, database: Database, directory: ProviderDirectory, kinds: Mapping[str, ProviderKind], clock: Clock
    ) -> None:
        self._database = database
        self._directory = directory
        self._kinds = kinds
        self._clock = clock

    async def install(
        self, site_id: str, kind_name: str, *, config: Mapping[str, str], name: str | None = None
    ) -> Provider:
        """Install a provider on an existing site, under the name of its kind where none is given.

        Raises `NotFound` for the kind, `Invalid` for its configuration and for a name that is none.
        """
        kind = self._kinds.get(kind_name)
        if kind is None or kind.built_in_id is not None:
            raise NotFound(f"There is no kind of provider {kind_name!r} to install.", code="PROVIDER_NOT_FOUND")
        name = kind.default_name if name is None else name
        if not name.strip() or len(name) > LONGEST_NAME:
            raise Invalid.one("name", f"must have 1 to {LONGEST_NAME} characters", Rule.MAX_LENGTH)
        try:
            checked = kind.check_config(config)
        except ValueError as error:
            raise Invalid.one("config", str(error), Rule.OTHER, name="PROVIDER_CONFIG") from None
        install = Install(new_id(), kind_name, name.strip(), checked)
        async with self._database.write() as writer:
            await Installs(writer, site_id).add(install, self._clock.now())
        return await self._directory.get(site_id, install.id)

    async def remove(self, site_id: str, provider_id: str) -> None:
        """Remove an installed provider; raises `NotFound`, `Conflict` while it has live connections."""
        async with self._database.write() as writer:
            installs = Installs(writer, site_id)
            install = await installs.get(provider_id.lower())
            if install is None or install.removed_at is not None:
                raise provider_not_found(provider_id)
            live = await Connections(writer, site_id).count(install.id)
            if live:
                raise Conflict(
                    f"The provider has {live} live connections; disconnect them first.", code="PROVIDER_IN_USE"
                )
            await installs.remove(install.id, self._clock.now())
