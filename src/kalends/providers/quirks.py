"""Deviations of servers from what their protocol says: what one is, and what a session notes of them.

A deviation is found by behaviour, never by the server's name: names do not tell the version, and proxies hide them.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quirk:
    """One deviation that servers are known for. All but the name is said to people, in whole sentences.

    `name` is what is stored, and never changes. `summary` says what the server does, `found_by` by what behaviour it is
    recognised, `consequence` what Kalends does about it. `known_from` names the servers, and where that is written.
    """

    name: str
    summary: str
    found_by: str
    consequence: str
    known_from: tuple[str, ...]


class Quirks:
    """The deviations of one account's server, as one session knows them: those it was told, and those it met.

    A deviation that had its chance to show in a session that read a calendar in full, and did not show, is forgotten.
    """

    def __init__(self, known: Collection[str] = ()) -> None:
        self._known = frozenset(known)
        self._shown: set[str] = set()
        self._tried: set[str] = set()
        self._mended: set[str] = set()
        self._suspected: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The names of those that stand now; names of another version stay as they are."""
        return (self._known - self._mended) | self._shown

    def __contains__(self, quirk: Quirk) -> bool:
        return quirk.name in self.names

    def see(self, quirk: Quirk, *, shown: bool) -> None:
        """Note that a deviation had its chance to show, and whether it did."""
        (self._shown if shown else self._tried).add(quirk.name)

    def suspect(self, quirk: Quirk) -> None:
        """Note something that may be this deviation, and may be lawful."""
        self._suspected.add(quirk.name)

    def doubts(self, quirk: Quirk) -> bool:
        """Tell whether to look closer: the deviation stands, or is suspected."""
        return quirk in self or quirk.name in self._suspected

    def mend(self, quirk: Quirk) -> None:
        """Note that the server does what it ought to; what another of its calendars showed stands all the same."""
        self._mended.add(quirk.name)

    def conclude(self) -> None:
        """Note that a calendar was read in full: what had its chance to show until now, and did not, is mended."""
        self._mended |= self._tried
