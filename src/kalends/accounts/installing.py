"""Installing providers on a site."""

from collections.abc import Iterable, Mapping, Sequence

from kalends.accounts.directory import ProviderDirectory, secrets_row
from kalends.model.clock import Clock
from kalends.model.errors import Conflict, Invalid, NotFound, Rule, provider_not_found
from kalends.model.ids import new_id
from kalends.model.provider import Provider
from kalends.net.url import canonical_host, literal
from kalends.providers.base import ConnectsDelegated, ProviderKind
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.store.providers import Install, Installs
from kalends.vault.sealing import Vault

LONGEST_NAME = 200
MOST_DOMAINS = 100


class ProviderInstallation:
    """Installs and removes providers."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        kinds: Mapping[str, ProviderKind],
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._database = database
        self._directory = directory
        self._kinds = kinds
        self._vault = vault
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
        name = _checked_name(kind.default_name if name is None else name)
        try:
            checked = kind.check_config(config)
        except ValueError as error:
            raise Invalid.one("config", str(error), Rule.OTHER, name="PROVIDER_CONFIG") from None
        return await self._add(Install(site_id, new_id(), kind_name, name, checked))

    async def install_delegated(
        self,
        site_id: str,
        kind_name: str,
        *,
        secret: str,
        domains: Sequence[str],
        config: Mapping[str, str],
        name: str | None = None,
    ) -> Provider:
        """Install a provider whose mailboxes an administrator has opened, on an existing site; built-in kinds, too.

        `secret` is what the administrator handed out, in the provider's own form: a key file, say. It is sealed.
        Raises `NotFound` for the kind, `Invalid` for everything else that is none.
        """
        kind = self._kinds.get(kind_name)
        if kind is None or not isinstance(kind, ConnectsDelegated):
            raise NotFound(
                f"There is no kind of provider {kind_name!r} with delegated access.", code="PROVIDER_NOT_FOUND"
            )
        listed = _checked_domains(domains)
        try:
            delegation = kind.delegation(config, secret=secret, domains=listed)
        except ValueError as error:
            raise Invalid.one("config", str(error), Rule.OTHER, name="PROVIDER_CONFIG") from None
        name, provider_id = _checked_name(delegation.name if name is None else name), new_id()
        sealed = self._vault.seal(delegation.secrets, row=secrets_row(site_id, provider_id))
        return await self._add(Install(site_id, provider_id, kind_name, name, delegation.config, secrets=sealed))

    async def _add(self, install: Install) -> Provider:
        async with self._database.write() as writer:
            await Installs(writer, install.site_id).add(install, self._clock.now())
        return await self._directory.get(install.site_id, install.id)

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


def _checked_name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise Invalid.one("name", f"must have 1 to {LONGEST_NAME} characters", Rule.MAX_LENGTH)
    return name.strip()


def _checked_domains(domains: Iterable[str]) -> Sequence[str]:
    """Return domains as they are compared, each once and in order; raises `Invalid`."""
    listed = sorted({_domain(one) for one in domains})
    if not 1 <= len(listed) <= MOST_DOMAINS:
        raise Invalid.one("domains", f"1 to {MOST_DOMAINS} domains have to be listed", Rule.MAX_SIZE)
    return listed


def _domain(said: str) -> str:
    try:
        domain = canonical_host(said.strip())
    except ValueError:
        domain = ""
    if "." not in domain or literal(domain) is not None:
        raise Invalid.one("domains", f"{said[:LONGEST_NAME]!r} is no domain", Rule.FORMAT, data={"type": "DOMAIN"})
    return domain
