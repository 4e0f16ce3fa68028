"""The plugin: what ICS feeds offer to the rest of Kalends."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kalends.ical import expand_resource, is_tame
from kalends.model.calendar import Account
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.model.provider import CalendarType, ExportFeature, Features, ImportFeature
from kalends.net.allowance import Allowance
from kalends.net.client import GuardedClient
from kalends.providers.base import AccountSession, CredentialKeeper, Delivery
from kalends.providers.caldav.stored_copies import tag_of
from kalends.providers.ics.address import feed_url, fingerprint, masked
from kalends.providers.ics.session import FeedSession, kept_credentials
from kalends.providers.quirks import Quirk


@dataclass(kw_only=True)
class IcsKind:
    """Feeds: each is an account of its own, known by its address, with one calendar that can only be read."""

    kind: str = "ics"
    built_in_id: str | None = None
    calendar_type: CalendarType = CalendarType.OTHER
    default_name: str = "ICS feed"
    delivers: Delivery = Delivery.RESOURCES

    @property
    def quirks(self) -> Mapping[str, Quirk]:
        """None: what feeds do differently is put right without remembering it."""
        return MappingProxyType({})

    def features(self, config: Mapping[str, str]) -> Features:  # noqa: ARG002 - the same for every installation
        """Return what an installation can do. Connecting by address is no method that the wire contract knows."""
        return Features(
            connect_methods=(),
            update_sync_config=True,
            list_event_from_calendars=ImportFeature.SPECIFIC_CALENDARS,
            sync_to_calendar=ExportFeature.NOT_SUPPORTED,
            primary_calendar=False,
        )

    def check_config(self, config: Mapping[str, str]) -> dict[str, str]:
        """Return the configuration, which is empty; raises `ValueError` with a message for the operator."""
        if config:
            raise ValueError(
                f"ICS feeds have no settings, so not {', '.join(map(repr, sorted(config)))} either: "
                "the address of a feed is given when it is connected"
            )
        return {}

    def budgets(self, config: Mapping[str, str]) -> Sequence[Allowance]:  # noqa: ARG002 - the same for all
        """Return no allowance: a feed is asked once a sync, and hosts have budgets of their own."""
        return ()

    async def connect_by_feed(self, client: GuardedClient, config: Mapping[str, str], *, url: str) -> Account:  # noqa: ARG002 - the port's signature
        """Return the account that stands for the feed at an address, which is not asked yet; raises `BadUrl`."""
        address = feed_url(url)
        return Account(
            key=f"sha256-{fingerprint(address)}",
            email=masked(address),
            addresses=frozenset(),
            credentials=kept_credentials(address),
        )

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],  # noqa: ARG002 - the address stands in the credentials
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),  # noqa: ARG002 - there are none
        keeper: CredentialKeeper | None = None,  # noqa: ARG002 - an address is not renewed
    ) -> AsyncIterator[AccountSession]:
        """Open a session for a feed, with what connecting returned."""
        yield FeedSession(client, credentials)

    def tag_of(self, payload: bytes) -> str | None:
        """Return the tag of a copy, None for any other event: a feed may be of a calendar that holds copies."""
        return tag_of(payload)

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        """Tell cheaply whether expanding the group is sure to be quick."""
        return is_tame(payloads)

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        """Expand the items of one group: one event with its overrides."""
        return expand_resource(payloads, context)
