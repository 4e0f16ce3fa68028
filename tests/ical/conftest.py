"""The second opinion: ical.js under Node, installed from its lock file into `.local/`, once for all runs."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

_ORACLE = Path(__file__).parent / "oracle"
_INSTALLED = Path(__file__).parents[2] / ".local" / "ical-oracle"

Oracle = Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path, "NODE_OPTIONS": "--use-system-ca", "TZ": "UTC"}


def _install() -> Path:
    lock = (_ORACLE / "package-lock.json").read_bytes()
    folder = _INSTALLED / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules" / "ical.js" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(_ORACLE / name, folder / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    shutil.copy(_ORACLE / "expand.mjs", folder / "expand.mjs")
    return folder


@pytest.fixture(scope="session")
def ical_js() -> Oracle:
    folder = _install()

    def ask(questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        node = str(Path(sys.executable).parent / "node")
        done = subprocess.run(
            [node, "expand.mjs"],
            cwd=folder,
            env=_environment(),
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return ask
