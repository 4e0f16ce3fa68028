"""Bringing one event about in one account: what is wanted, what is known to be there, and one step after the other.

Each step is safe to be cut off after: what is to be asked for is written down before, with its key; a request of which
nobody knows how it ended is followed by a look, never by a second one. Whatever was cut off is brought about by the
same steps again.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

import structlog

from kalends.model.connection import Status
from kalends.model.copy import CopyChanges, WantedCopy
from kalends.model.schedule_event import EventTimes, ScheduleEvent
from kalends.providers.errors import CalendarGone, CredentialsRefused, ProviderError, Unavailable
from kalends.providers.export import CopyChanged, CopyGone, CopyThere, KeyUsedUp, Moves, StoredCopy
from kalends.store.copies import Copies, CopyState, KnownCopy
from kalends.store.schedule_events import ScheduleEvents
from kalends.sync.export.account import ExportAccount
from kalends.sync.export.keys import CopyKeys, CopyPlace
from kalends.sync.export.wanted import WantedSegment, wanted_copies
from kalends.sync.failpoints import FailPoints, Point
from kalends.sync.outcome import describe

log = structlog.get_logger(__name__)

MOST_TRIES = 8
"""How often a key is found used up, or a copy changed under our hands, before it is left for later."""
_NOT_ITS_OWN = (CredentialsRefused, CalendarGone, Unavailable)
"""What keeps from writing other copies too, at least at the moment."""


@dataclass(frozen=True, slots=True)
class OwnersChange:
    """What the owner of a calendar did to a copy: gave it other `times`, or deleted it where these are None.

    `revision` and `zone` are the event's.
    """

    site_id: str
    event_id: str
    revision: int
    zone: str
    times: EventTimes | None


Accept = Callable[[OwnersChange], Awaitable[bool]]
"""Applies what an owner did to the event, as far as its revision is the one named; tells whether that was done."""


@dataclass(slots=True)
class Written:
    """How many copies were written, by what was done."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    refused: int = 0


class Convergence:
    """Brings events about."""

    def __init__(self, keys: CopyKeys, accept: Accept, points: FailPoints) -> None:
        self._keys = keys
        self._accept = accept
        self._points = points

    async def bring_about(
        self, account: ExportAccount, event_id: str, target: str | None, written: Written, *, look: bool
    ) -> None:
        """Make the copies of an event what they should be in the `target` calendar, and nowhere else.

        Without a target there should be none. `look` where somebody may have changed one. What keeps a single copy from
        being written is kept with it. Raises `CredentialsRefused`, `CalendarGone`, `Unavailable`, `LeaseLost`.
        """
        async with account.database.read() as reader:
            event = await ScheduleEvents(reader, account.site_id).get(event_id)
            known = await Copies(reader, account.site_id).of_event(account.connection.id, event_id)
        wanted = () if target is None or event is None else wanted_copies(event, account.style, account.since)
        steps = _Steps(self._keys, self._accept, self._points, account, event, known, written)
        known = await steps.find_out()
        kept: set[str] = set()
        for segment in wanted:
            kept |= await steps.one(segment, target or "", look=look)
        for copy in known:
            if copy.state is not CopyState.GONE and copy.key not in kept:
                await steps.take_away(copy)


