"""Which kinds of provider this process knows: the plugins that installed packages declare, built-in ones among them."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from kalends.model.ids import is_guid
from kalends.model.provider import CalendarType
from kalends.providers.base import Delivery, ProviderKind

GROUP = "kalends.providers"
_METHODS = ("features", "check_config", "budgets", "session", "is_tame", "expand")


class PluginError(Exception):
    """A plugin cannot be used; the message names it and says why."""


class ProviderRegistry:
    """The kinds of provider by name, and those of them that every site has by their GUID."""

    def __init__(self, kinds: Iterable[ProviderKind]) -> None:
        """Take the kinds; raises `PluginError` where two of them share a name or a GUID."""
        by_name: dict[str, ProviderKind] = {}
        built_in: dict[str, ProviderKind] = {}
        for kind in kinds:
            if kind.kind in by_name:
                raise PluginError(f"two plugins provide the kind {kind.kind!r}")
            by_name[kind.kind] = kind
            if kind.built_in_id is not None:
                identifier = kind.built_in_id.lower()
                if identifier in built_in:
                    raise PluginError(f"{built_in[identifier].kind!r} and {kind.kind!r} claim the same id {identifier}")
                built_in[identifier] = kind
        self.kinds: Mapping[str, ProviderKind] = MappingProxyType(by_name)
        """All kinds by name."""
        self.built_in: Mapping[str, ProviderKind] = MappingProxyType(built_in)
        """The kinds that every site has, by GUID in lower case."""

    @property
    def installable(self) -> tuple[ProviderKind, ...]:
        """The kinds that a site has to install, by name."""
        return tuple(kind for _, kind in sorted(self.kinds.items()) if kind.built_in_id is None)

    @classmethod
    def load(cls, declared: Iterable[EntryPoint] | None = None) -> "ProviderRegistry":
        """Load the plugins that are declared, by default by installed packages; raises `PluginError`."""
        points = sorted(entry_points(group=GROUP) if declared is None else declared, key=lambda point: point.name)
        seen: dict[str, EntryPoint] = {}
        kinds = []
        for point in points:
            if point.name in seen and seen[point.name].value != point.value:
                raise PluginError(f"two plugins are called {point.name!r}: {seen[point.name].value} and {point.value}")
            if point.name not in seen:
                kinds.append(_load(point))
            seen[point.name] = point
        return cls(kinds)


def _load(point: EntryPoint) -> ProviderKind:
    where = f"the provider plugin {point.name!r} ({point.value})"
    try:
        kind: Any = point.load()
    except Exception as error:
        raise PluginError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    missing = [name for name in _METHODS if not callable(getattr(kind, name, None))]
    if missing:
        raise PluginError(f"{where} is no kind of provider: it lacks {', '.join(missing)}")
    if getattr(kind, "kind", None) != point.name:
        raise PluginError(f"{where} calls itself {getattr(kind, 'kind', None)!r}; both names must be the same")
    checks: dict[str, Callable[[Any], bool]] = {
        "built_in_id": lambda value: value is None or (isinstance(value, str) and is_guid(value)),
        "calendar_type": lambda value: isinstance(value, CalendarType),
        "default_name": lambda value: isinstance(value, str) and bool(value),
        "delivers": lambda value: isinstance(value, Delivery),
    }
    wrong = [name for name, is_right in checks.items() if not is_right(getattr(kind, name, ...))]
    if wrong:
        raise PluginError(f"{where} has no usable {', '.join(wrong)}")
    checked: ProviderKind = kind
    return checked
