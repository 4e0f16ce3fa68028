"""Rule 2: a full pass deletes what is gone, but only inside what was really read."""

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.connection import ImportChoice
from tests.rules.conftest import Scripted
from tests.scripted_provider import RemoteCalendar
from tests.world import ics


def event(title: str, day: int) -> str:
    return ics(title, title, f"202612{day:02}T090000Z", end=f"202612{day:02}T100000Z")


async def test_rule_2_a_full_pass_deletes_what_the_provider_no_longer_lists(scripted: Scripted) -> None:
    for day in (1, 2, 3):
        scripted.remote.put(f"e{day}", event(f"Day {day}", day))
    connection = await scripted.connect()
    scripted.kind.refuses_cursors = True
    del scripted.remote.events["e2"]  # gone without a trace in the history
    run = await scripted.world.sync(connection)
    assert run.counts.removed == 1
    assert await scripted.world.titles() == ["Day 1", "Day 3"]
    assert scripted.kind.handed_out == 3, "what is stored in the version that is listed is not asked for again"


async def test_rule_2_a_full_pass_of_one_calendar_touches_no_other(scripted: Scripted) -> None:
    other = scripted.kind.calendars["d"] = RemoteCalendar()
    scripted.remote.put("e1", event("Here", 1))
    other.put("e1", event("There", 2))
    connection = await scripted.connect()
    assert await scripted.world.titles() == ["Here", "There"]
    scripted.kind.refuses_cursors = True
    del scripted.remote.events["e1"]
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["There"]


async def test_rule_2_a_calendar_that_is_no_longer_chosen_loses_its_events_and_the_others_none(
    scripted: Scripted,
) -> None:
    other = scripted.kind.calendars["d"] = RemoteCalendar()
    scripted.remote.put("e1", event("Here", 1))
    other.put("e1", event("There", 2))
    connection = await scripted.connect()
    await scripted.world.kalends.services.sync_configs.update(
        scripted.world.admin,
        connection.id,
        SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("d",))),
    )
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["There"]
