"""Histories of a Microsoft account, made up by Hypothesis; see `microsoft_machine.py` for what they hold Kalends to.

`KALENDS_TEST_STATE_EXAMPLES` has that many histories made up anew, instead of the same few each time.
"""

from pathlib import Path

from tests.microsoft.stage import staged
from tests.state_machine.microsoft_machine import MicrosoftHistories
from tests.state_machine.microsoft_person import MicrosoftPerson
from tests.state_machine.running import EXAMPLES, PATIENT, STEPS, people_on, run

pytestmark = PATIENT


def test_whatever_happens_at_microsoft_kalends_keeps_its_rules(database_url: str, tmp_path: Path) -> None:
    backend = database_url.partition(":")[0]
    with people_on(staged(database_url, tmp_path), MicrosoftPerson.new) as service:
        run(lambda: MicrosoftHistories(service), examples=EXAMPLES[backend], steps=STEPS)
