"""Planning: what a page of changes means for what is stored. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from kalends.model.calendar import ItemChange, Page
from kalends.store.items import StoredItem


@dataclass(slots=True)
class Plan:
    """What to do. `groups` are those whose items change, to be expanded again (or dropped where none is left)."""

    put: list[tuple[ItemChange, bytes]] = field(default_factory=list)
    """Items to insert or replace, with the hash of their payload."""
    set_version: list[tuple[str, str]] = field(default_factory=list)
    """Items whose version changed but whose payload did not: key, version."""
    stamp: list[str] = field(default_factory=list)
    """Items that a full pass saw as they are stored."""
    delete: dict[str, str] = field(default_factory=dict)
    """Items to delete: key → group."""
    added: int = 0
    """How many of the items to put are not stored yet."""
    groups: dict[str, None] = field(default_factory=dict)
    fresh: bool = False
    """Whether nothing at all can be stored yet of those groups."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.put or self.set_version or self.stamp or self.delete)


def plan_page(page: Page, stored: Mapping[str, StoredItem], *, full: bool) -> Plan:
    """Return what a page means, given what is stored under the keys that it names.

    An item with the same payload is not written again, whatever its version says: servers that touch etags
    without changing anything cause no work. Only a full pass stamps.
    """
    plan = Plan()
    for change in {one.key: one for one in page.changed}.values():
        digest = payload_hash(change)
        before = stored.get(change.key)
        if before is None or (before.hash, before.group_key) != (digest, change.group_key):
            plan.put.append((change, digest))
            plan.groups[change.group_key] = None
            if before is not None:
                plan.groups[before.group_key] = None
            else:
                plan.added += 1
        elif before.version != change.version:
            plan.set_version.append((change.key, change.version))
        elif full:
            plan.stamp.append(change.key)
    for key in page.removed:
        if key in stored:
            plan.delete[key] = stored[key].group_key
            plan.groups[stored[key].group_key] = None
    if full:
        plan.stamp.extend(page.unchanged)
    return plan


def payload_hash(change: ItemChange) -> bytes:
    """Return what tells one content of an item from another."""
    if change.payload is None:
        return sha256(f"no payload: {change.problem}".encode()).digest()
    return sha256(change.payload).digest()
