"""A stand-in CalDAV server whose calendars hold thousands of events, and which can be held up in the middle of one.

It serves what a first import and polls ask for, faster than a real server would, and notes who asked for what when.
"""

import asyncio
import re
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.net.loopback import Asked, raw, serve
from tests.providers.scripted import about, collection, member, multistatus
from tests.world import ics

PASSWORD = "right"
_BEGIN = datetime(2026, 12, 1, 8)  # noqa: DTZ001 - a wall time
_HREFS = re.compile(rb"<d:href>([^<]+)</d:href>")
_TOKEN = re.compile(rb"<d:sync-token>([^<]*)</d:sync-token>")


@dataclass
class Account:
    """One person's calendars with `size` events in all.

    Multigets for more than the first `free` of them wait until it is `released`.
    """

    user: str
    size: int
    calendars: int = 1
    free: int = 1_000_000
    released: asyncio.Event = field(default_factory=asyncio.Event)
    asked_at: list[float] = field(default_factory=list)
    fetched: int = 0

    @property
    def paths(self) -> Sequence[str]:
        return [f"/{self.user}/home/{number}/" for number in range(self.calendars)]

    @property
    def held(self) -> bool:
        """Whether an import waits in the middle."""
        return self.fetched > self.free and not self.released.is_set()

    @property
    def titles(self) -> Sequence[str]:
        return [f"{self.user} {number:05}" for number in range(self.size)]

    def event(self, href: str) -> str:
        """Return the text of a member: quarters of an hour one after the other."""
        number = int(href.rpartition("/")[2].removesuffix(".ics"))
        start = _BEGIN + timedelta(minutes=5) * number
        return ics(f"{self.user}-{number}", self.titles[number], f"{start:%Y%m%dT%H%M%S}Z")

    def asked_after(self, moment: float) -> float | None:
        """Return when it was first asked after a moment, both by the monotonic clock."""
        return next((one for one in self.asked_at if one > moment), None)


class VastServer:
    """The server's accounts by user, all with the same password."""

    def __init__(self) -> None:
        self.url = ""
        self.accounts: dict[str, Account] = {}

    def account(self, user: str, size: int, *, calendars: int = 1, free: int | None = None) -> Account:
        made = Account(user, size, calendars)
        if free is None:
            made.released.set()
        else:
            made.free = free
        self.accounts[user] = made
        return made

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        user, _, password = b64decode(given).decode().partition(":") if scheme == "Basic" else ("", "", "")
        account = self.accounts.get(user.partition("@")[0])
        if account is None or password != PASSWORD:
            writer.write(raw(401, headers={"WWW-Authenticate": 'Basic realm="vast"'}))
        else:
            account.asked_at.append(time.monotonic())
            writer.write(await self._report(account, asked) if asked.method == "REPORT" else _propfind(account, asked))
        await writer.drain()

    async def _report(self, account: Account, asked: Asked) -> bytes:
        if token := _TOKEN.search(asked.body):
            if token[1]:
                return multistatus(token="all")
            numbers = range(account.paths.index(asked.target), account.size, account.calendars)
            return multistatus(*(member(f"{asked.target}{one}.ics", '"1"') for one in numbers), token="all")
        hrefs = [one.decode() for one in _HREFS.findall(asked.body)]
        account.fetched += len(hrefs)
        if account.fetched > account.free:
            await account.released.wait()
        return multistatus(*(member(href, '"1"', account.event(href)) for href in hrefs))


def _propfind(account: Account, asked: Asked) -> bytes:
    principal, home = f"/{account.user}/", f"/{account.user}/home/"
    if asked.target == home and asked.headers.get("depth") == "1":
        itself = about(home, "<d:resourcetype><d:collection/></d:resourcetype>")
        return multistatus(itself, *(collection(one) for one in account.paths))
    if asked.target in account.paths:
        return multistatus(collection(asked.target))
    return multistatus(
        about(
            asked.target,
            f"<d:current-user-principal><d:href>{principal}</d:href></d:current-user-principal>"
            f"<c:calendar-home-set><d:href>{home}</d:href></c:calendar-home-set>"
            "<d:resourcetype><d:collection/></d:resourcetype>",
        )
    )


@asynccontextmanager
async def vast_server() -> AsyncIterator[VastServer]:
    server = VastServer()
    async with serve(server.answer) as listening:
        server.url = f"http://{listening.place}"
        yield server
