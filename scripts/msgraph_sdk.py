"""Has Microsoft's own Python client drive our sandbox: `python -m scripts.msgraph_sdk [PYTEST ARGUMENTS]`.

The client is in an environment of its own, `.msgraph`, which `make test-msgraph` makes.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox.microsoft.command import SCOPE, running, token_of

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests" / "sandbox" / "microsoft" / "sdk.py"
PERSON = "manager@contoso.example"
"""One of the accounts that a sandbox has by itself."""


def main() -> int:
    """Run the tests; return pytest's status."""
    with running("--port", "0") as (said, http):
        told = {
            "KALENDS_TEST_MSGRAPH_URL": said["url"],
            "KALENDS_TEST_MSGRAPH_TOKEN": token_of(said, http, PERSON, f"{SCOPE} User.Read"),
        }
        # the other tests' preparations know Kalends, which is not there; what the client warns of is not our matter
        options = ["--noconftest", "-p", "no:cacheprovider", "-W", "ignore"]
        command: list[str | Path] = [ROOT / ".msgraph" / "bin" / "pytest", *options, TESTS, *sys.argv[1:]]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **told}, check=False).returncode  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main())
