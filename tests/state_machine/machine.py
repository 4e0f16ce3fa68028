"""The state machine: people, the provider, the clock and two workers do what they can do, in any order.

After every step, what is stored and what *list events* answers is held against what the provider held (rules 1, 2, 6,
11 and 13); after every run, what it wrote and asked against what had changed (rules 3, 7 and 12). In the end all
faults are taken away, and everything has to come right by itself.
"""

import sys
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kalends.sync.failpoints import Point
from tests.state_machine.course import Fault, Place, Plan, Stop
from tests.state_machine.history import History
from tests.state_machine.remote import RemoteAccount, Sort
from tests.state_machine.service import WORKERS, Service

CALENDARS = {"a": (True, None), "b": (True, "Asia/Tokyo"), "c": (False, None)}
"""Calendar → whether it is the account's own, and its zone. The last one is shared with the account later."""
AT_FIRST = ("a", "b")
KEYS = tuple(f"e{number}" for number in range(4))
"""The same in each calendar: what tells events apart is where they are."""
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland")
SPANS = (
    timedelta(seconds=1),
    timedelta(minutes=3),
    timedelta(minutes=12),
    timedelta(hours=2),
    timedelta(hours=7),
    timedelta(hours=25),
)
"""Up to a poll, a doubt and a lease, a long wait, the staleness limit, and the next window."""
Edit = tuple[str, str, str]
"""Calendar, key, and what becomes of the event: a sort, `touch` or `delete`."""


class Happening(StrEnum):
    """What becomes of a calendar, or of the account."""

    EMPTIED = "emptied"
    FILLED = "filled"
    COMES_OR_GOES = "comes or goes"
    PASSWORD = "password"


class Act(StrEnum):
    """What people do."""

    ASK = "ask"
    CHOOSE = "choose"
    SWITCH = "switch"
    MOVE = "move"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    HAND_OVER = "hand over"
    ACKNOWLEDGE = "acknowledge"


workers = st.integers(0, WORKERS - 1)
calendars = st.sampled_from(sorted(CALENDARS))
edit = st.tuples(
    st.sampled_from(("a", "a", "b", "b", "c")),
    st.sampled_from(KEYS),
    st.sampled_from((*Sort, Sort.SINGLE, Sort.SERIES, "touch", *["delete"] * 4)),
)
edits = st.lists(edit, max_size=5)
many_edits = st.lists(edit, min_size=3, max_size=8)
"""So many that a reading takes some pages, for runs that do not come to their end."""
expiries = st.sampled_from(((), (), ("a",), AT_FIRST))
"""Calendars of which all cursors expire, and with them what a pass has done so far."""
counts = st.integers(1, 6)
faults = st.sampled_from([one for one in Fault if one is not Fault.EMPTY])
stops = st.builds(Stop, st.sampled_from(Place), counts)
between = st.sampled_from((Point.INSIDE_APPLY, Point.AFTER_APPLY, Point.BEFORE_CLOSE, Point.INSIDE_CLOSE))
"""Where something is stored and something is not."""
crashes = st.one_of(
    st.builds(Stop, st.sampled_from(Point), st.integers(1, 2)), st.builds(Stop, between, st.integers(1, 3)), stops
)
choices = st.sets(calendars)
zones = st.sampled_from(ZONES)
interferences = st.sampled_from((None, Act.MOVE, Act.CONNECT, Act.CHOOSE, Act.SWITCH, Act.DISCONNECT, Act.HAND_OVER))
acts = st.sampled_from((*Act, Act.CHOOSE, Act.MOVE, Act.ACKNOWLEDGE))


