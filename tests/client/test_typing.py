"""What mypy sees of the client: everything in `consumer.py`, and what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

WRONG = """\
from kalends.client import AccessToken, AsyncKalends, ImportCalendars, Kalends, SyncConfig

client = Kalends(auth=AccessToken("token"))
client.external_calendars.get_connection(12)
client.external_calendars.list_events(from_=0)
reveal_type(client.external_calendars.list_calendars("id"))
reveal_type(AsyncKalends(auth=AccessToken("token")).schedules.iter())
SyncConfig(exports=ImportCalendars([]))
"""
SAID = [
    '4: error: Argument 1 has incompatible type "int"; expected "str"  [arg-type]',
    '5: error: Argument "from_" has incompatible type "int"; expected "datetime | str | None"  [arg-type]',
    '6: note: Revealed type is "tuple[kalends.client._sync_config.Calendar, ...]"',
    '7: note: Revealed type is "typing.AsyncIterator[kalends.client._models.Schedule]"',
    (
        '8: error: Argument "exports" to "SyncConfig" has incompatible type "ImportCalendars"; expected '
        '"ExportPrimary | ExportDedicated | ExportSwitch | None"  [arg-type]'
    ),
]


@pytest.mark.timeout(300)
def test_mypy_sees_every_type_and_every_wrong_use(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    assert pytestconfig.cache is not None
    cache = str(pytestconfig.cache.mkdir("mypy"))
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", cache]
    files = [str(HERE / "consumer.py"), str(wrong)]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    # what mypy kept of an earlier run it repeats with the path of that run
    *said, summary = [line.rpartition(f"/{wrong.name}:")[2] for line in done.stdout.splitlines()]
    assert said == SAID, done.stdout + done.stderr
    assert summary == "Found 3 errors in 1 file (checked 2 source files)"
