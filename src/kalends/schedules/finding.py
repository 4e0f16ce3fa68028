"""What the use cases look up and check in the same way."""

from kalends.model.errors import Invalid, NotFound, Rule, schedule_not_found
from kalends.model.schedule import LONGEST_EXTERNAL_ID, Schedule, Site, User
from kalends.store.database import Transaction
from kalends.store.schedules import Schedules
from kalends.store.sites import Sites
from kalends.store.users import Users


async def find_schedule(connection: Transaction, site_id: str, schedule_id: str) -> Schedule:
    """Return a schedule of the site; raises `NotFound`."""
    schedule = await Schedules(connection, site_id).get(schedule_id.lower())
    if schedule is None:
        raise schedule_not_found(schedule_id)
    return schedule


async def site_in_force(writer: Transaction, site_id: str) -> Site:
    """Return the site, whose time zone stays what it is until the transaction ends."""
    sites = Sites(writer)
    await sites.lock(site_id, shared=True)
    site = await sites.get(site_id)
    if site is None:
        raise LookupError(f"site {site_id} vanished")
    return site


async def active_user(connection: Transaction, site_id: str, user_id: str) -> User:
    """Return a user who may own a schedule; raises `NotFound` where there is none, or the user is disabled."""
    user = await Users(connection, site_id).get(user_id.lower())
    if user is None or user.disabled_at is not None:
        raise NotFound(f"The site has no active user {user_id}.", code="USER_NOT_FOUND")
    return user


def checked_external_id(external_id: str) -> str:
    """Return an external id; raises `Invalid` where it is empty or too long."""
    where = "schedule.externalId"
    if not external_id:
        raise Invalid.one(where, "must not be empty", Rule.MIN_LENGTH, data={"threshold": 1})
    if len(external_id) > LONGEST_EXTERNAL_ID:
        said = f"must not be longer than {LONGEST_EXTERNAL_ID} characters"
        raise Invalid.one(where, said, Rule.MAX_LENGTH, data={"threshold": LONGEST_EXTERNAL_ID})
    return external_id
