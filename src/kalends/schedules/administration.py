"""Schedules, as an operator makes and lists them."""

from collections.abc import Sequence

from kalends.model.schedule import Schedule, Site
from kalends.schedules.creating import ScheduleCreating, ScheduleDraft
from kalends.store.database import Database
from kalends.store.schedules import Schedules


class ScheduleAdministration:
    """Makes and lists schedules."""

    def __init__(self, database: Database, creating: ScheduleCreating) -> None:
        self._database = database
        self._creating = creating

    async def create(
        self,
        site: Site,
        *,
        name: str,
        schedule_id: str | None = None,
        owner_id: str | None = None,
        time_zone: str | None = None,
        external_id: str | None = None,
    ) -> Schedule:
        """Make a schedule, by default in the site's zone and without an owner; raises as `ScheduleCreating.create`."""
        draft = ScheduleDraft(
            name=name, id=schedule_id, owner_id=owner_id, time_zone=time_zone, external_id=external_id
        )
        return await self._creating.create(site.id, draft)

    async def all(self, site_id: str) -> Sequence[Schedule]:
        """Return the schedules of a site, cancelled ones included, by name."""
        async with self._database.read() as reader:
            return await Schedules(reader, site_id).matching()
