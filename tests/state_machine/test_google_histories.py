"""Histories of a Google account, made up by Hypothesis; see `google_machine.py` for what they hold Kalends to.

`KALENDS_TEST_STATE_EXAMPLES` has that many histories made up anew, instead of the same few each time.
"""

from pathlib import Path

from tests.google.stage import staged
from tests.state_machine.google_machine import GoogleHistories
from tests.state_machine.google_person import GooglePerson
from tests.state_machine.running import EXAMPLES, PATIENT, STEPS, people_on, run

pytestmark = PATIENT


def test_whatever_happens_at_google_kalends_keeps_its_rules(database_url: str, tmp_path: Path) -> None:
    backend = database_url.partition(":")[0]
    with people_on(staged(database_url, tmp_path), GooglePerson.new) as service:
        run(lambda: GoogleHistories(service), examples=EXAMPLES[backend], steps=STEPS)
