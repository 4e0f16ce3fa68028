"""`make install`, with a stand-in for the installer that notes what it is asked for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.docs_check.tree import ROOT

EARLIER = 1_000_000_000
INSTALLER = """\
#!/bin/sh
echo "$@" >> asked
case "$*" in
*venv*) mkdir -p .venv/bin && ln -sf ../../interpreter .venv/bin/python ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a clone whose installer is a stand-in, and an interpreter that others use as well."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "interpreter").touch()
    os.utime(tmp_path / "interpreter", (EARLIER, EARLIER))
    installer = tmp_path / ".tools" / "bin" / "uv"
    installer.parent.mkdir(parents=True)
    installer.write_text(INSTALLER)
    installer.chmod(0o755)
    return tmp_path


def install(folder: Path) -> list[str]:
    """Run `make install`, and return what the installer was asked for."""
    asked = folder / "asked"
    asked.write_text("")
    subprocess.run(["make", "install"], cwd=folder, check=True, capture_output=True)  # noqa: S607 - the one on the PATH
    return asked.read_text().splitlines()


def test_an_installation_leaves_the_interpreter_alone(folder: Path) -> None:
    asked = install(folder)
    assert [one.split()[1] for one in asked] == ["venv", "pip", "pip"]
    assert (folder / ".venv" / "bin" / "python").resolve() == folder / "interpreter"
    # its owner may be somebody else, who would not even let its time be changed
    assert (folder / "interpreter").stat().st_mtime == EARLIER


def test_what_is_installed_is_not_installed_again_when_others_touch_the_interpreter(folder: Path) -> None:
    install(folder)
    assert install(folder) == []
    (folder / "interpreter").touch()
    assert install(folder) == []
