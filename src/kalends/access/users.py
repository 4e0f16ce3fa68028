"""Users of a site, as an operator makes and disables them."""

from collections.abc import Awaitable, Callable, Sequence

from kalends.access.sites import checked_name
from kalends.model.clock import Clock
from kalends.model.errors import Conflict, Invalid, NotFound, Rule
from kalends.model.identity import Role
from kalends.model.ids import new_id
from kalends.model.schedule import User
from kalends.store.database import Database, Transaction
from kalends.store.repository import AlreadyThere
from kalends.store.users import Users

LONGEST_EMAIL = 254


class UserAdministration:
    """Makes, lists and disables users.

    `on_disable` takes part in the transaction that disables a user: it is given the site and the user's id.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        on_disable: Callable[[Transaction, str, str], Awaitable[int]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_disable = on_disable

    async def create(self, site_id: str, *, email: str, name: str, role: Role) -> User:
        """Make a user of an existing site; raises `Invalid`, `Conflict`."""
        user = User(site_id, new_id(), _email(email), checked_name("name", name), role, None)
        taken = Conflict(f"The site has a user {user.email} already.", code="USER_ALREADY_EXISTS")
        async with self._database.write() as writer:
            users = Users(writer, site_id)
            if await users.by_email(user.email) is not None:
                raise taken
            try:
                await users.add(user, self._clock.now())
            except AlreadyThere:
                raise taken from None
        return user

    async def all(self, site_id: str) -> Sequence[User]:
        """Return the users of a site."""
        async with self._database.read() as reader:
            return await Users(reader, site_id).all()

    async def disable(self, site_id: str, user_id: str) -> int:
        """Disable a user and disconnect what belongs to them; return how many connections. Raises `NotFound`."""
        async with self._database.write() as writer:
            users = Users(writer, site_id)
            user = await users.get(user_id.lower())
            if user is None:
                raise NotFound(f"There is no user {user_id}.", code="USER_NOT_FOUND")
            if user.disabled_at is None:
                await users.disable(user.id, self._clock.now())
            return await self._on_disable(writer, site_id, user.id)


def _email(value: str) -> str:
    value = value.strip().lower()
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or len(value) > LONGEST_EMAIL or any(one.isspace() for one in value):
        raise Invalid.one("email", "must be an e-mail address", Rule.FORMAT, data={"type": "EMAIL"})
    return value
