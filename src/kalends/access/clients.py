"""Programs that call the API: apps with a client id and secret, and API keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kalends.access.secrets import digest, new_api_key, new_client_secret
from kalends.access.sites import checked_name
from kalends.model.clock import Clock
from kalends.model.errors import Invalid, NotFound, Rule
from kalends.model.identity import MANAGE_EXTERNAL_CALENDARS, granted
from kalends.model.ids import new_id
from kalends.store.api_keys import ApiKey, ApiKeys
from kalends.store.apps import App, Apps, Installation, Installations
from kalends.store.database import Database


@dataclass(frozen=True, slots=True)
class NewApp:
    """An app that was just made and installed; its secret is shown this once."""

    client_id: str
    client_secret: str
    instance_id: str


class ClientAdministration:
    """Makes, lists and revokes apps and API keys of existing sites."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create_app(self, site_id: str, *, name: str, scopes: Iterable[str] = (), premium: bool = True) -> NewApp:
        """Make an app and install it on a site; without scopes it may manage external calendars. Raises `Invalid`.

        With `premium` false, calls that need the premium features answer `PREMIUM_FEATURE_NOT_ENABLED`.
        """
        secret = new_client_secret()
        app = App(new_id(), checked_name("name", name), digest(secret))
        installation = Installation(site_id, new_id(), app.id, app.name, _scopes(scopes), premium, None)
        async with self._database.write() as writer:
            await Apps(writer).add(app, self._clock.now())
            await Installations(writer, site_id).add(installation, self._clock.now())
        return NewApp(app.id, secret, installation.id)

    async def apps(self, site_id: str) -> Sequence[Installation]:
        """Return the apps that are installed on a site, revoked ones included."""
        async with self._database.read() as reader:
            return await Installations(reader, site_id).all()

    async def revoke_app(self, site_id: str, client_id: str) -> None:
        """End an app's installation; its tokens are worthless within seconds. Raises `NotFound`."""
        async with self._database.write() as writer:
            installations = Installations(writer, site_id)
            if await installations.get(client_id.lower()) is None:
                raise NotFound(f"There is no app {client_id} on the site.", code="APP_NOT_FOUND")
            await installations.revoke(client_id.lower(), self._clock.now())

    async def create_api_key(self, site_id: str, *, scopes: Iterable[str] = ()) -> tuple[str, ApiKey]:
        """Make an API key; return the key itself, shown this once, and its record. Raises `Invalid`."""
        key = new_api_key()
        record = ApiKey(new_id(), digest(key), _scopes(scopes), self._clock.now())
        async with self._database.write() as writer:
            await ApiKeys(writer, site_id).add(record)
        return key, record

    async def api_keys(self, site_id: str) -> Sequence[ApiKey]:
        """Return the records of a site's API keys, revoked ones included."""
        async with self._database.read() as reader:
            return await ApiKeys(reader, site_id).all()

    async def revoke_api_key(self, site_id: str, key_id: str) -> None:
        """End an API key; raises `NotFound`."""
        async with self._database.write() as writer:
            if not await ApiKeys(writer, site_id).revoke(key_id.lower(), self._clock.now()):
                raise NotFound(f"There is no API key {key_id} on the site.", code="API_KEY_NOT_FOUND")


def _scopes(names: Iterable[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(names)) or (MANAGE_EXTERNAL_CALENDARS,)
    try:
        granted(chosen)
    except ValueError as error:
        raise Invalid.one("scope", str(error), Rule.INVALID_ENUM_VALUE) from None
    return chosen
