"""What happens to a run on its way: faults of the provider, a crash, a pause.

A run's course is found by the context that the run was started in, so whatever is not done by a run goes undisturbed.
"""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

from kalends.sync.failpoints import FailPoints, Point


class Crash(BaseException):
    """The process is gone; no `Exception`, so that nothing of the product takes it for one."""


class Fault(StrEnum):
    """What a provider does wrong."""

    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    """It wants to be left alone for a time."""
    REFUSED = "refused"
    """It refuses the credentials, this once."""
    BUG = "bug"
    """Its plugin raises what nobody expects."""
    CUT_OFF = "cut-off"
    """A reading ends before its end."""
    REPEATED = "repeated"
    """A page comes twice."""
    NOT_FOUND = "not-found"
    """A calendar that the account lists is not found."""
    CURSOR_REFUSED = "cursor-refused"
    SAME_CURSOR = "same-cursor"
    """A reading ends with the cursor that it began with."""
    EMPTY = "empty"
    """All events of a calendar are said to be gone, and nothing says that something is wrong."""


FAILURES = frozenset(Fault) - {Fault.CURSOR_REFUSED, Fault.SAME_CURSOR, Fault.EMPTY}
"""Those that make the run a failure, if they come to pass."""


class Place(StrEnum):
    """Where a run can be stopped apart from the fail points."""

    REQUEST = "request"
    """Before the provider answers: a session, a list of calendars, a page, the end of a reading."""
    WRITE = "write"
    """Before a transaction that writes."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place where a run stops, when it comes there for the n-th time, from 1."""

    place: Place | Point
    times: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen to a run; with nothing given it goes its way. The fault comes with the n-th request at best."""

    fault: Fault | None = None
    at: int = 0
    crash: Stop | None = None
    pause: Stop | None = None


@dataclass
class Course:
    """The way of one run."""

    plan: Plan = Plan()
    lies: bool = False
    """Whether the provider may say that events are gone which are not."""
    fired: bool = False
    """Whether the fault came to pass."""
    fired_at: str | None = None
    """The calendar that the fault concerns."""
    dead: bool = False
    requests: int = 0
    handed_out: list[str] = field(default_factory=list)
    """Keys of the items that were handed out with or without their payload."""
    ended: dict[str, bool] = field(default_factory=dict)
    """Calendars whose readings came to their end, and whether that settled a doubt."""
    parked: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    _times: dict[Place | Point, int] = field(default_factory=dict)

    def reach(self, place: Place | Point) -> bool:
        """Note that the run is at a place; tell whether it pauses there. Raises `Crash`."""
        self.check_alive()
        times = self._times[place] = self._times.get(place, 0) + 1
        if self.plan.crash == Stop(place, times):
            self.dead = True
            raise Crash
        return self.plan.pause == Stop(place, times)

    async def stop_at(self, place: Place) -> None:
        """Note that the run is at a place, and wait there if it is to pause; raises `Crash`."""
        if self.reach(place):
            self.parked.set()
            await self.go_on.wait()
            self.check_alive()

    def check_alive(self) -> None:
        """Raise `Crash` where the process is gone: it does nothing any more."""
        if self.dead:
            raise Crash

    def strikes(self, fault: Fault) -> bool:
        """Tell whether a fault is to come now; once is enough."""
        return self.plan.fault is fault and not self.fired and self.requests >= self.plan.at

    def strike(self, calendar_id: str | None = None) -> None:
        """Note that the fault has come to pass."""
        self.fired = True
        self.fired_at = calendar_id


current: ContextVar[Course | None] = ContextVar("current", default=None)


class CourseFailPoints(FailPoints):
    """The product's fail points, which end the run whose course says so."""

    def reach(self, point: Point) -> None:
        """Say that a sync has come to a point; raises `Crash`."""
        course = current.get()
        if course is not None:
            course.reach(point)
