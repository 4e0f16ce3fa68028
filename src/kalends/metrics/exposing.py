"""All metrics together, as a monitor gets them."""

import asyncio
from datetime import timedelta

import structlog

from kalends.metrics import stored
from kalends.metrics.counting import Counting
from kalends.model.clock import Clock
from kalends.store.database import Database
from kalends.store.overview import Overview

log = structlog.get_logger(__name__)

DEADLINE = timedelta(seconds=5)
STORE_READ = b"""\
# HELP kalends_store_read Whether what is stored could be read for this answer.
# TYPE kalends_store_read gauge
kalends_store_read %d.0
"""


class Metrics:
    """Answers monitors. Where the database does not answer in time, what this process counted is all they get."""

    def __init__(self, database: Database, counting: Counting, clock: Clock) -> None:
        self._database = database
        self._counting = counting
        self._clock = clock

    async def exposition(self) -> bytes:
        """Return everything in Prometheus' text format, version 0.0.4."""
        counted = self._counting.exposition()
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()), self._database.read() as reader:
                overview = Overview(reader, self._clock.now())
                gauges = stored.exposition(await overview.load(), await overview.quarantined())
        except Exception as error:  # noqa: BLE001 - whatever the database raises, the rest is worth telling
            log.warning("metrics_without_store", error=type(error).__qualname__)
            return counted + STORE_READ % False
        return counted + gauges + STORE_READ % True
