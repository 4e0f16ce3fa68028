"""One history of an account that is connected to a schedule, and what has to be so at any time in it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.connection import Connection, ErrorReason, ExportTarget, ImportChoice, Status
from kalends.model.errors import PreconditionFailed, ProviderUnavailable
from kalends.model.time import Window
from kalends.store.runs import Outcome
from tests.providers.export_contract import Seen
from tests.state_machine.bookings import TITLE, Booking, Bookings
from tests.state_machine.person import DAYS, NOTHING, PRIMARY, Person, Place, Spell, Stage
from tests.state_machine.remote import Block

ROUNDS = 12
HOUR = timedelta(hours=1)
T = TypeVar("T")


@dataclass
class PersonService:
    """What the histories have in common: a Kalends, a provider, the loop that both run in, and people.

    `new_person` makes an account: the number of its history, and the first day of its events.
    """

    runner: asyncio.Runner
    stage: Stage
    new_person: Callable[[int, date], Awaitable[Person]]
    histories: int = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done."""
        return self.runner.run(work)


class PersonHistory:
    """Somebody new, with a schedule of their own."""

    def __init__(self, service: PersonService) -> None:
        service.histories += 1
        self._do = service.do
        self._stage = service.stage
        self._world = service.stage.world
        number = service.histories
        today = self._world.clock.now().date()
        self.person = self._do(_made(service.new_person(number, today + timedelta(days=1))))
        begin = datetime.combine(today, datetime.min.time(), UTC) - timedelta(days=2)
        self._span = Window(begin, begin + timedelta(days=DAYS + 10))
        self._id = ""
        self.withdrawn = False
        self._broken = False
        self._wanted: frozenset[str] = frozenset({PRIMARY})
        self._read: frozenset[str] = frozenset()
        """The calendars that were read to their end since they were chosen."""
        self._good_at: datetime | None = None
        self._do(self._begin(f"Chair {number}"))
        self._bookings = Bookings(self._world, self._world.schedule.id)

    async def _begin(self, name: str) -> None:
        self._world.schedule = await self._world.kalends.schedules.create(self._world.site, name=name)
        await self.person.calm()
        await self._connect()

    # What people do

    def edit(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done at the provider."""
        self._do(work)

    def connect(self) -> None:
        """Consent, for the first time or again."""
        self._do(self._connect())

    async def _connect(self) -> None:
        told = await self._stage.told(account=self.person.account)
        assert told.keys() == {"connectionId"}, told
        assert self._id in {"", told["connectionId"]}, "the same account and schedule are the same connection"
        self._id, self.withdrawn, self._broken = told["connectionId"], False, False

    def withdraw(self) -> None:
        """Take the consent back at the provider."""
        self._do(self.person.withdraw())
        self.withdrawn = True

    def choose(self, wanted: Collection[str]) -> None:
        """Choose calendars for import; a choice that cannot be looked up there is none."""
        names = [name for one in wanted if (name := self.person.named(one))]
        chosen = {name: self.person.calendars[name] for name in names}
        change = ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=tuple(sorted(chosen.values())))
        kalends, admin = self._world.kalends, self._world.admin
        try:
            self._do(kalends.services.sync_configs.update(admin, self._id, SyncConfigChange(imports=change)))
        except PreconditionFailed:
            assert self.withdrawn
            return
        self._wanted = frozenset(chosen)
        self._read &= self._wanted

    def book(self, name: str, what: Booking) -> None:
        """Do something with an event of the schedule's own."""
        self._do(self._bookings.book(name, what))

    def export(self, target: ExportTarget | None) -> None:
        """Have what is booked exported to a calendar, or to none."""
        self._do(self._bookings.export(target))

    def touch_copy(self, *, delete: bool) -> None:
        """Move or delete some copy, as whose calendar it is in."""
        self._do(self._touch_copy(delete=delete))

    async def _touch_copy(self, *, delete: bool) -> None:
        owner = self.person.owner()
        copies = await self._copies()
        if not copies:
            return
        title, start, _ = copies[len(copies) // 2]
        assert isinstance(start, datetime)
        if delete:
            await owner.remove(title)
        else:
            await owner.move(title, start + 5 * HOUR, start + 6 * HOUR)

    async def _copies(self) -> list[Seen]:
        return [one for one in await self.person.owner().all() if one[0].startswith(TITLE)]

    # What Kalends does

    def sync(self, faults: Sequence[Mapping[str, Any]] = ()) -> bool:
        """Read, with faults on the way; tell whether all went well."""
        return self._do(self._sync(faults))

    async def _sync(self, faults: Sequence[Mapping[str, Any]]) -> bool:
        for fault in faults:
            await self._stage.press("/faults", fault)
        before = await self._world.connection(self._id)
        # asked for: where only an export is due, nothing is read
        await self._world.kalends.services.sync_requests.ask(self._world.admin, self._id)
        run = await self._world.sync(before)
        await self._stage.press("/faults", verb="DELETE")
        after = await self._world.connection(self._id)
        if run.outcome is Outcome.DONE:
            assert not self.withdrawn or not faults, "what was withdrawn is read"
            self._good_at, self._broken = self._world.clock.now(), False
            assert after.status is Status.SYNCED
            if not run.counts.doubted:
                self._read = self._wanted
                self.person.since.clear()
        else:
            self._judge_failure(before, after, faults)
        return run.outcome is Outcome.DONE

    def _judge_failure(self, before: Connection, after: Connection, faults: Sequence[Mapping[str, Any]]) -> None:
        assert faults or self.withdrawn, f"it fails without a reason: {after.error_reason}"
        assert before.last_good_read_at == after.last_good_read_at, "rule 1: a failed run counts as a good read"
        if after.status is Status.ERROR and self._is_stale and not self.withdrawn:
            assert after.error_reason is ErrorReason.UNDEFINED
        elif after.status is Status.ERROR:
            assert self.withdrawn, f"rule 1: {faults} are no reason for {after.error_reason}"
            assert after.error_reason is ErrorReason.TOKEN_REVOKED
            self._broken = True

    # What has to be so

    def check(self) -> None:
        """Hold what *list events* answers to what the provider held (rules 1, 2 and 11)."""
        why = self._must_fail()
        try:
            page = self._do(self._world.page(span=self._span, schedule_ids=[self._world.schedule.id]))
        except ProviderUnavailable:
            assert why is not None, "rule 11: all is well, and nobody is told when the person is free"
            return
        assert why is None, f"rule 11: {why}, and the person is shown as free"
        shown: list[Block] = [(one.title or "", one.start, one.end) for one in page.events]
        self._check_shown(shown)

    def _must_fail(self) -> str | None:
        if self._broken:
            return "the connection is broken"
        if self._good_at is None or not self._wanted <= self._read:
            return "it was not read yet"
        return "it was not read for long" if self._is_stale else None

    @property
    def _is_stale(self) -> bool:
        limit = self._world.kalends.settings.staleness_limit
        return self._good_at is None or self._world.clock.now() - self._good_at >= limit

    def _check_shown(self, shown: Sequence[Block]) -> None:
        at: dict[str, set[Block]] = {}
        for block in shown:
            at.setdefault(block[0].partition(" of ")[0], set()).add(block)
        assert sum(map(len, at.values())) == len(shown), "rule 3: something is shown twice"
        for place in {*self.person.held, *self.person.since}:
            self._check_place(place, at.pop("/".join(place), set()))
        assert not at, f"rule 2: {at} were never there"

    def _check_place(self, place: Place, shown: set[Block]) -> None:
        if place[0] not in self._wanted:
            assert not shown, f"rule 2: {shown} are of a calendar that is not imported"
            return
        spells = self.person.since.get(place, [self.person.held.get(place, NOTHING)])
        if len(spells) == 1:
            expected = set(spells[0].blocks())
            assert shown == expected, f"rules 1 and 2: {shown} is shown, and {expected} is there"
            return
        possible = {_bare(title) for spell in spells for title, _, _ in _everything(spell)}
        assert {_bare(title) for title, _, _ in shown} <= possible, f"rule 2: {shown} was not there since it was read"

    def come_right(self) -> None:
        """Take all faults away: in the end everything is as there, and after a disconnect nothing is."""
        if self.withdrawn:
            self.connect()
        self._do(self.person.calm())
        for _ in range(ROUNDS):
            self._world.clock.advance(HOUR)
            assert self.sync(), "it does not come right"
            if not self.person.since and self._do(self._is_exported()):
                break
        else:
            raise AssertionError(f"it does not come right: {self.person.since}")
        self.check()
        copies, belong = self._do(self._copies()), self._do(self._bookings.belong())
        assert copies == belong, f"rule 4: {copies} are there, and {belong} are wanted"

    async def _is_exported(self) -> bool:
        now = await self._world.connection(self._id)
        assert now.export.problem is None, now.export
        return now.export.due_at is None

    def end(self) -> None:
        """Leave nothing that others would read, and see that nothing is shown any more."""
        kalends, admin = self._world.kalends, self._world.admin
        self._do(self._stage.press("/faults", verb="DELETE"))
        self._do(kalends.disconnecting.disconnect(admin, self._id))
        left = self._do(self._world.page(span=self._span, schedule_ids=[self._world.schedule.id]))
        assert list(left.events) == [], "rule 13: it is disconnected"
        if not self.withdrawn:
            self._do(self._take_away())

    async def _take_away(self) -> None:
        for _ in range(ROUNDS):
            lease = await self._world.kalends.leased.claim(self._world.site.id, self._id)
            if lease is not None:
                await self._world.kalends.leased.run(lease)
            if not await self._copies():
                return
            self._world.clock.advance(HOUR)
        raise AssertionError(f"rule 13: {await self._copies()} are left behind")


def _bare(title: str) -> str:
    return title.removesuffix(" moved")


def _everything(spell: Spell) -> Collection[Block]:
    return list(spell.blocks())


async def _made(person: Awaitable[Person]) -> Person:
    return await person
