"""The sync config of a connection (`syncConfig`): what is imported from an account's calendars, what exported to them.

Each side is one of three types, so that it cannot say two things at once:

    SyncConfig(imports=ImportCalendars(["work", "private"]), exports=ExportDedicated())
    SyncConfig(imports=ImportPrimary())
    SyncConfig(exports=ExportSwitch(enabled=False))

A side that is left out stays as it is; so does the choice of calendars under a switch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from kalends.client._decoding import decode, read_object

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar of a connected account; `id` is the provider's. The name is for people and may be missing."""

    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ImportPrimary:
    """Import the account's primary calendar."""

    enabled: bool | None = True


@dataclass(frozen=True, slots=True, init=False)
class ImportCalendars:
    """Import the calendars that are named; to choose them, ids are enough."""

    calendars: tuple[Calendar, ...]
    enabled: bool | None = True

    def __init__(self, calendars: Iterable[Calendar | str], *, enabled: bool | None = True) -> None:
        if isinstance(calendars, str):
            raise TypeError("calendars is a list of calendars or of their ids, not one string")
        chosen = tuple(Calendar(one) if isinstance(one, str) else one for one in calendars)
        object.__setattr__(self, "calendars", chosen)
        object.__setattr__(self, "enabled", enabled)


@dataclass(frozen=True, slots=True)
class ImportSwitch:
    """Import or not, and nothing about which calendars."""

    enabled: bool | None


@dataclass(frozen=True, slots=True)
class ExportPrimary:
    """Export to the account's primary calendar."""

    enabled: bool | None = True


@dataclass(frozen=True, slots=True)
class ExportDedicated:
    """Export to a calendar that is made for it."""

    enabled: bool | None = True


@dataclass(frozen=True, slots=True)
class ExportSwitch:
    """Export or not, and nothing about whereto."""

    enabled: bool | None


ImportConfig: TypeAlias = ImportPrimary | ImportCalendars | ImportSwitch
ExportConfig: TypeAlias = ExportPrimary | ExportDedicated | ExportSwitch


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """Both sides. `enabled` is None on a side where the server does not say."""

    imports: ImportConfig | None = None
    exports: ExportConfig | None = None

    @classmethod
    def from_json(cls, json: object, where: str) -> "SyncConfig":
        """Read `syncConfig`; raises `ProtocolError`."""
        given = read_object(json, where)
        return cls(
            _imports(given.get("listEventFromCalendars"), f"{where}.listEventFromCalendars"),
            _exports(given.get("syncToCalendar"), f"{where}.syncToCalendar"),
        )

    def to_json(self) -> dict[str, Any]:
        """Write `syncConfig`, as *update sync config* takes it."""
        sides = {"listEventFromCalendars": self.imports, "syncToCalendar": self.exports}
        return {name: _written(side) for name, side in sides.items() if side is not None}


def _written(side: ImportConfig | ExportConfig) -> dict[str, Any]:
    written: dict[str, Any] = {} if side.enabled is None else {"enabled": side.enabled}
    match side:
        case ImportCalendars():
            written["calendars"] = {"calendars": [{"id": one.id} for one in side.calendars]}
        case ImportPrimary() | ExportPrimary():
            written["primaryCalendar"] = {}
        case ExportDedicated():
            written["dedicatedCalendar"] = {}
        case ImportSwitch() | ExportSwitch():
            pass
    return written


def _imports(json: object, where: str) -> ImportConfig | None:
    if json is None:
        return None
    side = read_object(json, where)
    chosen = side.get("calendars")
    if chosen is not None:
        calendars = read_object(chosen, f"{where}.calendars").get("calendars") or []
        found = decode(tuple[Calendar, ...], calendars, f"{where}.calendars.calendars")
        return ImportCalendars(found, enabled=_enabled(side, where))
    kind = ImportSwitch if side.get("primaryCalendar") is None else ImportPrimary
    return kind(_enabled(side, where))


def _exports(json: object, where: str) -> ExportConfig | None:
    if json is None:
        return None
    side = read_object(json, where)
    if side.get("dedicatedCalendar") is not None:
        return ExportDedicated(_enabled(side, where))
    kind = ExportSwitch if side.get("primaryCalendar") is None else ExportPrimary
    return kind(_enabled(side, where))


def _enabled(side: Mapping[str, Any], where: str) -> bool | None:
    given = side.get("enabled")
    return None if given is None else decode(bool, given, f"{where}.enabled")
