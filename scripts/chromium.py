"""A Chromium for what is to be seen as people do: one that is named, else the system's, else one that is fetched."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

GIVEN = "KALENDS_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 540
_SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/snap/bin")
_SEARCHED = os.pathsep.join([*os.environ.get("PATH", "").split(os.pathsep), *_SYSTEM])
"""Where programs of the system are looked for, also where the environment names few places."""
LOOPBACK_ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


class NoChromium(Exception):
    """There is none, and none can be had; the message says what was tried."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a Chromium without windows, which reaches this machine and nothing else; raises `NoChromium`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find(Path(playwright.chromium.executable_path)),
            # it runs in containers too, as root, and sees pages of ours alone
            chromium_sandbox=False,
            args=["--no-sandbox", LOOPBACK_ALONE],
        )
        try:
            yield browser
        finally:
            browser.close()


def find(fetched: Path) -> Path:
    """Return a Chromium: of the environment, of the system, else `fetched`, where Playwright puts its own.

    Where there is none it is installed, as root from the system's packages. Raises `NoChromium`.
    """
    given = os.environ.get(GIVEN)
    if given:
        return Path(given)
    there = _there(fetched)
    if there is not None:
        return there
    # several processes of one test run come here at once
    with (Path(tempfile.gettempdir()) / "kalends-chromium.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _there(fetched) or _install(fetched)


def _there(fetched: Path) -> Path | None:
    found = next(filter(None, (shutil.which(name, path=_SEARCHED) for name in NAMES)), None)
    if found is not None:
        return Path(found)
    return fetched if fetched.is_file() else None


def _install(fetched: Path) -> Path:
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get", path=_SEARCHED):
        ways.insert(0, ["apt-get", "install", "-y", "--no-install-recommends", "chromium"])
    tried = []
    for way in ways:
        try:
            done = subprocess.run(  # noqa: S603 - our own command lines
                way,
                env={**os.environ, "PATH": _SEARCHED, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            tried.append(f"{' '.join(way)}: {error}")
            continue
        there = _there(fetched)
        if there is not None:
            return there
        tried.append(f"{' '.join(way)}: {done.stdout[-500:]}{done.stderr[-500:]}")
    said = "\n".join(tried)
    raise NoChromium(f"Install a Chromium, or name one in {GIVEN}; it was not found, and not to be had by\n{said}")
