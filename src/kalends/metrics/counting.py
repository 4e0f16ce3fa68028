"""What happened in this process since it began, counted in a registry of its own.

Labels hold nothing that a caller or a server makes up: routes are those that exist, providers are kinds of plugins.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from kalends import __version__
from kalends.store.runs import Run

API_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PROVIDER_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
RUN_SECONDS = (0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)

NO_ROUTE = "none"
OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Counting:
    """Counts what it is told. One of it belongs to one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Gauge("kalends_build_info", "1, by the version that runs.", ["version"], registry=self._registry).labels(
            __version__
        ).set(1)
        self._api_requests = Counter(
            "kalends_api_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._api_seconds = Histogram(
            "kalends_api_request_duration_seconds",
            "How long requests took.",
            ["method", "route"],
            buckets=API_SECONDS,
            registry=self._registry,
        )
        self._provider_requests = Counter(
            "kalends_provider_requests",
            "Requests sent to calendar servers, by the status of the answer or why there is none.",
            ["provider", "outcome"],
            registry=self._registry,
        )
        self._provider_seconds = Histogram(
            "kalends_provider_request_duration_seconds",
            "How long calendar servers took to answer.",
            ["provider"],
            buckets=PROVIDER_SECONDS,
            registry=self._registry,
        )
        self._budget_waits = Counter(
            "kalends_budget_waits",
            "Requests to calendar servers that had to wait for their turn.",
            ["provider", "scope"],
            registry=self._registry,
        )
        self._budget_seconds = Counter(
            "kalends_budget_wait_seconds",
            "How long they waited, together.",
            ["provider", "scope"],
            registry=self._registry,
        )
        self._budget_refusals = Counter(
            "kalends_budget_refusals",
            "Requests to calendar servers that were not sent, because they would have had to wait too long.",
            ["provider", "scope"],
            registry=self._registry,
        )
        self._copies = Counter(
            "kalends_copies_written",
            "Copies of schedule events that were created, updated and deleted in people's calendars, or refused.",
            ["operation"],
            registry=self._registry,
        )
        self._runs = Counter(
            "kalends_runs", "Syncs done by this process.", ["cause", "outcome"], registry=self._registry
        )
        self._run_seconds = Histogram(
            "kalends_run_duration_seconds",
            "How long syncs took.",
            ["cause"],
            buckets=RUN_SECONDS,
            registry=self._registry,
        )

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request to the API; `route` is the path with its parameters' names, None where there is none."""
        method, route = method if method in METHODS else OTHER, route or NO_ROUTE
        self._api_requests.labels(method, route, str(status)).inc()
        self._api_seconds.labels(method, route).observe(seconds)

    def asked(self, provider: str, outcome: str, seconds: float) -> None:
        """Count a request to a calendar server; `provider` is the kind of its plugin."""
        self._provider_requests.labels(provider, outcome).inc()
        self._provider_seconds.labels(provider).observe(seconds)

    def budget_waited(self, provider: str, scope: str, seconds: float) -> None:
        """Count a request that had to wait for its turn under a budget of this scope."""
        self._budget_waits.labels(provider, scope).inc()
        self._budget_seconds.labels(provider, scope).inc(seconds)

    def budget_refused(self, provider: str, scope: str) -> None:
        """Count a request that would have had to wait for its turn too long."""
        self._budget_refusals.labels(provider, scope).inc()

    def wrote(self, operation: str, copies: int) -> None:
        """Count what was done with copies."""
        self._copies.labels(operation).inc(copies)

    def ran(self, run: Run) -> None:
        """Count a sync."""
        self._runs.labels(run.cause.value, run.outcome.value).inc()
        self._run_seconds.labels(run.cause.value).observe(max((run.ended_at - run.started_at).total_seconds(), 0))

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format, version 0.0.4."""
        return generate_latest(self._registry)
