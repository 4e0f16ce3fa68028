"""The side `syncToCalendar` of a sync config, below the wire: what is chosen, what is kept, what is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kalends.connections.sync_config import ExportChange, ImportChange, SyncConfigChange
from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import Connection, ExportConfig, ExportTarget, ImportChoice, Status
from kalends.model.errors import PreconditionFailed
from kalends.model.provider import ExportFeature, Features
from kalends.store.calendars import Calendars
from tests.rules.conftest import Scripted
from tests.scripted_provider import RemoteCalendar, ScriptedKind
from tests.world import settings_for, world_on

DEDICATED, PRIMARY = ExportTarget.DEDICATED, ExportTarget.PRIMARY


@dataclass
class ExportingKind(ScriptedKind):
    """The scripted provider, as one that says that events can be exported to it."""

    exports: ExportFeature = ExportFeature.DEDICATED_CALENDAR

    def features(self, config: Any) -> Features:
        return replace(super().features(config), sync_to_calendar=self.exports)


@dataclass
class Exporter(Scripted):
    """A world whose only provider can be exported to."""

    kind: ExportingKind

    async def change(self, connection: Connection, **side: Any) -> Connection:
        """Change the side `syncToCalendar`."""
        return await self.update(connection, SyncConfigChange(exports=ExportChange(**side)))

    async def update(self, connection: Connection, change: SyncConfigChange) -> Connection:
        world = self.world
        return (await world.kalends.services.sync_configs.update(world.owner, connection.id, change)).connection

    async def refused(self, connection: Connection, change: SyncConfigChange) -> Connection:
        """Expect that a change is refused; return the connection as it is then."""
        with pytest.raises(PreconditionFailed) as raised:
            await self.update(connection, change)
        assert (raised.value.code, raised.value.data) == ("NOT_SUPPORTED_BY_PROVIDER", {})
        return await self.world.connection(connection.id)


@pytest.fixture
async def exporter(database_url: str, tmp_path: Path) -> AsyncIterator[Exporter]:
    kind = ExportingKind()
    async with world_on(settings_for(database_url, tmp_path), kinds={kind.kind: kind}) as world:
        yield Exporter(world, kind)


@pytest.mark.parametrize(
    ("can", "target"),
    [(ExportFeature.DEDICATED_CALENDAR, DEDICATED), (ExportFeature.PRIMARY_CALENDAR_ONLY, PRIMARY)],
    ids=["dedicated", "primary"],
)
async def test_where_nothing_was_ever_chosen_it_is_what_the_provider_does_best(
    exporter: Exporter, can: ExportFeature, target: ExportTarget
) -> None:
    exporter.kind.primary, exporter.kind.exports = "c", can
    connection = await exporter.connect()
    assert connection.export_config == ExportConfig()
    assert (await exporter.change(connection, enabled=True)).export_config == ExportConfig(enabled=True, target=target)


async def test_without_an_arm_the_earlier_choice_stays(exporter: Exporter) -> None:
    exporter.kind.primary = "c"
    connection = await exporter.connect()
    chosen = await exporter.change(connection, target=PRIMARY)
    assert chosen.export_config == ExportConfig(enabled=False, target=PRIMARY)
    for enabled in (True, False, True):
        config = (await exporter.change(connection, enabled=enabled)).export_config
        assert config == ExportConfig(enabled=enabled, target=PRIMARY)
    moved = await exporter.change(connection, target=DEDICATED)
    assert moved.export_config == ExportConfig(enabled=True, target=DEDICATED), "it stays on"


@pytest.mark.parametrize("there_is", ["none", "one that cannot be written to"])
async def test_a_primary_calendar_has_to_be_there_and_the_whole_change_is_refused(
    exporter: Exporter, there_is: str
) -> None:
    exporter.kind.calendars["d"] = RemoteCalendar()
    connection = await exporter.connect()
    if there_is != "none":
        read_only = ExternalCalendar("c", "C", primary=True, writable=False)
        async with exporter.world.kalends.database.write() as writer:
            calendars = Calendars(writer, connection.site_id)
            await calendars.see(connection.id, [read_only, ExternalCalendar("d", "D")], became=None)
    off = ImportChange(enabled=False)
    both = SyncConfigChange(off, ExportChange(enabled=True, target=PRIMARY))
    after = await exporter.refused(connection, both)
    assert (after.export_config, after.import_config) == (ExportConfig(), connection.import_config)
    assert after.status is Status.SYNCED
    kept = await exporter.change(connection, target=PRIMARY)
    assert kept.export_config == ExportConfig(target=PRIMARY), "what is off needs no calendar"
    await exporter.refused(connection, SyncConfigChange(exports=ExportChange(enabled=True)))


async def test_a_calendar_is_not_made_where_none_can_be(exporter: Exporter) -> None:
    exporter.kind.primary, exporter.kind.exports = "c", ExportFeature.PRIMARY_CALENDAR_ONLY
    connection = await exporter.connect()
    asked = SyncConfigChange(exports=ExportChange(enabled=True, target=DEDICATED))
    assert (await exporter.refused(connection, asked)).export_config == ExportConfig()


@pytest.mark.parametrize("can", [*ExportFeature], ids=[one.value for one in ExportFeature])
@pytest.mark.parametrize("target", [None, PRIMARY])
async def test_off_is_accepted_anywhere(exporter: Exporter, can: ExportFeature, target: ExportTarget | None) -> None:
    exporter.kind.exports = can
    connection = await exporter.connect(sync=False)
    after = await exporter.change(connection, enabled=False, target=target)
    assert after.export_config == ExportConfig(enabled=False, target=target)
    assert after.export.due_at is None


async def test_nothing_is_exported_to_what_cannot_be_written_to(exporter: Exporter) -> None:
    exporter.kind.exports = ExportFeature.NOT_SUPPORTED
    connection = await exporter.connect()
    for target in (None, PRIMARY, DEDICATED):
        asked = SyncConfigChange(exports=ExportChange(enabled=True, target=target))
        assert (await exporter.refused(connection, asked)).export_config == ExportConfig()


async def test_a_side_that_is_not_named_stays_as_it_was(exporter: Exporter) -> None:
    exporter.kind.calendars["d"] = RemoteCalendar()
    connection = await exporter.connect()
    on = await exporter.change(connection, enabled=True)
    assert on.import_config == connection.import_config
    assert (on.status, on.wanted_rev) == (Status.SYNCED, connection.wanted_rev), "nothing is to be read anew"
    chosen = ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("d",))
    after = await exporter.update(connection, SyncConfigChange(imports=chosen))
    assert [one.id for one in after.import_config.calendars] == ["d"]
    assert (after.export_config, after.export) == (on.export_config, on.export)
    assert await exporter.update(connection, SyncConfigChange()) == after


async def test_only_what_makes_a_difference_is_to_be_exported(exporter: Exporter) -> None:
    connection = await exporter.connect()
    assert (await exporter.change(connection, target=DEDICATED)).export.due_at is None, "it is off"
    assert (await exporter.change(connection, enabled=True)).export.due_at is not None
    exporter.world.clock.advance(exporter.world.kalends.settings.doubt_wait)
    again = await exporter.change(connection, enabled=True, target=DEDICATED)
    assert again.export.due_at is not None
    assert again.export.due_at < exporter.world.clock.now(), "nothing was meant anew"
    off = await exporter.change(connection, enabled=False)
    assert off.export.due_at == exporter.world.clock.now(), "copies are to be taken away"
