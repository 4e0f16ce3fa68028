from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from kalends.model.ids import new_id
from kalends.providers.apple import APPLE
from kalends.providers.base import ProviderKind
from kalends.providers.caldav import CALDAV
from kalends.providers.registry import GROUP, PluginError, ProviderRegistry

MODULE = "kalends_test_plugin"


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = ModuleType(MODULE)
    monkeypatch.setitem(__import__("sys").modules, MODULE, module)
    return module


def declared(name: str, value: str = f"{MODULE}:KIND") -> EntryPoint:
    return EntryPoint(name, value, GROUP)


def test_installed_packages_declare_the_kinds() -> None:
    registry = ProviderRegistry.load()
    caldav: ProviderKind = CALDAV
    apple: ProviderKind = APPLE
    assert registry.kinds["caldav"] is caldav
    assert registry.kinds["apple"] is apple
    assert registry.built_in["9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc"] is apple
    assert CALDAV in registry.installable
    assert APPLE not in registry.installable


def test_a_plugin_of_ones_own_is_a_kind(plugin: Any) -> None:
    plugin.KIND = replace(CALDAV, kind="mine")
    registry = ProviderRegistry.load(
        [declared("mine"), declared("mine"), declared("apple", "kalends.providers.apple:APPLE")]
    )
    assert list(registry.kinds) == ["apple", "mine"]
    assert registry.installable == (plugin.KIND,)


def test_a_plugin_that_cannot_be_loaded_is_named() -> None:
    with pytest.raises(PluginError, match=r"'broken' \(no_such_module:KIND\) cannot be loaded: ModuleNotFoundError"):
        ProviderRegistry.load([declared("broken", "no_such_module:KIND")])


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (SimpleNamespace(kind="odd"), "lacks features, check_config"),
        (replace(CALDAV, kind="other"), "calls itself 'other'"),
        (replace(CALDAV, kind="odd", built_in_id="no guid"), "no usable built_in_id"),
        (replace(CALDAV, kind="odd", default_name=""), "no usable default_name"),
    ],
)
def test_a_plugin_that_is_no_kind_of_provider_is_named(plugin: Any, kind: object, says: str) -> None:
    plugin.KIND = kind
    with pytest.raises(PluginError, match=says) as error:
        ProviderRegistry.load([declared("odd")])
    assert "'odd'" in str(error.value)


def test_two_plugins_of_one_name_are_named(plugin: Any) -> None:
    plugin.KIND = plugin.OTHER = replace(CALDAV, kind="mine")
    with pytest.raises(PluginError, match=f"two plugins are called 'mine': {MODULE}:KIND and {MODULE}:OTHER"):
        ProviderRegistry.load([declared("mine"), declared("mine", f"{MODULE}:OTHER")])


def test_two_kinds_cannot_share_a_name_or_an_id() -> None:
    guid = new_id()
    with pytest.raises(PluginError, match="two plugins provide the kind 'caldav'"):
        ProviderRegistry([CALDAV, replace(CALDAV, built_in_id=guid)])
    with pytest.raises(PluginError, match=f"'one' and 'two' claim the same id {guid}"):
        ProviderRegistry(
            [replace(CALDAV, kind="one", built_in_id=guid), replace(CALDAV, kind="two", built_in_id=guid.upper())]
        )
