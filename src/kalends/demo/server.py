"""The demo's calendar server: Radicale, with passwords, on a loopback port that it keeps as long as it can."""

import asyncio
import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from zlib import crc32

from kalends.demo.calendars import DemoAccount, DemoCalendar

HOST = "127.0.0.1"
PORTS = range(15_232, 16_232)
"""Where a free port is looked for: below those that systems hand out to outgoing connections."""
START_SECONDS = 60
STOP_SECONDS = 5

_CONFIG = """\
[server]
hosts = {host}:{port}
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = {root}/collections
[logging]
level = error
"""


class DemoFailed(Exception):
    """The demo cannot run; the message says why."""


@dataclass(frozen=True)
class RunningServer:
    """Where the server is, and the password of its accounts."""

    port: int
    password: str

    @property
    def address(self) -> str:
        """Its `host:port`, as `KALENDS_NET_ALLOW` takes it."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where a CalDAV client begins."""
        return f"http://{self.address}/"


@asynccontextmanager
async def calendar_server(folder: Path, accounts: Sequence[DemoAccount]) -> AsyncIterator[RunningServer]:
    """Write the accounts' calendars into the folder and run a server on it; raises `DemoFailed`."""
    root, running = _prepare(folder, accounts)
    with (root / "log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own interpreter; starting takes no time
            [sys.executable, "-m", "kalends.demo.child", str(root / "config")],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=root,
            # out of reach of the terminal's Ctrl-C: the demo decides when it ends
            start_new_session=True,
        )
    try:
        await _until_it_answers(process, running.port, root / "log")
        yield running
    finally:
        _end(process)


def _prepare(folder: Path, accounts: Sequence[DemoAccount]) -> tuple[Path, RunningServer]:
    if find_spec("radicale") is None:
        raise DemoFailed("The demo needs Radicale: install Kalends with its extra, `pip install 'kalends[demo]'`.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = folder.resolve()
    running = RunningServer(_kept_port(root / "port"), _kept(root / "password", secrets.token_urlsafe(12)))
    (root / "users").write_text("".join(f"{one.email}:{running.password}\n" for one in accounts))
    (root / "config").write_text(_CONFIG.format(host=HOST, port=running.port, root=root))
    write_calendars(root / "collections" / "collection-root", accounts)
    return root, running


def write_calendars(root: Path, accounts: Sequence[DemoAccount]) -> None:
    """Write what has changed of the calendars into Radicale's storage; what somebody else put there stays."""
    for account in accounts:
        for calendar in account.calendars:
            folder = root / account.email / calendar.name
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / ".Radicale.props", _properties(calendar))
            for name, content in calendar.files.items():
                _write(folder / name, content)


def _properties(calendar: DemoCalendar) -> bytes:
    properties = {
        "tag": "VCALENDAR",
        "D:displayname": calendar.display_name,
        "ICAL:calendar-color": calendar.color,
        "C:supported-calendar-component-set": "VEVENT",
    }
    return json.dumps(properties).encode()


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def _kept(path: Path, fresh: str) -> str:
    if not path.is_file():
        path.touch(mode=0o600)
        path.write_text(fresh)
    return path.read_text().strip()


def _kept_port(path: Path) -> int:
    """Return the port of the last time if it is still free, else another one: the stored connections name it.

    Where a demo begins to look depends on its folder, so that two that start at once do not both find the same one.
    """
    last: list[int] = [int(path.read_text())] if path.is_file() else []
    first = crc32(str(path).encode()) % len(PORTS)
    for port in chain(last, PORTS[first:], PORTS[:first]):
        if _is_free(port):
            path.write_text(str(port))
            return port
    raise DemoFailed(f"No port from {PORTS[0]} to {PORTS[-1]} is free for the demo's calendar server.")


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            pass
    except OSError:
        return False
    return True


async def _until_it_answers(process: "subprocess.Popen[bytes]", port: int, logged: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            if process.poll() is not None:
                raise DemoFailed(f"The demo's calendar server ended at once; see {logged}.") from None
            if time.monotonic() > deadline:
                raise DemoFailed(f"The demo's calendar server does not answer; see {logged}.") from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
