"""What the snippets of a page find around them: what the readers of the page have.

Nothing of it touches the developer's own data, settings or environment, and nothing goes beyond this machine but to the
package registries.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kalends.demo.calendars import demo_accounts
from kalends.demo.server import calendar_server
from scripts.docs_check.tree import ROOT, files
from scripts.official_sdk import BIN, install, node_environment

HOST = "127.0.0.1"
DOCUMENTED_PORT = 8080
NOT_GIVEN_AWAY = range(20_000, 30_000)
"""Ports below those that systems give to whoever asks for any."""
SECONDS = 120
EVERYTHING = (
    "--scope",
    "SCOPE.DC-BOOKINGS.MANAGE-EXTERNAL-CALENDARS",
    "--scope",
    "SCOPE.DC-CALENDAR.MANAGE",
)


class StageFailed(Exception):
    """Not even what a page takes for granted is there; the message says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder to run snippets in, and the environment to run them with."""

    folder: Path
    environment: dict[str, str]
    port: int

    def at_our_port(self, text: str) -> str:
        """Return a snippet as it is run: the port that the documents name may be taken on this machine."""
        return text.replace(f":{DOCUMENTED_PORT}", f":{self.port}")


@asynccontextmanager
async def clone(folder: Path) -> AsyncIterator[Stage]:
    """Yield what a newcomer has: a clone with nothing installed, and an account at a calendar server."""
    copy = folder / "kalends"
    copy_repository(copy)
    account = demo_accounts(datetime.now(UTC))[0]
    async with calendar_server(folder / "caldav", [account]) as server:
        on = _stage(folder, copy)
        on.environment.update(
            {
                # for a calendar server on this machine; a reader's has a public address
                "KALENDS_NET_ALLOW": server.address,
                "CALDAV_URL": server.url,
                "CALENDAR_USER": account.email,
                "CALENDAR_PASSWORD": server.password,
            }
        )
        yield on


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Stage]:
    """Yield what the readers of a guide to clients have: a running service, and everything to call it with."""
    on = _stage(folder, folder / "work")
    on.environment["PATH"] = f"{BIN}:{on.environment['PATH']}"
    demo = await _started(on, "demo", "--json")
    try:
        filled = await _document(demo)
        connection = filled["connections"][0]
        app = await _answer(on, "app", "create", "--name", "Guide", *EVERYTHING)
        key = await _answer(on, "api-key", "create", *EVERYTHING)
        token = await _answer(on, "token", "create", "--app", app["clientId"])
        on.environment.update(
            {
                "KALENDS_CLIENT_URL": f"http://{HOST}:{on.port}",
                "KALENDS_CLIENT_TOKEN": token["token"],
                "KALENDS_CLIENT_ID": app["clientId"],
                "KALENDS_CLIENT_SECRET": app["clientSecret"],
                "KALENDS_CLIENT_INSTANCE_ID": app["instanceId"],
                "KALENDS_CLIENT_API_KEY": key["apiKey"],
                "KALENDS_CLIENT_SITE_ID": filled["siteId"],
                "KALENDS_CLIENT_PROVIDER_ID": connection["providerId"],
                "KALENDS_CLIENT_SCHEDULE_ID": connection["scheduleId"],
                "KALENDS_CLIENT_CONNECTION_ID": connection["connectionId"],
            }
        )
        yield on
    finally:
        demo.send_signal(signal.SIGINT)
        await demo.wait()


def _stage(folder: Path, work: Path) -> Stage:
    work.mkdir(exist_ok=True)
    (work / "node_modules").symlink_to(install() / "node_modules")
    # curl takes an error of the API for a good answer unless it is told not to
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n", encoding="utf-8")
    programs = folder / "bin"
    programs.mkdir()
    (programs / "node").symlink_to(BIN / "node")
    if shutil.which("curl") is None:
        print("this machine has no curl: scripts/docs_check/curl.py stands in for it")
        stand_in = programs / "curl"
        stand_in.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("curl.py")}" "$@"\n')
        stand_in.chmod(0o755)
    port = _free_port()
    environment = {
        **node_environment(),
        "PATH": f"{programs}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "CURL_HOME": str(folder),
        "NO_COLOR": "1",
        "COLUMNS": "160",
        "KALENDS_PORT": str(port),
    }
    for name in ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    return Stage(work, environment, port)


def _free_port() -> int:
    """Return a port that nobody has, and that the system will not give away before it is used."""
    for port in random.sample(NOT_GIVEN_AWAY, 100):
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise StageFailed("no port is free")


def copy_repository(target: Path) -> None:
    """Copy what a clone of the present state would hold."""
    for source in files():
        copied = target / source.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copied)


async def _started(stage: Stage, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        str(BIN / "kalends"),
        *arguments,
        cwd=stage.folder,
        env={**stage.environment, "KALENDS_DATA_DIR": str(stage.folder / ".local" / "demo")},
        stdout=asyncio.subprocess.PIPE,
    )


async def _answer(stage: Stage, *arguments: str) -> dict[str, Any]:
    process = await _started(stage, *arguments, "--json")
    answer = await _document(process)
    await process.wait()
    return answer


async def _document(process: Process) -> dict[str, Any]:
    """Return the first JSON document that a process prints; raises `StageFailed` where it ends before."""
    printed, output = b"", process.stdout or asyncio.StreamReader()
    while line := await asyncio.wait_for(output.readline(), SECONDS):
        printed += line
        if line.rstrip() == b"}" or printed.count(b"\n") == 1:
            with suppress(json.JSONDecodeError):
                answer: dict[str, Any] = json.loads(printed)
                if "error" in answer:
                    break
                return answer
    raise StageFailed(f"a command that prepares the stage failed: {printed.decode()}")
