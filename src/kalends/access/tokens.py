"""Access tokens: who gets one, and revoking one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kalends.access.secrets import matches
from kalends.model.clock import Clock
from kalends.model.errors import NotFound
from kalends.model.identity import IdentityKind
from kalends.model.ids import new_id
from kalends.store.api_keys import RevokedTokens
from kalends.store.apps import Apps, Installation, Installations
from kalends.store.database import Database
from kalends.store.users import Users
from kalends.vault.signing import Signer

TOKEN_PURPOSE = "access tokens"  # noqa: S105 - what the key is for


class ClientRefused(Exception):
    """The token endpoint does not know the client (RFC 6749 §5.2); `error` is the code of that section."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and how long it is valid."""

    token: str
    lifetime: timedelta


class Tokens:
    """Issues and revokes access tokens."""

    def __init__(self, database: Database, signer: Signer, clock: Clock, lifetime: timedelta) -> None:
        self._database = database
        self._signer = signer
        self._clock = clock
        self._lifetime = lifetime

    async def by_client_credentials(self, client_id: str, client_secret: str, instance_id: str | None) -> IssuedToken:
        """Return a token for an app on one site (RFC 6749 §4.4); without an instance id, for its only one.

        Raises `ClientRefused`.
        """
        async with self._database.read() as connection:
            apps = Apps(connection)
            app = await apps.get(client_id)
            # compared even for an unknown client, so that the time taken tells nothing
            proven = matches(client_secret, app.secret_hash if app else bytes(32))
            if app is None or not proven or app.revoked_at is not None:
                raise ClientRefused("invalid_client", "The client id or the client secret is wrong.")
            installations = await apps.installations(client_id)
        if instance_id is not None:
            installations = [one for one in installations if one.id == instance_id]
            if not installations:
                raise ClientRefused("invalid_grant", "The app is not installed under this instance id.")
        if len(installations) != 1:
            raise ClientRefused(
                "invalid_request", f"The app has {len(installations)} installations: say which by instance_id."
            )
        return self._issue(IdentityKind.APP, installations[0].site_id, client_id)

    async def for_user(self, site_id: str, user_id: str) -> IssuedToken:
        """Return a token for a user; raises `NotFound`."""
        async with self._database.read() as connection:
            user = await Users(connection, site_id).get(user_id)
        if user is None or user.disabled_at is not None:
            raise NotFound(f"The site has no active user {user_id}.", code="USER_NOT_FOUND")
        return self._issue(IdentityKind.USER, site_id, user_id)

    async def for_app(self, site_id: str, client_id: str) -> IssuedToken:
        """Return a token for an app on a site; raises `NotFound`."""
        async with self._database.read() as connection:
            installation: Installation | None = await Installations(connection, site_id).get(client_id)
        if installation is None or installation.revoked_at is not None:
            raise NotFound(f"The app {client_id} is not installed on the site.", code="APP_NOT_FOUND")
        return self._issue(IdentityKind.APP, site_id, client_id)

    async def revoke(self, token: str) -> None:
        """Make a token worthless before its time; raises `SignatureRefused` for what is no valid token."""
        claims: dict[str, Any] = self._signer.verify(token)
        async with self._database.write() as connection:
            await RevokedTokens(connection, claims["site"]).add(
                claims["jti"], datetime.fromtimestamp(claims["exp"], UTC)
            )

    def _issue(self, kind: IdentityKind, site_id: str, identity_id: str) -> IssuedToken:
        claims = {"kind": kind.value, "site": site_id, "sub": identity_id, "jti": new_id()}
        return IssuedToken(self._signer.sign(claims, self._lifetime), self._lifetime)
