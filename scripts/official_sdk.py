"""The official JavaScript SDK for whatever runs against it: packages of a lock file, and this environment's Node."""

import fcntl
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "tests" / "sdk"
"""Where `package.json`, its lock file and the scripts are."""
BIN = Path(sys.executable).parent
INSTALL_SECONDS = 600


class InstallFailed(Exception):
    """The packages cannot be had; the message is npm's."""


def node_environment() -> dict[str, str]:
    """Return the environment for Node: our own programs first, the system's certificates, nothing meant for Kalends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KALENDS_")}
    return {**kept, "PATH": f"{BIN}:{kept.get('PATH', '/usr/bin:/bin')}", "NODE_OPTIONS": "--use-system-ca"}


def install() -> Path:
    """Install the packages of the lock file, once, and return the folder; raises `InstallFailed`.

    Where another process is at it, its end is awaited.
    """
    with (FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _install()


def _install() -> Path:
    modules = FOLDER / "node_modules"
    stamp = modules / ".installed"
    wanted = sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return FOLDER
    shutil.rmtree(modules, ignore_errors=True)
    done = subprocess.run(  # noqa: S603 - our own npm
        [BIN / "npm", "ci", "--ignore-scripts"],
        cwd=FOLDER,
        env=node_environment(),
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        raise InstallFailed(f"npm ci failed:\n{done.stdout}\n{done.stderr}")
    stamp.write_text(wanted, encoding="ascii")
    return FOLDER
