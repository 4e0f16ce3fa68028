"""Users of a site."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from kalends.model.identity import Role
from kalends.model.schedule import User
from kalends.store.repository import SiteRepository
from kalends.store.tables import users


class Users(SiteRepository):
    """The users of one site."""

    async def add(self, user: User, created_at: datetime) -> None:
        """Insert a user; raises `AlreadyThere`, after which the transaction is of no more use."""
        await self._insert(
            insert(users).values(
                site_id=self._site_id,
                id=user.id,
                email=user.email,
                name=user.name,
                role=user.role.value,
                created_at=created_at,
                disabled_at=user.disabled_at,
            )
        )

    async def get(self, user_id: str) -> User | None:
        """Return a user by id."""
        return await self._one(users.c.id == user_id)

    async def by_email(self, email: str) -> User | None:
        """Return a user by e-mail address, as stored (lower case)."""
        return await self._one(users.c.email == email)

    async def _one(self, condition: Any) -> User | None:
        query = select(users).where(users.c.site_id == self._site_id, condition)
        row = (await self._connection.execute(query)).one_or_none()
        return _user(row) if row else None

    async def all(self) -> Sequence[User]:
        """Return all users, by e-mail address."""
        query = select(users).where(users.c.site_id == self._site_id).order_by(users.c.email)
        return [_user(row) for row in await self._connection.execute(query)]

    async def disable(self, user_id: str, at: datetime) -> None:
        """Note that the user may do nothing any more."""
        await self._connection.execute(
            update(users).where(users.c.site_id == self._site_id, users.c.id == user_id).values(disabled_at=at)
        )


def _user(row: Row[Any]) -> User:
    return User(row.site_id, row.id, row.email, row.name, Role(row.role), row.disabled_at)
