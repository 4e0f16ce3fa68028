"""What the two hot reads cost the server, against constant answers of the same size in the same process.

`make bench` prints CPU time of the server per request, the median of several interleaved rounds, and the ratio to
the floor. SQLite; ten connections; a page of 1,000 events.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import uvicorn
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from bench.processes import cpu_seconds
from kalends.api.application import create_api
from kalends.app import assemble
from kalends.connections.connecting import FoundAccount
from kalends.logs import set_up
from kalends.model.calendar import Account, ExternalCalendar, ItemChange
from kalends.model.identity import Identity, IdentityKind, Permission
from kalends.model.occurrence import Availability, Expansion, Occurrence
from kalends.model.time import ZONE_RULES, Window
from kalends.settings import load
from kalends.store.calendars import Calendars
from kalends.store.connections import Connections
from kalends.store.contents import Contents
from kalends.store.groups import ExpandedGroup
from kalends.store.readings import Coverage

BASE = "/bookings/v2/external-calendars"
CONNECTIONS, EVENTS = 10, 1_000
ROUNDS, REQUESTS = 7, 60
APPLE = "9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc"


async def serve(folder: Path, port: int) -> None:
    """Serve the API with its data, and under /floor/N constant answers of N bytes."""
    settings = load({}, data_dir=folder, log_level="error")
    set_up(settings)

    async def floor(request: Request) -> Response:
        return Response(b"x" * request.path_params["size"], media_type="application/json")

    async with assemble(settings) as kalends:
        app = Starlette(routes=[Route("/floor/{size:int}", floor), Mount("/", create_api(kalends.services))])
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
        await uvicorn.Server(config).serve()


async def populate(folder: Path) -> str:
    """Fill a database; return an access token."""
    settings = load({}, data_dir=folder, log_level="error")
    set_up(settings)
    async with assemble(settings) as kalends:
        await kalends.database.upgrade()
        site = await kalends.sites.create("Bench", time_zone="Europe/Berlin")
        app = await kalends.clients.create_app(site.id, name="Bench")
        identity = Identity(IdentityKind.APP, site.id, app.client_id, frozenset(Permission))
        provider = await kalends.directory.get(site.id, APPLE)
        now = datetime.now(UTC).replace(microsecond=0)
        for number in range(CONNECTIONS):
            schedule = await kalends.schedules.create(site, name=f"Schedule {number}")
            account = Account(f"account {number}", f"p{number}@example.org", frozenset(), {"password": "x"})
            found = [ExternalCalendar("/work/", "Work"), ExternalCalendar("/home/", "Home")]
            connection = await kalends.connecting.keep(identity, provider, schedule, FoundAccount(account, found))
            async with kalends.database.write() as writer:
                calendars = await Calendars(writer, site.id).of_connection(connection.id)
                for calendar in calendars:
                    contents = Contents(writer, site.id, calendar.id)
                    current = await contents.readings.begin_pass(full=True, at=now)
                    for event in range(EVENTS // CONNECTIONS // len(calendars)):
                        key = f"{event}.ics"
                        await contents.items.put([(ItemChange(key, key, "1", b"x"), b"x")], current.id)
                        start = now + timedelta(hours=event)
                        once_end = start + timedelta(hours=1)
                        once = Occurrence("k", key, start, once_end, "UTC", f"Event {event}", Availability.BUSY)
                        await contents.groups.put([ExpandedGroup(key, Expansion((once,)), [(once, start, once_end)])])
                    await contents.close_pass(current, cursor="c", at=now)
                    window = Window(now - timedelta(days=90), now + timedelta(days=400))
                    await contents.readings.note_coverage(Coverage(window, "Europe/Berlin Europe/Berlin", ZONE_RULES))
                await Connections(writer, site.id).set_status(connection.id, connection.status.SYNCED)
        return (await kalends.tokens.for_app(site.id, app.client_id)).token


def measure(client: httpx2.Client, process: int, url: str, headers: dict[str, str]) -> float:
    """Return the server's CPU milliseconds per request."""
    before = cpu_seconds(process)
    for _ in range(REQUESTS):
        client.get(url, headers=headers).raise_for_status()
    return (cpu_seconds(process) - before) / REQUESTS * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs=2, metavar=("FOLDER", "PORT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(Path(given.serve[0]), int(given.serve[1])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), 18_765
        headers = {"Authorization": asyncio.run(populate(folder))}
        server = subprocess.Popen([sys.executable, "-m", "bench.reads", "--serve", name, str(port)])  # noqa: S603 - our own command line
        try:
            report(server.pid, f"http://127.0.0.1:{port}", headers)
        finally:
            server.terminate()
            server.wait()


def report(process: int, url: str, headers: dict[str, str]) -> None:
    """Measure the reads against their floors and print a table."""
    start = datetime.now(UTC) - timedelta(days=1)
    span = {"from": start.isoformat(), "to": (start + timedelta(days=60)).isoformat()}
    events = httpx2.QueryParams({**span, "cursorPaging.limit": str(EVENTS), "fieldsets": "OWN_PI"})
    reads = {
        f"list connections ({CONNECTIONS})": f"{url}{BASE}/connections",
        f"list events ({EVENTS})": f"{url}{BASE}/events?{events}",
    }
    table = Table("read", "bytes", "floor ms", "ms", "ratio", title="server CPU per request")
    with httpx2.Client(timeout=60, trust_env=False) as client:
        deadline = time.monotonic() + 30
        while True:
            try:
                client.get(f"{url}/healthz")
                break
            except httpx2.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        for name, path in reads.items():
            size = len(client.get(path, headers=headers).raise_for_status().content)
            rounds = [
                (measure(client, process, f"{url}/floor/{size}", {}), measure(client, process, path, headers))
                for _ in range(ROUNDS)
            ]
            floor, cost = (statistics.median(column) for column in zip(*rounds, strict=True))
            table.add_row(name, str(size), f"{floor:.2f}", f"{cost:.2f}", f"{cost / floor:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
