"""Group h, lines 42 and 43: what CalDAV servers, iCloud above all, do apart.

Most of it is tested where it is met. Line 42, a principal on another host and paths that do not match:
`tests/providers/test_caldav_discovery.py` (`…well_known_may_lead_to_another_host…`, `…principal_and_homes_may_be_on…`),
`test_caldav_members.py` (`…hrefs_mean_the_same…`) and `tests/sync/test_apple.py`, where Apple's token is, too
(`test_rule_9_the_token_that_apple_offers_is_neither_sent_nor_kept_nor_logged`). Line 43: `test_caldav_listing.py` (507
inside and as status, every refusal of a report and of a token, no token at all), `test_caldav_quirks.py`
(`…a_lie_is_found_by_the_tag…`: tokens of too coarse a clock) and `tests/sync/test_quirks.py`, in whole syncs.
"""

from tests.rules.conftest import Scripted
from tests.world import ics


async def test_an_event_that_has_a_property_twice_that_may_be_there_once_is_read(scripted: Scripted) -> None:
    twice = "DTSTAMP:20261102T000000Z\nSEQUENCE:1\nSEQUENCE:2\nSTATUS:CONFIRMED\nSTATUS:CONFIRMED\n"
    scripted.remote.put("e", ics("e", "Twice stamped", "20261201T090000Z", end="20261201T100000Z", lines=twice))
    connection = await scripted.connect()
    assert await scripted.world.titles() == ["Twice stamped"]
    health = await scripted.world.kalends.health.get(scripted.world.admin, connection.id)
    assert [size.quarantined for size in health.sizes.values()] == [0]
