"""What is stored, as metrics: read when a monitor asks, by one bounded statement each."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from kalends.store.overview import Ages, Load


class Stored(Collector):
    """What was read at one moment; `quarantined` are the events that could not be read."""

    def __init__(self, load: Load, quarantined: int) -> None:
        self._load = load
        self._quarantined = quarantined

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        load = self._load
        statuses = GaugeMetricFamily(
            "kalends_connections", "Connections, by status and why it is ERROR.", labels=["status", "reason"]
        )
        for (status, reason), count in sorted(load.statuses.items()):
            statuses.add_metric([status, reason], count)
        yield statuses
        yield _ages(load.ages)
        never = "Connections that are imported and were never read."
        yield GaugeMetricFamily("kalends_connections_never_read", never, load.ages.never)
        if load.ages.oldest is not None:
            oldest = "Age of the oldest last good read of what is imported."
            yield GaugeMetricFamily("kalends_connection_oldest_age_seconds", oldest, load.ages.oldest.total_seconds())
        longest = "For how long the first of the syncs that are due and that nobody does has been due."
        yield GaugeMetricFamily("kalends_syncs_longest_overdue_seconds", longest, load.longest_overdue.total_seconds())
        for name, told, value in (
            ("connections_failing", "Connections whose latest sync failed.", load.failing),
            ("connections_acknowledged", "Connections that are acknowledged to be broken.", load.acknowledged),
            ("syncs_wanted", "Syncs that were asked for and that nobody does.", load.wanted),
            ("syncs_overdue", "Syncs that are due and that nobody does.", load.overdue),
            ("leases_held", "Connections that are being synced.", load.held),
            ("quarantined_events", "Events that could not be read.", self._quarantined),
        ):
            yield GaugeMetricFamily(f"kalends_{name}", told, value)


def exposition(load: Load, quarantined: int) -> bytes:
    """Return what is stored in Prometheus' text format, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(Stored(load, quarantined))
    return generate_latest(registry)


def _ages(ages: Ages) -> Metric:
    """Return a histogram of a moment: its counts fall, too, so that `rate` is not for it. It has no sum."""
    name = "kalends_connection_age_seconds"
    made = Metric(name, "How long ago what is imported was read well; all that is imported counts.", "histogram")
    for bound, count in ages.within.items():
        made.add_sample(f"{name}_bucket", {"le": str(bound.total_seconds())}, count)
    made.add_sample(f"{name}_bucket", {"le": "+Inf"}, ages.total)
    made.add_sample(f"{name}_count", {}, ages.total)
    return made
