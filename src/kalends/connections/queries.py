"""What *list events* is asked, and *list conflicts* with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from kalends.model.time import Window

DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A query for events. Filters that are None leave everything in; those given must all match.

    `personal` asks for titles and names (`OWN_PI`), `include_free` for what does not block as well.
    """

    span: Window
    schedule_ids: tuple[str, ...] | None = None
    user_ids: tuple[str, ...] | None = None
    all_day: bool | None = None
    personal: bool = False
    limit: int = DEFAULT_LIMIT
    partial_failure: bool = False
    include_free: bool = False


class ConflictPosition(NamedTuple):
    """Where a page of conflicts ended: the sort key of its last one.

    It is the start and the id of the schedule event, or of the instance, then those of the external event.
    """

    start_at: datetime
    event_id: str
    external_start_at: datetime
    external_id: str
