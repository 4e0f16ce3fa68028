"""An account's calendars and what is read from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a provider, as connecting found it.

    `key` identifies the account for ever (never an e-mail address). `addresses` are the lower-case e-mail addresses
    by which invitations know the person. `credentials` is JSON-able and secret: it is sealed before it is stored.
    `scopes` are what the person consented to, in the provider's words; None where nobody is asked. Where the provider
    gave nothing by which access lasts, because it has done so before, `lasting` is False: credentials that are kept
    already then go on, with what is new in these.
    """

    key: str
    email: str
    addresses: frozenset[str]
    credentials: Mapping[str, Any]
    scopes: frozenset[str] | None = None
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class ExternalCalendar:
    """One calendar inside an account.

    `id` is the provider's own, opaque (a CalDAV collection's path, percent-encoded as the server writes it).
    `time_zone` is an IANA name or None; `color` as `#rrggbb` or None. `own` is False for what the person
    only subscribes to, and for what others share with the person.
    """

    id: str
    name: str
    primary: bool = False
    own: bool = True
    writable: bool = True
    color: str | None = None
    time_zone: str | None = None


Became = Callable[[ExternalCalendar, Sequence[ExternalCalendar]], ExternalCalendar | None]
"""Finds the calendar that one has become whose id is no more, among those that nobody knew; None where none is it."""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item as the provider stores it now.

    `key` tells the items of one calendar apart, `group_key` those that are expanded together (for CalDAV both are
    the href's path). `version` is the provider's version (etag), opaque. `payload` is what the provider sent, or None
    where it could not be taken (too large, not text); then `problem` says why, and the item counts as quarantined.
    """

    key: str
    group_key: str
    version: str
    payload: bytes | None
    problem: str | None = None
    recurrence_id: str | None = None
    """Of an exception that the provider stores apart from its master: the original start, as the provider writes it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a reading.

    `changed` items are to be stored. `unchanged` are keys that a full reading saw with the version that is
    stored already. `removed` are keys that a reading knows to be gone. `continuation`, where not None,
    is where a reading that is cut off after this page goes on. `cursor` is set on the last page and only there: it
    stands for the whole reading.
    """

    changed: tuple[ItemChange, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    continuation: str | None = None
    cursor: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it names no item."""
        return not (self.changed or self.unchanged or self.removed)
