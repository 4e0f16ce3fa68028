"""Runs the checks one after another: each under a deadline, and whatever came of the others."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from kalends.doctor.clock import ServerTime, look_at_clock
from kalends.doctor.connections import look_at_connections, look_at_quarantine
from kalends.doctor.data_folder import look_at_folders
from kalends.doctor.database import look_at_database, look_at_schema, look_at_site
from kalends.doctor.disk import look_at_disk
from kalends.doctor.finding import Check, Finding, Level, problem
from kalends.doctor.keys import look_at_keys
from kalends.doctor.providers import ask, places_in_use
from kalends.doctor.servers import look_at_servers, look_at_syncs
from kalends.model.clock import Clock
from kalends.net.client import GuardedClient, Limits
from kalends.providers.registry import PluginError, ProviderRegistry
from kalends.settings import Settings
from kalends.store.readonly import ReadOnlyDatabase

DEADLINE = timedelta(seconds=30)
"""Of one check; that of the calendar servers has twice as long."""
PATIENCE = timedelta(seconds=20)
"""Of one look at an SQLite database: shorter, so that it is given up before the check is."""
PROBE_LIMITS = Limits(connect=5.0, read=8.0, total=9.0, max_bytes=1 << 20)

Progress = Callable[[Check], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in the order of `Check`, and which checks could not be made because of it."""

    findings: Sequence[Finding]
    skipped: Sequence[Check]

    @property
    def ok(self) -> bool:
        """Whether there is no problem; there may be warnings."""
        return self.count(Level.PROBLEM) == 0

    def count(self, level: Level) -> int:
        """Return how many findings are of a level."""
        return sum(one.level is level for one in self.findings)

    def document(self) -> dict[str, Any]:
        """Return the report as `--json` prints it; a finding that kept others from being made names them."""
        skipped = [one.value for one in self.skipped]
        told = [replace(one, data={**one.data, "skipped": skipped}) if one.blocks else one for one in self.findings]
        return {"ok": self.ok, "findings": [one.document() for one in told]}


async def examine(
    settings: Settings, told: Sequence[Finding], *, site_id: str | None, clock: Clock, progress: Progress
) -> Report:
    """Look at an installation whose settings could be loaded, with `told` about them already.

    Where a site is given, only its connections and providers are looked at.
    """
    return await _Round(settings, told, site_id.lower() if site_id else None, clock, progress).run()


def without_settings(findings: Sequence[Finding]) -> Report:
    """Return the report where the settings could not be loaded: nothing else can be looked at."""
    return Report(findings, [one for one in Check if one not in {Check.SETTINGS, Check.SITE}])


class _Round:
    """One round of all checks, and what they have found so far."""

    def __init__(
        self, settings: Settings, told: Sequence[Finding], site_id: str | None, clock: Clock, progress: Progress
    ) -> None:
        self._settings = settings
        self._site_id = site_id
        self._clock = clock
        self._progress = progress
        self._database = ReadOnlyDatabase(settings.resolved_database_url, PATIENCE)
        self._found: dict[Check, Sequence[Finding]] = {Check.SETTINGS: told}
        self._heard: list[ServerTime] = []

    async def run(self) -> Report:
        settings, database = self._settings, self._database
        await self._check(Check.DATA_FOLDER, _in_a_thread(lambda: look_at_folders(settings, database)))
        answers = await self._check(Check.DATABASE, look_at_database(settings, database))
        usable = answers and await self._check(Check.SCHEMA, look_at_schema(database))
        if usable and self._site_id is not None:
            usable = await self._check(Check.SITE, look_at_site(database, self._site_id))
        there = database if answers else None
        await self._check(Check.SECRET_KEYS, look_at_keys(settings, there, self._site_id if usable else None))
        if usable:
            await self._check(Check.PROVIDERS, self._providers(), within=DEADLINE * 2)
        if answers:
            clock = look_at_clock(database, stored=usable, heard=self._heard, clock=self._clock)
            await self._check(Check.CLOCK, clock)
        if usable:
            await self._tenants()
        if database.embedded:
            await self._check(Check.DISK, _in_a_thread(lambda: look_at_disk(database)))
        needed = [one for one in Check if one is not Check.SITE and (one is not Check.DISK or database.embedded)]
        findings = [finding for check in Check for finding in self._found.get(check, ())]
        return Report(findings, [one for one in needed if one not in self._found])

    async def _tenants(self) -> None:
        database, site_id, now = self._database, self._site_id, self._clock.now()
        settings = self._settings
        connections = look_at_connections(database, site_id, now=now, staleness_limit=settings.staleness_limit)
        await self._check(Check.CONNECTIONS, connections)
        await self._check(Check.QUARANTINE, look_at_quarantine(database, site_id))
        syncs = look_at_syncs(database, site_id, now=now, poll_interval=settings.poll_interval)
        await self._check(Check.SYNCS, syncs)
        await self._check(Check.SERVERS, look_at_servers(database, now=now))

    async def _providers(self) -> list[Finding]:
        try:
            kinds = ProviderRegistry.load().kinds
        except PluginError as error:
            advice = "Correct or uninstall the package that declares the plugin; nothing starts while it is broken."
            return [problem(Check.PROVIDERS, str(error), advice)]
        places = await places_in_use(self._database, kinds, self._site_id, self._settings.built_in_providers)
        async with GuardedClient(self._settings.net_policy, limits=PROBE_LIMITS) as client:
            findings, heard = await ask(places, kinds, client, self._clock)
        self._heard += heard
        return findings

    async def _check(
        self, check: Check, work: Coroutine[Any, Any, list[Finding]], *, within: timedelta = DEADLINE
    ) -> bool:
        """Make a check and keep what it finds; tell whether others can build on it."""
        self._progress(check)
        try:
            async with asyncio.timeout(within.total_seconds()):
                found = await work
        except TimeoutError:
            summary = f"This check was not done within {within.total_seconds():.0f} s, and was given up."
            found = [
                problem(check, summary, "See whether the disk or the server that it asks is overloaded.", blocks=True)
            ]
        except Exception as error:  # noqa: BLE001 - a check that breaks must not hide what the others find
            summary = f"This check itself failed: {type(error).__name__}."
            advice = "Report it as a mistake of Kalends, with the version (`kalends --version`)."
            found = [problem(check, summary, advice, {"error": type(error).__name__}, blocks=True)]
        self._found[check] = found
        return not any(one.blocks for one in found)


async def _in_a_thread(work: Callable[[], T]) -> T:
    """Do work that may hang for ever, as a network file system does: the thread does not keep the process alive."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # without an error, there is a result

    def do() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            loop.call_soon_threadsafe(tell, None, error)
        else:
            loop.call_soon_threadsafe(tell, result, None)

    threading.Thread(target=do, daemon=True).start()
    return await done
