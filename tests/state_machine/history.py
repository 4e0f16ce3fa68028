"""One history of an account that is connected to a schedule: what is done, and what has to be so afterwards."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import delete

from kalends.app import Kalends
from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.connection import ConnectionKey, ImportChoice, Lease, Status
from kalends.model.errors import PermissionDenied, PreconditionFailed, ProviderUnavailable
from kalends.model.identity import Role
from kalends.model.ids import new_id
from kalends.schedules.changing import ScheduleChange
from kalends.store.groups import quarantined
from kalends.store.runs import Outcome
from kalends.store.schedules import Schedules
from kalends.store.tables import connections, passes, sites
from tests.scripted_provider import GUID
from tests.state_machine.course import Course, Fault, Plan
from tests.state_machine.judging import Beginning, Surroundings, judge, judge_cost, surroundings
from tests.state_machine.model import Model
from tests.state_machine.remote import BAD, Block, RemoteAccount
from tests.state_machine.service import WORKERS, Errand, Service
from tests.state_machine.stored import Stored
from tests.world import World, populate

EMAIL = "ada@example.org"
ROUNDS = 12
"""How many hours everything may take to come right once all faults are gone."""
HOUR = timedelta(hours=1)


class History:
    """A site with one schedule, connected to an account at the scripted provider."""

    def __init__(self, service: Service, account: RemoteAccount) -> None:
        self._service = service
        self._clock = service.clock
        self._clock.reset()
        self._account = service.kind.account = account
        self._world: World = service.do(populate(self._front, self._clock))
        self._errands: dict[int, Errand] = {}
        self._beginnings: dict[int, Beginning] = {}
        self._fenced: set[int] = set()
        self._held_until: datetime | None = None
        self._settled: Surroundings | None = None
        self._owner_disabled = False
        self._connection_id = ""
        self.model = Model(account, self._world.schedule.time_zone)
        self.connect()
        self.model.chosen = frozenset(one.id for one in account.existing if one.own)

    @property
    def pauses(self) -> bool:
        """Whether a run pauses."""
        return bool(self._errands)

    @property
    def _front(self) -> Kalends:
        """The service that people talk to."""
        return self._service.workers[0]

    # What people do

    def have_imports(self) -> None:
        """Do what is needed for calendars to be imported."""
        if self._owner_disabled:
            self.disable_owner_or_hand_over()
        if not self.model.connected or self.model.refused:
            self.connect()
        if not self.model.import_on:
            self.switch()
        if not any(self._account.calendars[one].exists for one in self.model.chosen):
            self.choose([one.id for one in self._account.existing])

    def ask(self) -> None:
        """Ask for a sync."""
        self._service.do(self._front.services.sync_requests.ask(self._world.admin, self._connection_id))

    def choose(self, wanted: Collection[str]) -> None:
        """Choose calendars for import."""
        self._configure(ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=tuple(sorted(wanted))))

    def switch(self) -> None:
        """Switch the import off, or on again."""
        self._configure(ImportChange(enabled=not self.model.import_on))

    def _configure(self, change: ImportChange) -> None:
        before = self.model.imported
        update = partial(self._front.services.sync_configs.update, self._world.admin, self._connection_id)
        self._service.do(update(SyncConfigChange(imports=change)))
        if change.choice is not None:
            self.model.chosen = frozenset(change.calendar_ids)
        if change.enabled is not None:
            self.model.import_on = change.enabled
        if before != self.model.imported:
            self.model.forget(before - self.model.imported)
            self._void()

    def move(self, zone: str) -> None:
        """Move the schedule to another zone."""
        self._change_schedule(ScheduleChange(time_zone=zone))
        self.model.zone = zone

    def _change_schedule(self, change: ScheduleChange) -> None:
        async def update() -> None:
            site_id, schedule_id = self._world.site.id, self._world.schedule.id
            async with self._front.database.read() as reader:
                before = await Schedules(reader, site_id).get(schedule_id)
            assert before is not None
            await self._front.schedule_changing.update(site_id, schedule_id, change, revision=before.revision)

        self._service.do(update())

    def connect(self) -> None:
        """Connect the account, for the first time or again."""
        connecting = self._front.connecting.by_credentials(
            self._world.admin,
            provider_id=GUID,
            schedule_id=self._world.schedule.id,
            email=EMAIL,
            password=self._account.password,
        )
        try:
            view = self._service.do(connecting)
        except PermissionDenied:
            assert self._owner_disabled
            return
        assert not self._owner_disabled, "rule 13: the owner is disabled"
        self._void()
        self._connection_id = view.connection.id
        if not self.model.connected or view.connection.status is Status.CONNECTED:
            self.model.broken = self.model.acknowledged = False
        self.model.connected, self.model.password = True, self._account.password

    def disconnect(self) -> None:
        """Disconnect the account."""
        self._service.do(self._front.disconnecting.disconnect(self._world.admin, self._connection_id))
        self._left()

    def disable_owner_or_hand_over(self) -> None:
        """Disable the owner of the schedule; where they are, give it to somebody else."""
        site_id = self._world.site.id
        if self._owner_disabled:
            email = f"{new_id()}@example.org"
            user = self._service.do(self._front.users.create(site_id, email=email, name="Bea", role=Role.STAFF))
            self._change_schedule(ScheduleChange(owner_id=user.id))
            self._world.user = user
        else:
            self._service.do(self._front.users.disable(site_id, self._world.user.id))
        self._owner_disabled = not self._owner_disabled
        self._left()

    def acknowledge_or_withdraw(self) -> None:
        """Acknowledge that the connection is broken, or take that back."""
        administration = self._front.acknowledging
        if self.model.acknowledged:
            self._service.do(administration.withdraw(self._world.admin, self._connection_id))
            self.model.acknowledged = False
            return
        why = self._must_fail(self._look())
        try:
            self._service.do(administration.acknowledge(self._world.admin, self._connection_id))
        except PreconditionFailed:
            assert why is None, f"rule 11: {why}, and there is nothing to acknowledge"
        else:
            self.model.acknowledged = True

    def _left(self) -> None:
        self.model.connected = self.model.broken = self.model.acknowledged = False
        self.model.forget(list(self.model.told))
        self._void()

    def _void(self) -> None:
        """Nothing that a run has read counts any more."""
        self._held_until = self._settled = None
        self._fenced |= self._errands.keys()

    # What workers do

    def sync(self, worker: int, plan: Plan, *, late: bool) -> None:
        """Sync, if nobody else does. `late`: not before who does it, and does not get on, has lost the lease."""
        if worker in self._errands:
            self.go_on(worker)
        if late and self._held_until is not None:
            self._clock.advance(self._front.settings.lease_time + timedelta(seconds=1))
        lease = self._claim(worker)
        if lease is not None:
            # what a pass has seen of a calendar it believes, whatever is said afterwards
            begun = plan.fault is Fault.EMPTY and bool(self._look().rows[passes.name])
            self._run(worker, lease, Course(plan, lies=not begun))

    def _claim(self, worker: int) -> Lease | None:
        leased = self._service.workers[worker].leased
        lease = self._service.do(leased.claim(self._world.site.id, self._connection_id))
        free = self.model.connected and (self._held_until is None or self._held_until < self._clock.now())
        assert (lease is not None) == free, f"rule 7: the lease is {'' if lease else 'not '}given"
        return lease

    def check_held(self, worker: int) -> None:
        """See that a worker is not given what another one holds."""
        if self._held_until is not None and self._held_until >= self._clock.now():
            self._claim(worker)

    def work(self, worker: int) -> None:
        """Do what a worker does in one turn: what is wanted, else what is due."""
        if worker in self._errands:
            return
        leased, now = self._service.workers[worker].leased, self._clock.now()
        wanted = self._service.do(leased.claim_wanted(ConnectionKey(self._world.site.id, self._connection_id)))
        for lease in [wanted] if wanted is not None else self._service.do(leased.claim_due(WORKERS)):
            assert self.model.connected, "rule 13: what is disconnected is synced"
            assert self._held_until is None or self._held_until < now, "rule 7: two syncs at once"
            self._run(worker, lease, Course())

    def _run(self, worker: int, lease: Lease, course: Course) -> None:
        self._fenced |= self._errands.keys()
        self._held_until = self._clock.now() + self._front.settings.lease_time
        now = surroundings(self._clock.now(), self.model.zone)
        self._beginnings[worker] = Beginning(self._look(), self._account.tick, dict(self.model.told), now)
        errand = self._service.do(self._begun(worker, lease, course))
        if errand.task.done():
            self._ended(errand)
        else:
            self._errands[worker] = errand
            self._beginnings[worker].paused = True
            self._note_answers(errand)

    async def _begun(self, worker: int, lease: Lease, course: Course) -> Errand:
        errand = Errand.begin(worker, self._service.workers[worker], lease, course)
        await errand.go()
        return errand

    def go_on(self, worker: int | None = None) -> None:
        """Let a run that pauses come to its end."""
        worker = min(self._errands) if worker is None else worker
        before = self._look()
        errand = self._errands[worker]
        self._service.do(errand.go_on())
        del self._errands[worker]
        if worker not in self._fenced:
            self._ended(errand)
            return
        self._fenced.discard(worker)
        assert errand.result() is None, "rule 7: a run that lost its lease counts"
        assert self._look() == before, "rule 7: a run that lost its lease has written"

    def _ended(self, errand: Errand) -> None:
        course, before, after = errand.course, self._beginnings[errand.worker], self._look()
        run = errand.result()
        self._note_answers(errand)
        if course.dead:
            if after.connection["lease_owner"] is None:
                self._held_until = None
            self._settled = None
            # another process takes its place
            self._service.workers[errand.worker].leased.owner = new_id()
            return
        assert run is not None, "rule 7: a run lost its lease to nobody"
        self._held_until = None
        judge(self.model, run, course, before, after)
        good = run.outcome is Outcome.DONE
        if good and not course.fired and not before.paused:
            judge_cost(self.model, course, before, after, self._settled)
        self._settled = before.surroundings if good else None
        # what was read before a pause may have become too old meanwhile
        self._check(after, answers=good and not before.paused)

    def _note_answers(self, errand: Errand) -> None:
        """Note which calendars the provider has told everything about."""
        self.model.answered |= dict.fromkeys(errand.course.ended, self._clock.now())

    # What has to be so

    def check(self) -> None:
        """Hold what is stored, and what *list events* answers, against what they have to be."""
        self._check(self._look())

    def _check(self, stored: Stored, *, answers: bool = False) -> None:
        self.model.check_store(stored)
        why = self._must_fail(stored)
        try:
            shown = self._service.do(self._world.page())
        except ProviderUnavailable:
            assert not answers, "a good run has just ended, and nobody is told when the person is free"
            nothing = not self.model.connected or not self.model.import_on
            assert not nothing, "nothing is imported, and nobody is told so"
            return
        assert why is None, f"rule 11: {why}, and the person is shown as free"
        blocks: list[Block] = sorted((one.title or "", one.start, one.end) for one in shown.events)
        expected = self.model.blocks(stored)
        amiss = f"too much {set(blocks) - set(expected)}, too little {set(expected) - set(blocks)}"
        assert blocks == expected, f"rule 11: what blocks the person is not what is stored: {amiss}"

    def _must_fail(self, stored: Stored) -> str | None:
        return self.model.must_fail(stored, self._clock.now(), self._front.settings.staleness_limit)

    def _look(self) -> Stored:
        return self._service.do(self._service.looks.at(self._world.site.id))

    def come_right(self) -> None:
        """Take all faults away: in the end everything is as the provider has it, and after a disconnect nothing is."""
        while self._errands:
            self.go_on()
        self.have_imports()
        for turn in range(ROUNDS):
            self._clock.advance(HOUR)
            self.work(turn % WORKERS)
            stored = self._look()
            if self._is_right(stored):
                break
        else:
            raise AssertionError(f"it does not come right: {self.model.differences(stored)}, {stored.connection}")
        self.check()
        self._service.do(self._check_quarantine(stored))
        self.disconnect()
        self.check()

    def _is_right(self, stored: Stored) -> bool:
        row = stored.connection
        done = row["status"] == Status.SYNCED and row["wanted_rev"] == row["done_rev"]
        return done and not self.model.differences(stored)

    async def _check_quarantine(self, stored: Stored) -> None:
        bad = sum(
            one.sort in BAD for name in self.model.imported for one in self._account.calendars[name].held.values()
        )
        async with self._front.database.read() as reader:
            found = await quarantined(reader, self._world.site.id, stored.connection["id"])
        assert len(found) >= bad, f"rule 6: there are {bad} bad events, and {len(found)} are shown"
        assert bad or not found, "rule 6: there are no bad events, and some are shown"

    def end(self) -> None:
        """Leave nothing for the next history."""
        self._service.do(self._leave_nothing())

    async def _leave_nothing(self) -> None:
        for errand in self._errands.values():
            errand.course.dead = True
            await errand.go_on()
            errand.result()
        site_id = self._world.site.id
        async with self._front.database.write() as writer:
            await writer.execute(delete(connections).where(connections.c.site_id == site_id))
            await writer.execute(delete(sites).where(sites.c.id == site_id))
