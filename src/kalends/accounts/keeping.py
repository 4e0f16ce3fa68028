"""Keeping credentials that are renewed from time to time: one process renews at a time, the others adopt."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from kalends.model.clock import Clock
from kalends.providers.base import Credentials
from kalends.providers.errors import CredentialsRefused, Unavailable
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.vault.sealing import SealBroken, Vault

RENEWAL = timedelta(seconds=90)
"""How long one process may take to renew; who died over it is waited for that long. More than a request may take."""
LOOK_AGAIN = 0.1
"""Seconds between two looks at whether another process is done."""


def credentials_row(site_id: str, connection_id: str) -> str:
    """Return the name under which a connection's credentials are sealed."""
    return f"connections/{site_id}/{connection_id}"


class StoredCredentials:
    """Keeps the credentials of one connection in the store, sealed (`providers.base.CredentialKeeper`)."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, site_id: str, connection_id: str) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._site_id = site_id
        self._id = connection_id
        self._row = credentials_row(site_id, connection_id)

    def now(self) -> datetime:
        """Return the time by which they run out."""
        return self._clock.now()

    async def renew(self, used: Credentials, renewal: Callable[[Credentials], Awaitable[Credentials]]) -> Credentials:
        """Return credentials that are newer than those that were `used`, and kept.

        New ones are stored before anybody uses them: where refresh tokens are good for one use, nobody is left with one
        that was used. Raises what `renewal` raises, `CredentialsRefused` where none are kept any more, `Unavailable`
        where another process takes too long.
        """
        deadline = asyncio.get_running_loop().time() + RENEWAL.total_seconds()
        while asyncio.get_running_loop().time() < deadline:
            sealed = await self._sealed()
            kept = self._open(sealed)
            if kept != used:
                return kept
            if await self._claim(sealed):
                renewed = await self._renewed(sealed, kept, renewal)
                if renewed is not None:
                    return renewed
            else:
                await asyncio.sleep(LOOK_AGAIN)
        raise Unavailable("another process has been renewing the credentials for too long")

    async def _renewed(
        self, sealed: bytes, kept: Credentials, renewal: Callable[[Credentials], Awaitable[Credentials]]
    ) -> Credentials | None:
        """Return renewed credentials, None where others were stored meanwhile, by connecting again or disconnecting."""
        after, refused = sealed, None
        try:
            renewed = await renewal(kept)
            after = self._vault.seal(renewed, row=self._row)
        except CredentialsRefused as error:
            refused = error
        finally:
            # what was renewed is stored even where nobody waits for it any more: the earlier may be of no more use
            stored = await asyncio.shield(self._end(sealed, after))
        if not stored:
            return None
        if refused is not None:
            raise refused
        return renewed

    async def _sealed(self) -> bytes:
        async with self._database.read() as reader:
            sealed = await Connections(reader, self._site_id).sealed_credentials(self._id)
        if sealed is None:
            raise CredentialsRefused("the credentials were erased")
        return sealed

    def _open(self, sealed: bytes) -> Credentials:
        try:
            return self._vault.open(sealed, row=self._row)
        except SealBroken as error:
            raise Unavailable(str(error)) from None

    async def _claim(self, sealed: bytes) -> bool:
        now = self._clock.now()
        async with self._database.write() as writer:
            return await Connections(writer, self._site_id).claim_renewal(
                self._id, sealed, now=now, until=now + RENEWAL
            )

    async def _end(self, before: bytes, after: bytes) -> bool:
        async with self._database.write() as writer:
            return await Connections(writer, self._site_id).end_renewal(self._id, before, after)


class HeldCredentials:
    """Holds the credentials of an account that was just found, and is not stored yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """Return the time by which they run out."""
        return self._clock.now()

    async def renew(self, used: Credentials, renewal: Callable[[Credentials], Awaitable[Credentials]]) -> Credentials:
        """Return renewed credentials; raises what `renewal` raises."""
        return await renewal(used)
