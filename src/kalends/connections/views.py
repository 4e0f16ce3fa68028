"""What the use cases answer with."""

from collections.abc import Iterable
from dataclasses import dataclass

from kalends.model.connection import Connection
from kalends.model.errors import ProviderUnavailable
from kalends.model.provider import Provider


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection together with its provider."""

    connection: Connection
    provider: Provider


@dataclass(frozen=True, slots=True)
class Failures:
    """What could not be read: ids without repetition, in order."""

    provider_ids: tuple[str, ...] = ()
    connection_ids: tuple[str, ...] = ()
    schedule_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, connections: Iterable[Connection], provider_ids: Iterable[str] = ()) -> "Failures":
        """Return the failures of connections, and of providers as a whole."""
        failed = list(connections)
        return cls(
            tuple(sorted({*provider_ids, *(one.provider_id for one in failed)})),
            tuple(sorted({one.id for one in failed})),
            tuple(sorted({one.schedule_id for one in failed})),
        )

    def __bool__(self) -> bool:
        """Tell whether anything failed."""
        return bool(self.provider_ids)

    def error(self) -> ProviderUnavailable:
        """Return the error that names what failed."""
        return ProviderUnavailable(
            "Not every external calendar that belongs to the answer can be read at the moment.",
            data={
                "failedProviderIds": list(self.provider_ids),
                "failedConnectionIds": list(self.connection_ids),
                "failedScheduleIds": list(self.schedule_ids),
            },
        )


def provider_unavailable(public: str, provider_id: str) -> ProviderUnavailable:
    """Return the error for a provider that did not answer a call about one account."""
    return ProviderUnavailable(public, data={"failedProviderIds": [provider_id]})