class Histories(RuleBasedStateMachine):
    """Makes a history up, step by step."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service
        self.account = RemoteAccount()
        self.history: History | None = None
        self.kalends_knows = True

    @property
    def now(self) -> History:
        """The history, once it has begun."""
        assert self.history is not None
        return self.history

    @initialize(redelivers=st.booleans(), page=st.integers(1, 2), first=edits)
    def begin(self, *, redelivers: bool, page: int, first: list[Edit]) -> None:
        self.account.redelivers, self.account.page = redelivers, page
        for calendar_id in AT_FIRST:
            self._add(calendar_id)
        self._edit(first)
        self.history = History(self.service, self.account)
        self.history.sync(0, Plan(), late=False)

    # What happens at the provider, which Kalends cannot know

    @rule(calendar_id=calendars, happens=st.sampled_from(Happening))
    def happen(self, *, calendar_id: str, happens: Happening) -> None:
        calendar = self.account.calendars.get(calendar_id)
        there = calendar is not None and calendar.exists
        match happens:
            case Happening.EMPTIED:
                self._edit([(calendar_id, key, "delete") for key in KEYS])
            case Happening.FILLED:
                self._edit([(calendar_id, key, Sort.SINGLE) for key in KEYS])
            case Happening.PASSWORD:
                self.account.password = "right" if self.account.password != "right" else "another"
            case Happening.COMES_OR_GOES if not there:
                self._add(calendar_id)
            case Happening.COMES_OR_GOES if len(self.account.existing) > 1:
                self.account.remove(calendar_id)
            case _:
                pass
        self.kalends_knows = False

    # What workers do

    @rule(
        worker=workers,
        before=edits,
        expire=expiries,
        late=st.booleans(),
        again=st.sampled_from((None, None, (), AT_FIRST)),
    )
    def sync(
        self,
        *,
        worker: int,
        before: list[Edit],
        expire: Collection[str],
        late: bool,
        again: Collection[str] | None,
    ) -> None:
        self._change(before, expire)
        self.now.sync(worker, Plan(), late=late)
        if again is not None:
            self._change((), again)
            self.now.sync(worker, Plan(), late=late)

    @rule(worker=workers, before=many_edits, expire=expiries, fault=faults, at=counts)
    def sync_with_a_fault(
        self, *, worker: int, before: list[Edit], expire: Collection[str], fault: Fault, at: int
    ) -> None:
        self._disturb(worker, before, expire, Plan(fault=fault, at=at))

    @rule(worker=workers, calendar_id=st.sampled_from(AT_FIRST), before=edits, expire=expiries)
    def sync_and_be_told_that_all_is_gone(
        self, *, worker: int, calendar_id: str, before: list[Edit], expire: Collection[str]
    ) -> None:
        self._edit([(calendar_id, key, Sort.SINGLE) for key in KEYS])
        self._disturb(worker, before, (), Plan())
        self._disturb(worker, (), expire, Plan(fault=Fault.EMPTY, at=1))

    @rule(
        worker=workers,
        before=many_edits,
        expire=expiries,
        crash=crashes,
        loses=st.sets(st.sampled_from(KEYS), max_size=2),
        heir=st.sampled_from((True, True, False)),
    )
    def sync_and_crash(
        self,
        *,
        worker: int,
        before: list[Edit],
        expire: Collection[str],
        crash: Stop,
        loses: Collection[str],
        heir: bool,
    ) -> None:
        # what is gone is what an heir may never be told of
        losses = [(name, key, "delete") for name in AT_FIRST for key in sorted(loses)]
        self._disturb(worker, [*before, *losses], expire, Plan(crash=crash))
        self.now.check_held(WORKERS - 1 - worker)
        if heir:
            self.now.sync(WORKERS - 1 - worker, Plan(), late=True)

    @rule(
        worker=workers,
        before=edits,
        expire=expiries,
        pause=stops,
        meanwhile=interferences,
        wanted=choices,
        zone=zones,
        goes_on=st.booleans(),
    )
    def sync_and_pause(
        self,
        *,
        worker: int,
        before: list[Edit],
        expire: Collection[str],
        pause: Stop,
        meanwhile: Act | None,
        wanted: set[str],
        zone: str,
        goes_on: bool,
    ) -> None:
        self._disturb(worker, before, expire, Plan(pause=pause))
        self.now.check_held(WORKERS - 1 - worker)
        if meanwhile is not None:
            self._act(meanwhile, wanted, zone)
        if goes_on and self.now.pauses:
            self.now.go_on()

    def _disturb(self, worker: int, before: Collection[Edit], expire: Collection[str], plan: Plan) -> None:
        """Disturb a run that would have gone well otherwise."""
        if self.now.model.connected and self.now.model.refused:
            self.account.password = self.now.model.password
        self.now.have_imports()
        self._change(before, expire)
        self.now.sync(worker, plan, late=True)

    def _have_all_well(self, before: Collection[Edit]) -> None:
        """Have everything read, so that what is done next shows; a run that pauses is not disturbed."""
        if not self.now.pauses:
            self._disturb(0, before, (), Plan())

    @precondition(lambda self: self.now.pauses)
    @rule()
    def go_on(self) -> None:
        self.now.go_on()

    @rule(worker=st.one_of(st.none(), workers), span=st.sampled_from(SPANS))
    def wait(self, *, worker: int | None, span: timedelta) -> None:
        self.service.clock.advance(span)
        if worker is not None:
            self.now.work(worker)

    # What people do

    @rule(act=acts, wanted=choices, zone=zones)
    def act(self, *, act: Act, wanted: set[str], zone: str) -> None:
        self._act(act, wanted, zone)

    def _act(self, act: Act, wanted: set[str], zone: str) -> None:
        connected, refused = self.now.model.connected, self.now.model.refused
        match act:
            case Act.MOVE:
                # with something that the zone places
                self._have_all_well([("a", KEYS[0], Sort.FLOATING)])
                self.now.move(zone)
            case Act.CONNECT:
                self.now.connect()
            case Act.HAND_OVER:
                self.now.disable_owner_or_hand_over()
            case Act.CHOOSE if connected and not refused:
                self._have_all_well(())
                self.now.choose(wanted & {one.id for one in self.account.existing})
            case Act.ASK if connected:
                self.now.ask()
            case Act.SWITCH if connected:
                self.now.switch()
            case Act.DISCONNECT if connected:
                self.now.disconnect()
            case Act.ACKNOWLEDGE if not self.now.pauses:
                self.now.have_imports()
                self.now.sync(0, Plan(fault=Fault.REFUSED, at=1), late=True)
                self.now.acknowledge_or_withdraw()
                self.now.ask()
            case _:
                pass

    @invariant()
    def rules_are_kept(self) -> None:
        if self.history is not None and self.kalends_knows:
            self.history.check()
        self.kalends_knows = True

    def teardown(self) -> None:
        """Have everything come right, where nothing went wrong before."""
        failed = sys.exc_info()[0] is not None
        if self.history is None:
            return
        try:
            if not failed:
                self.history.come_right()
        finally:
            self.history.end()

    def _add(self, calendar_id: str) -> None:
        own, zone = CALENDARS[calendar_id]
        self.account.add(calendar_id, own=own, time_zone=zone)

    def _change(self, wanted: Collection[Edit], expire: Collection[str]) -> None:
        self._edit(wanted)
        for calendar_id in expire:
            if calendar_id in self.account.calendars:
                self.account.expire(calendar_id)

    def _edit(self, wanted: Collection[Edit]) -> None:
        for calendar_id, key, action in wanted:
            calendar = self.account.calendars.get(calendar_id)
            if calendar is None or not calendar.exists:
                continue
            if isinstance(action, Sort):
                self.account.put(calendar_id, key, action)
            elif key in calendar.held:
                (self.account.touch if action == "touch" else self.account.delete)(calendar_id, key)
