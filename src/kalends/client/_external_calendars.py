"""The External Calendar V2 methods: `client.external_calendars`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kalends.client._asking import Resource, Values, date_time, ids, segment
from kalends.client._calling import Awaiting, Blocking, Pages, iteration, method
from kalends.client._decoding import decode, decode_field
from kalends.client._models import (
    Connection,
    ConnectionList,
    Event,
    EventPage,
    Fieldset,
    Provider,
    flat_page,
    following,
)
from kalends.client._sync_config import Calendar, SyncConfig


class _ExternalCalendars(Resource):
    @method
    async def list_providers(self) -> tuple[Provider, ...]:
        """Return the providers whose accounts can be connected on the caller's site."""
        return decode_field(tuple[Provider, ...], await self._get("/providers"), "providers")

    @method
    async def get_connection(self, connection_id: str) -> Connection:
        """Return one connection."""
        return _connection(await self._get(f"/connections/{segment(connection_id)}"))

    @method
    async def list_connections(
        self, *, schedule_ids: Sequence[str] | None = None, partial_failure: bool = False
    ) -> ConnectionList:
        """Return the connections that the caller may see, of all schedules or of some.

        If a provider cannot be asked, the call fails; with `partial_failure` the provider is named in the result.
        Raises `ValueError` for an empty list of schedules.
        """
        query = {"scheduleIds": ids("schedule_ids", schedule_ids), "partialFailure": partial_failure or None}
        return decode(ConnectionList, await self._get("/connections", query))

    @method
    async def connect_by_oauth(self, *, provider_id: str, schedule_id: str, redirect_url: str) -> str:
        """Return the URL at which the account's owner consents, in a browser.

        The browser then comes to `redirect_url` with `connectionId=…`, or with `error=` and one of `reject`,
        `unsupported`, `internal`.
        """
        asked = {"providerId": provider_id, "scheduleId": schedule_id, "redirectUrl": redirect_url}
        return decode_field(str, await self._send("POST", "/connections:connectByOAuth", asked), "oauthUrl")

    @method
    async def connect_by_credentials(
        self, *, provider_id: str, schedule_id: str, email: str, password: str
    ) -> Connection:
        """Connect an account by e-mail address and password, and return the connection.

        Raises `BadCredentials` where the provider refuses them. It is tried again only where the server did not act:
        too many wrong passwords lock accounts.
        """
        asked = {"providerId": provider_id, "scheduleId": schedule_id, "email": email, "password": password}
        return _connection(await self._send("POST", "/connections:connectByCredentials", asked))

    @method
    async def list_calendars(self, connection_id: str) -> tuple[Calendar, ...]:
        """Return the calendars of a connected account."""
        answer = await self._get(f"/connections/{segment(connection_id)}/calendars")
        return decode_field(tuple[Calendar, ...], answer, "calendars")

    @method
    async def update_sync_config(self, connection_id: str, sync_config: SyncConfig) -> Connection:
        """Choose what is imported and exported; what the config leaves out stays as it is."""
        asked = {"connectionId": connection_id, "syncConfig": sync_config.to_json()}
        path = f"/connections/{segment(connection_id)}/sync-config"
        return _connection(await self._send("PATCH", path, asked, repeatable=True))

    @method
    async def disconnect(self, connection_id: str) -> Connection:
        """Disconnect an account; imported events go, and what was exported is removed from it."""
        path = f"/connections/{segment(connection_id)}/disconnect"
        return _connection(await self._send("POST", path, {"connectionId": connection_id}))

    @method
    async def list_events(
        self,
        *,
        from_: datetime | str | None = None,
        to: datetime | str | None = None,
        schedule_ids: Sequence[str] | None = None,
        user_ids: Sequence[str] | None = None,
        all_day: bool | None = None,
        fieldsets: Sequence[Fieldset | str] = (),
        limit: int | None = None,
        cursor: str | None = None,
        partial_failure: bool = False,
    ) -> EventPage:
        """Return a page of the events that block people, by start: those that reach into the span `from_`–`to`.

        Moments are aware datetimes or RFC 3339 strings. `all_day` true returns all-day events only, false the others
        only. A cursor stands for the whole query that it came from. If somebody's calendar cannot be read, the call
        fails (`ProviderUnavailable`); with `partial_failure` the page names whose. Raises `ValueError` for a datetime
        without an offset and for an empty list of ids.
        """
        query = _span(from_, to, schedule_ids, user_ids, all_day, fieldsets, limit)
        return await self._page({**query, "cursorPaging.cursor": cursor, "partialFailure": partial_failure or None})

    @iteration
    def iter_events(
        self,
        *,
        from_: datetime | str,
        to: datetime | str,
        schedule_ids: Sequence[str] | None = None,
        user_ids: Sequence[str] | None = None,
        all_day: bool | None = None,
        fieldsets: Sequence[Fieldset | str] = (),
        page_size: int | None = None,
    ) -> Pages[Event]:
        """Return an iterator over all events of a span, in pages of `page_size`; otherwise like `list_events`.

        It is complete or it fails. There is no `partial_failure` here: an iterator has no place to say who is missing.
        """
        query = _span(from_, to, schedule_ids, user_ids, all_day, fieldsets, page_size)

        async def page(cursor: str | None) -> tuple[Sequence[Event], str | None]:
            found = await self._page(query if cursor is None else {"cursorPaging.cursor": cursor})
            return found.events, following(found)

        return Pages(page)

    async def _page(self, query: Values) -> EventPage:
        return decode(EventPage, flat_page(await self._get("/events", query), "events"))


def _span(
    from_: datetime | str | None,
    to: datetime | str | None,
    schedule_ids: Sequence[str] | None,
    user_ids: Sequence[str] | None,
    all_day: bool | None,  # noqa: FBT001 - None is the third of its values
    fieldsets: Sequence[Fieldset | str],
    limit: int | None,
) -> Values:
    if isinstance(fieldsets, str):
        raise ValueError("fieldsets is a list, not one of them: write [Fieldset.OWN_PI].")  # noqa: TRY004 - as for ids
    return {
        "from": date_time("from_", from_),
        "to": date_time("to", to),
        "scheduleIds": ids("schedule_ids", schedule_ids),
        "userIds": ids("user_ids", user_ids),
        "allDay": all_day,
        "fieldsets": [str(one) for one in fieldsets],
        "cursorPaging.limit": limit,
    }


def _connection(answer: Mapping[str, Any]) -> Connection:
    return decode_field(Connection, answer, "connection")


class ExternalCalendars(Blocking, _ExternalCalendars):
    """Connect people's external calendars, choose what is imported, and read what blocks them.

    Every method raises `KalendsClientError`.
    """


class AsyncExternalCalendars(Awaiting, _ExternalCalendars):
    """The same as `ExternalCalendars`, to be awaited; `iter_events` is for `async for`."""