class _Steps:
    """The steps for one event in one account."""

    def __init__(
        self,
        keys: CopyKeys,
        accept: Accept,
        points: FailPoints,
        account: ExportAccount,
        event: ScheduleEvent | None,
        known: Sequence[KnownCopy],
        written: Written,
    ) -> None:
        self._keys = keys
        self._accept = accept
        self._points = points
        self._account = account
        self._session = account.session
        self._event = event
        self._known = known
        self._written = written
        self._doubted: set[str] = set()

    async def find_out(self) -> Sequence[KnownCopy]:
        """Return what is known, once it is known of each copy that was being moved where it is."""
        self._known = [await self._whereabouts(one) if one.moving_to else one for one in self._known]
        return self._known

    async def one(self, segment: WantedSegment, target: str, *, look: bool) -> set[str]:
        """Bring one segment's copy about; return the keys of copies that are to stay."""
        live = [one for one in self._known if one.ordinal == segment.ordinal and one.state is not CopyState.GONE]
        here = next((one for one in reversed(live) if one.calendar_id == target), None)
        elsewhere = next((one for one in reversed(live) if one.calendar_id != target), None)
        if here is None and elsewhere is not None and elsewhere.state is CopyState.THERE:
            here = await self._move(elsewhere, target)
        if here is None and segment.over:
            # a change of calendar is not for what is over: where it is, it stays
            return set() if elsewhere is None else {elsewhere.key}
        copy = here or self._next(segment.ordinal, target)
        wanted = self._whole(segment.copy, copy)
        digest = _digest(segment.copy)
        if copy.state is CopyState.THERE and copy.written == digest and copy.error is None and not look:
            return {copy.key}
        if here is None:
            await self._begin(copy)
        # of what was asked for before, nobody knows whether it came to be
        look = here is not None and (look or here.state is CopyState.UNSURE)
        kept = await self._bring(copy, wanted, digest, look=look, over=segment.over)
        # where the provider does not take it, what is there already stays
        return {copy.key, *({one.key for one in live} if kept is None else {kept})}

    async def take_away(self, copy: KnownCopy) -> None:
        """Delete a copy that is not wanted; of one that was asked for, first see whether it came to be."""
        ref = copy.ref
        try:
            if copy.state is CopyState.UNSURE:
                found = await self._session.look_up(copy.calendar_id, copy.key)
                ref = found.ref if found is not None else None
            if ref is not None:
                await self._doubt(copy)
                await self._session.delete(copy.calendar_id, ref)
                self._written.deleted += 1
                self._points.reach(Point.AFTER_COPY_WRITTEN)
        except (CalendarGone, CopyGone, KeyUsedUp):
            pass  # somebody else has
        except (CredentialsRefused, Unavailable):
            raise
        except ProviderError as error:
            await self._refused(copy, "copy_not_deleted", error)
            if self._account.connection.status is Status.DISCONNECTED:
                # the credentials are kept for this alone, and it is tried as long as they are
                raise Unavailable(str(error)) from None
            return
        await self._gone(copy)

    async def _refused(self, copy: KnownCopy, what: str, error: ProviderError) -> None:
        """Keep with a copy why it cannot be as it should be."""
        self._written.refused += 1
        log.warning(what, connection=copy.connection_id, schedule_event=copy.event_id, error=describe(error))
        await self._account.keep(replace(copy, error=describe(error)))

    async def _bring(self, copy: KnownCopy, wanted: WantedCopy, digest: bytes, *, look: bool, over: bool) -> str | None:
        """Write a copy until it is what it should be; return the key that it has then, None where it is refused."""
        for _ in range(MOST_TRIES):
            try:
                stored = await self._write(copy, wanted, digest, look=look, over=over)
            except (CopyThere, CopyChanged):
                look = True
            except (CopyGone, KeyUsedUp):
                followed = not over and await self._accepted(copy, None)
                await self._gone(copy)
                if followed or over:
                    return copy.key
                copy, look = self._after(copy), False
                wanted = self._whole(wanted, copy)
                await self._begin(copy)
            except _NOT_ITS_OWN:
                raise
            except ProviderError as error:
                await self._refused(copy, "copy_refused", error)
                return None
            else:
                if stored is not None:
                    self._points.reach(Point.AFTER_COPY_WRITTEN)
                    await self._account.keep(self._there(copy, stored, digest))
                return copy.key
        raise Unavailable("a copy changes as fast as it is written")

    async def _begin(self, copy: KnownCopy) -> None:
        """Write down what will be asked for."""
        await self._account.keep(copy)
        self._points.reach(Point.BEFORE_COPY_WRITTEN)

    async def _doubt(self, copy: KnownCopy) -> None:
        """Write down that a copy may be different by now: what is wanted may change back before that is known."""
        if copy.state is CopyState.THERE and copy.written is not None and copy.key not in self._doubted:
            self._doubted.add(copy.key)
            await self._account.keep(replace(copy, written=None))

    async def _write(
        self, copy: KnownCopy, wanted: WantedCopy, digest: bytes, *, look: bool, over: bool
    ) -> StoredCopy | None:
        """Create or change a copy once; None where a look shows that there is nothing to be done.

        Raises `CopyGone` where there is none, and none is to be made of what is `over`.
        """
        known = StoredCopy(copy.ref or "", copy.version, copy.echo) if copy.state is CopyState.THERE else None
        if look:
            known, settled = await self._see(copy, digest)
            if settled:
                return None
            if known is None and over:
                raise CopyGone("it is over, and was never made")
        if known is None:
            stored = await self._session.create(copy.calendar_id, wanted)
            self._written.created += 1
        else:
            await self._doubt(copy)
            stored = await self._session.update(copy.calendar_id, wanted, known)
            self._written.updated += 1
        return stored

    async def _see(self, copy: KnownCopy, digest: bytes) -> tuple[StoredCopy | None, bool]:
        """Look a copy up; tell what is there, and whether it is settled with that.

        Raises `KeyUsedUp` where there was one before, and is none any more.
        """
        found = await self._session.look_up(copy.calendar_id, copy.key)
        if found is None:
            # a search may lag behind: of one that was there, changing it shows whether it is
            there = copy.state is CopyState.THERE
            return StoredCopy(copy.ref or "", copy.version, copy.echo) if there else None, False
        if copy.state is CopyState.THERE and copy.error is None and found.echo == copy.echo:
            if copy.written == digest:
                if (found.ref, found.version) != (copy.ref, copy.version) or copy.key in self._doubted:
                    await self._account.keep(replace(copy, ref=found.ref, version=found.version))
                return found, True
            return found, False
        return found, copy.state is CopyState.THERE and await self._accepted(copy, found)

    async def _accepted(self, copy: KnownCopy, found: StoredCopy | None) -> bool:
        """Have the event follow what the owner did to its copy, where the site wants that and the event allows it.

        Where it is, the event is changed, and so meant anew: the rest follows from that.
        """
        event, times = self._event, found.times if found is not None else None
        if self._account.changes is not CopyChanges.ACCEPT or event is None or copy.state is not CopyState.THERE:
            return False
        # the time after an event, or a part of a series, does not stand for the whole of it
        if copy.ordinal != event.last.ordinal or len(event.segments) > 1 or copy.revision != event.revision:
            return False
        if found is not None and (times is None or event.recurs):
            return False
        if times is not None and _is_same(times, event.last.times):
            return False  # it was something else that was changed, which is restored
        return await self._accept(OwnersChange(event.site_id, event.id, event.revision, event.last.times.zone, times))

    async def _move(self, copy: KnownCopy, target: str) -> KnownCopy | None:
        """Move a copy to another calendar, where the provider can; None where a new one is to be made there."""
        if not isinstance(self._session, Moves):
            return None
        leaving = replace(copy, moving_to=target)
        await self._account.keep(leaving)
        try:
            known = StoredCopy(copy.ref or "", copy.version, copy.echo)
            stored = await self._session.move(copy.calendar_id, known, target)
        except (CopyGone, CopyThere, CalendarGone):
            # somebody was first
            now = await self._whereabouts(leaving)
            return now if now.calendar_id == target and now.state is CopyState.THERE else None
        except (CredentialsRefused, Unavailable):
            raise
        except ProviderError:
            await self._account.keep(copy)
            return None
        self._written.updated += 1
        self._points.reach(Point.AFTER_COPY_WRITTEN)
        return await self._found_at(copy, target, stored)

    async def _whereabouts(self, copy: KnownCopy) -> KnownCopy:
        """Return a copy that was being moved as it is: in one of two calendars, or gone."""
        for calendar_id in (copy.moving_to, copy.calendar_id):
            with suppress(CalendarGone, KeyUsedUp):
                found = await self._session.look_up(calendar_id or "", copy.key)
                if found is not None:
                    return await self._found_at(copy, calendar_id or "", found)
        gone = replace(copy, state=CopyState.GONE, ref=None, written=None, moving_to=None)
        await self._account.keep(gone)
        return gone

    async def _found_at(self, copy: KnownCopy, calendar_id: str, found: StoredCopy) -> KnownCopy:
        """Note where a copy is; what its owner has changed is not what was written, and will be restored."""
        now = replace(
            copy,
            calendar_id=calendar_id,
            moving_to=None,
            ref=found.ref,
            version=found.version,
            echo=found.echo,
            written=copy.written if found.echo == copy.echo else None,
        )
        await self._account.keep(now)
        return now

    def _next(self, ordinal: int, target: str) -> KnownCopy:
        """Return a copy that is to be made: of the first generation that nothing is known of."""
        generations = [one.generation for one in self._known if one.ordinal == ordinal and one.calendar_id == target]
        return self._new(ordinal, target, max(generations, default=0) + 1)

    def _after(self, copy: KnownCopy) -> KnownCopy:
        """Return the copy that takes the place of one that is gone."""
        generation = max((one.generation for one in self._known if one.ordinal == copy.ordinal), default=0)
        return self._new(copy.ordinal, copy.calendar_id, max(generation, copy.generation) + 1)

    def _new(self, ordinal: int, target: str, generation: int) -> KnownCopy:
        event, connection = self._event, self._account.connection
        event_id = event.id if event is not None else ""
        place = CopyPlace(self._account.site_id, connection.id, target, event_id, ordinal, generation)
        return KnownCopy(connection.id, event_id, ordinal, generation, self._keys.key(place), target)

    def _whole(self, wanted: WantedCopy, copy: KnownCopy) -> WantedCopy:
        return replace(wanted, key=copy.key, tag=self._keys.tag(self._account.site_id, copy.key))

    def _there(self, copy: KnownCopy, stored: StoredCopy, digest: bytes) -> KnownCopy:
        return replace(
            copy,
            state=CopyState.THERE,
            ref=stored.ref,
            version=stored.version,
            echo=stored.echo,
            written=digest,
            revision=self._event.revision if self._event is not None else None,
            error=None,
        )

    async def _gone(self, copy: KnownCopy) -> None:
        await self._account.keep(replace(copy, state=CopyState.GONE, ref=None, written=None, error=None))


def _digest(wanted: WantedCopy) -> bytes:
    """Return what tells one content of a copy from another, whatever its key."""
    return sha256(repr(replace(wanted, key="", tag="")).encode()).digest()


def _is_same(times: EventTimes, before: EventTimes) -> bool:
    """Tell whether two times are the same, in whatever zones; those of whole days have none."""
    if times.all_day or before.all_day:
        return (times.all_day, times.start, times.end) == (before.all_day, before.start, before.end)
    return (times.start_at, times.end_at) == (before.start_at, before.end_at)
