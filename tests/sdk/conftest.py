import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.sdk.live import LiveServer, live_kalends
from tests.servers import CalDavServer

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent


def node_environment() -> dict[str, str]:
    """The system's certificates and PATH, with this environment's Node first, and nothing that is meant for Kalends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KALENDS_")}
    return {**kept, "PATH": f"{BIN}:{kept.get('PATH', '/usr/bin:/bin')}", "NODE_OPTIONS": "--use-system-ca"}


@pytest.fixture(scope="session")
def sdk() -> Path:
    """The folder of the scripts, with the packages of the lock file installed."""
    modules = HERE / "node_modules"
    stamp = modules / ".installed"
    wanted = sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(modules, ignore_errors=True)
        done = subprocess.run(
            [BIN / "npm", "ci", "--ignore-scripts"],
            cwd=HERE,
            env=node_environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"npm ci failed:\n{done.stdout}\n{done.stderr}"
        stamp.write_text(wanted)
    return HERE


@pytest.fixture
async def live_server(sqlite_url: str, tmp_path: Path, radicale: CalDavServer) -> AsyncIterator[LiveServer]:
    """Kalends as it is in production, but for the database file and the loopback address."""
    async with live_kalends(sqlite_url, tmp_path, radicale) as live:
        yield live
