"""The schedules of Calendar V3: `client.schedules`."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import uuid4

from kalends.client._asking import Resource, given, segment
from kalends.client._calling import Awaiting, Blocking, Pages, iteration, method
from kalends.client._decoding import decode, decode_field
from kalends.client._models import Schedule, SchedulePage, flat_page, following


class Keep(Enum):
    """What an update says of a field that it leaves as it is, where None takes it away."""

    KEEP = "keep"


KEEP = Keep.KEEP
Json = Mapping[str, Any]


class _Schedules(Resource):
    @method
    async def create(
        self,
        *,
        name: str,
        id: str | None = None,  # noqa: A002 - the contract's word
        time_zone: str | None = None,
        business_time_zone_enabled: bool | None = None,
        external_id: str | None = None,
        app_id: str | None = None,
        owner_id: str | None = None,
        default_title: str | None = None,
        default_capacity: int | None = None,
        default_location: Json | None = None,
        default_conferencing_details: Json | None = None,
        extended_fields: Json | None = None,
        idempotency_key: str | None = None,
    ) -> Schedule:
        """Create a schedule; `id` (a GUID) may be chosen, `owner_id` is the user whose schedule it is.

        Without a time zone (IANA) it has that of the site. The same `idempotency_key` (a GUID) makes one schedule
        however often it is sent; one is made up where none is given, so that the call can be tried again.
        """
        schedule = given(
            id=id,
            name=name,
            timeZone=time_zone,
            businessTimeZoneEnabled=business_time_zone_enabled,
            externalId=external_id,
            appId=app_id,
            owner=_owner(owner_id),
            defaultTitle=default_title,
            defaultCapacity=default_capacity,
            defaultLocation=default_location,
            defaultConferencingDetails=default_conferencing_details,
            extendedFields=extended_fields,
        )
        asked = {"schedule": schedule, "idempotencyKey": idempotency_key or str(uuid4())}
        return _schedule(await self._send("POST", "", asked, repeatable=True))

    @method
    async def get(self, schedule_id: str) -> Schedule:
        """Return one schedule."""
        return _schedule(await self._get(f"/{segment(schedule_id)}"))

    @method
    async def update(
        self,
        schedule_id: str,
        *,
        revision: str,
        name: str | None = None,
        time_zone: str | None = None,
        business_time_zone_enabled: bool | None = None,
        external_id: str | Keep | None = KEEP,
        owner_id: str | Keep | None = KEEP,
        default_title: str | Keep | None = KEEP,
        default_capacity: int | Keep | None = KEEP,
        default_location: Json | Keep | None = KEEP,
        default_conferencing_details: Json | Keep | None = KEEP,
        extended_fields: Json | Keep | None = KEEP,
    ) -> Schedule:
        """Change what is given; None takes away an external id, the owner, a default, or the extended fields.

        Raises `Conflict` if the schedule is not at this revision any more: get it anew, and decide again.
        """
        schedule = given(
            id=schedule_id,
            revision=revision,
            name=name,
            timeZone=time_zone,
            businessTimeZoneEnabled=business_time_zone_enabled,
        )
        clearable = {
            "externalId": external_id,
            "owner": owner_id if owner_id is KEEP else _owner(owner_id),
            "defaultTitle": default_title,
            "defaultCapacity": default_capacity,
            "defaultLocation": default_location,
            "defaultConferencingDetails": default_conferencing_details,
            "extendedFields": extended_fields,
        }
        schedule |= {name: value for name, value in clearable.items() if value is not KEEP}
        return _schedule(await self._send("PATCH", f"/{segment(schedule_id)}", {"schedule": schedule}))

    @method
    async def query(
        self,
        *,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the contract's word
        sort: Sequence[Mapping[str, str]] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> SchedulePage:
        """Return a page of schedules, by default of active ones.

        A filter is written as in `{"status": {"$eq": "CANCELLED"}}`, an order as in
        `[{"fieldName": "createdDate", "order": "DESC"}]`. A cursor stands for the whole query that it came from.
        """
        return await self._page({**given(filter=filter, sort=sort), "cursorPaging": given(limit=limit, cursor=cursor)})

    @iteration
    def iter(
        self,
        *,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the contract's word
        sort: Sequence[Mapping[str, str]] | None = None,
        page_size: int | None = None,
    ) -> Pages[Schedule]:
        """Return an iterator over all schedules that a query finds, in pages of `page_size`."""
        query = {**given(filter=filter, sort=sort), "cursorPaging": given(limit=page_size)}

        async def page(cursor: str | None) -> tuple[Sequence[Schedule], str | None]:
            found = await self._page(query if cursor is None else {"cursorPaging": {"cursor": cursor}})
            return found.schedules, following(found)

        return Pages(page)

    @method
    async def cancel(self, schedule_id: str, *, preserve_future_events_with_participants: bool = False) -> Schedule:
        """Cancel a schedule, for good."""
        asked = {"preserveFutureEventsWithParticipants": preserve_future_events_with_participants}
        return _schedule(await self._send("POST", f"/{segment(schedule_id)}/cancel", asked))

    async def _page(self, query: Mapping[str, Any]) -> SchedulePage:
        # a POST, but it only reads
        answer = await self._send("POST", "/query", {"query": query}, repeatable=True)
        return decode(SchedulePage, flat_page(answer, "schedules"))


def _owner(user_id: str | None) -> dict[str, str] | None:
    return None if user_id is None else {"userId": user_id}


def _schedule(answer: Mapping[str, Any]) -> Schedule:
    return decode_field(Schedule, answer, "schedule")


class Schedules(Blocking, _Schedules):
    """The bookable calendars of people, rooms and services. Every method raises `KalendsClientError`."""


class AsyncSchedules(Awaiting, _Schedules):
    """The same as `Schedules`, to be awaited; `iter` is for `async for`."""
