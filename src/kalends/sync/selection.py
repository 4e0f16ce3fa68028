"""Which of a connection's calendars are imported."""

from collections.abc import Sequence

from kalends.model.connection import Connection, ImportChoice
from kalends.store.calendars import StoredCalendar


def lacks_primary(connection: Connection, chosen: Sequence[StoredCalendar]) -> bool:
    """Tell whether the primary calendar is to be imported and the account has none (any more)."""
    config = connection.import_config
    return config.enabled and config.choice is ImportChoice.PRIMARY and not chosen


def imported(connection: Connection, calendars: Sequence[StoredCalendar]) -> list[StoredCalendar]:
    """Return the calendars that the import config chooses, those that are gone at the provider included."""
    config = connection.import_config
    if not config.enabled:
        return []
    if config.choice is ImportChoice.PRIMARY:
        return [one for one in calendars if one.calendar.primary]
    return [one for one in calendars if one.selected]
