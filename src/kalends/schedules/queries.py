"""What *query schedules* is asked, and its cursors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kalends.model.schedule import ScheduleField, ScheduleFilter, ScheduleOrder, ScheduleStatus
from kalends.store.schedules import SchedulePosition
from kalends.vault.cursors import Cursors
from kalends.vault.signing import Signer

DEFAULT_LIMIT = 50
CURSOR_PURPOSE = "schedule cursors"
CURSOR_FIELD = "query.cursorPaging.cursor"


@dataclass(frozen=True, slots=True)
class ScheduleQuery:
    """A query for schedules. Without a filter on the status only active ones are meant, as Wix documents it."""

    wanted: ScheduleFilter = field(default_factory=ScheduleFilter)
    order: ScheduleOrder = field(default_factory=ScheduleOrder)
    limit: int = DEFAULT_LIMIT


class ScheduleCursors:
    """Makes and reads cursors, which carry the whole query and where the last page ended."""

    def __init__(self, signer: Signer) -> None:
        self._cursors = Cursors(signer, CURSOR_FIELD)

    def make(self, site_id: str, query: ScheduleQuery, after: SchedulePosition) -> str:
        """Return a cursor that goes on after a position."""
        wanted = query.wanted
        return self._cursors.make(
            site_id,
            {
                "ids": wanted.ids,
                "externalIds": wanted.external_ids,
                "appIds": wanted.app_ids,
                "statuses": wanted.statuses,
                "by": query.order.by,
                "descending": query.order.descending,
                "limit": query.limit,
                "after": [after.created_at.isoformat(), after.id],
            },
        )

    def read(self, site_id: str, cursor: str) -> tuple[ScheduleQuery, SchedulePosition]:
        """Return the query of a cursor and where it goes on; raises `Invalid`, for another site's cursor too."""
        claims = self._cursors.read(site_id, cursor)
        statuses = _several(claims, "statuses")
        wanted = ScheduleFilter(
            ids=_several(claims, "ids"),
            external_ids=_several(claims, "externalIds"),
            app_ids=_several(claims, "appIds"),
            statuses=None if statuses is None else tuple(ScheduleStatus(one) for one in statuses),
        )
        order = ScheduleOrder(ScheduleField(claims["by"]), claims["descending"])
        created_at, schedule_id = claims["after"]
        position = SchedulePosition(datetime.fromisoformat(created_at), schedule_id)
        return ScheduleQuery(wanted, order, claims["limit"]), position


def _several(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return None if claims[name] is None else tuple(claims[name])
