"""The provider behind the port: hands out what the account holds, in pages, with the faults that a run's course has."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kalends.model.calendar import Account, ExternalCalendar, ItemChange, Page
from kalends.net.client import GuardedClient
from kalends.providers.base import AccountSession, CredentialKeeper, StoredVersions
from kalends.providers.errors import CalendarGone, CredentialsRefused, CursorRefused, Unavailable
from tests.scripted_provider import ScriptedKind
from tests.state_machine.course import Course, Fault, Place, current
from tests.state_machine.remote import RemoteAccount, RemoteCalendar

WAIT = timedelta(minutes=30)
FEWEST_TO_LIE_ABOUT = 3
"""Events of a calendar from which on Kalends promises to doubt that all of them are gone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A cursor: of which generation, and up to which tick everything was told."""

    generation: int
    upto: int

    def __str__(self) -> str:
        return f"{self.generation}.{self.upto}"

    @classmethod
    def of(cls, text: str) -> "Mark":
        """Read a cursor."""
        generation, upto = text.split(".")
        return cls(int(generation), int(upto))


@dataclass
class StagedKind(ScriptedKind):
    """The plugin. The account behind it is another one in each history."""

    kind: str = "staged"
    account: RemoteAccount = field(default_factory=RemoteAccount)

    async def connect_with_credentials(
        self, client: GuardedClient, config: Mapping[str, str], *, email: str, password: str
    ) -> Account:
        del client, config
        self._check(password)
        return Account(f"account of {email}", email, frozenset({email}), {"password": password})

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),
        keeper: CredentialKeeper | None = None,
    ) -> AsyncIterator[AccountSession]:
        del client, config, keeper
        session = _Session(self.account, current.get() or Course(), frozenset(known_quirks))
        await session.request()
        self._check(credentials["password"])
        yield session

    def _check(self, password: str) -> None:
        if password != self.account.password:
            raise CredentialsRefused("wrong password")

    def __reduce__(self) -> Any:
        # a worker process needs the expansion alone, not the account
        return StagedKind, ()


@dataclass
class _Session:
    account: RemoteAccount
    course: Course
    quirks: frozenset[str]

    async def request(self, calendar_id: str | None = None) -> None:
        """Be asked something; raises what the course has in store."""
        course = self.course
        course.requests += 1
        await course.stop_at(Place.REQUEST)
        for fault, error in (
            (Fault.UNAVAILABLE, Unavailable("no answer")),
            (Fault.BUSY, Unavailable("later", retry_after=WAIT)),
            (Fault.REFUSED, CredentialsRefused("not today")),
            (Fault.BUG, RuntimeError("a mistake of the plugin")),
        ):
            if course.strikes(fault):
                course.strike(calendar_id)
                raise error

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        await self.request()
        return [ExternalCalendar(one.id, one.id, own=one.own, time_zone=one.time_zone) for one in self.account.existing]

    async def read(
        self,
        calendar: ExternalCalendar,
        *,
        cursor: str | None,
        continuation: str | None,
        stored: StoredVersions,
        since: datetime | None = None,
        until: datetime | None = None,
        thorough: bool = False,
        doubted: bool = False,
    ) -> AsyncGenerator[Page]:
        del since, until, thorough
        course, remote = self.course, self.account.calendars[calendar.id]
        await self.request(remote.id)
        self._check_there(remote)
        known = await stored.versions()
        begun = self._since(remote, cursor)
        upto, last = self._begin(remote, continuation)
        if self._lies(remote, known, fresh=continuation is None and not doubted):
            yield Page(removed=() if cursor is None else tuple(sorted(known)), continuation=f"{upto}/")
            await self.request(remote.id)
            yield Page(cursor=str(upto))
            await self.request(remote.id)
            course.ended[remote.id] = doubted
            return
        keys = sorted(remote.held) if cursor is None else remote.changed(begun, upto.upto)
        before: Page | None = None
        for page in self._pages(remote, [key for key in keys if key > last], known, upto, full=cursor is None):
            await self.request(remote.id)
            if course.strikes(Fault.CUT_OFF):
                course.strike(remote.id)
                return
            if course.strikes(Fault.CURSOR_REFUSED):
                course.strike(remote.id)
                raise CursorRefused("not any more")
            if course.strikes(Fault.REPEATED) and before is not None:
                course.strike(remote.id)
                yield before
            yield page
            before = page if page.changed or page.unchanged or page.removed else before
        stuck = course.strikes(Fault.SAME_CURSOR) and cursor is not None
        if stuck:
            course.strike(remote.id)
        yield Page(cursor=cursor if stuck else str(upto))
        await self.request(remote.id)
        course.ended[remote.id] = doubted

    def _check_there(self, remote: RemoteCalendar) -> None:
        if not remote.exists:
            raise CalendarGone(remote.id)
        if self.course.strikes(Fault.NOT_FOUND):
            self.course.strike(remote.id)
            raise CalendarGone(remote.id)

    @staticmethod
    def _since(remote: RemoteCalendar, cursor: str | None) -> int:
        if cursor is None:
            return 0
        mark = Mark.of(cursor)
        if mark.generation != remote.generation:
            raise CursorRefused("too old")
        return mark.upto

    def _begin(self, remote: RemoteCalendar, continuation: str | None) -> tuple[Mark, str]:
        """Return the cursor that a reading ends with, and the last key that it told of before it was cut off."""
        if continuation is None:
            return Mark(remote.generation, self.account.tick), ""
        mark, _, last = continuation.partition("/")
        if Mark.of(mark).generation != remote.generation:
            raise CursorRefused("too old")
        return Mark.of(mark), last

    def _lies(self, remote: RemoteCalendar, known: Mapping[str, str], *, fresh: bool) -> bool:
        course = self.course
        lies = fresh and course.lies and course.strikes(Fault.EMPTY) and len(known) >= FEWEST_TO_LIE_ABOUT
        if lies:
            course.strike(remote.id)
        return lies

    def _pages(
        self, remote: RemoteCalendar, keys: Sequence[str], known: Mapping[str, str], upto: Mark, *, full: bool
    ) -> Iterator[Page]:
        """Yield pages of keys, each with what is held when it is asked for."""
        unchanged = [] if self.account.redelivers else [key for key in keys if _is_known(remote, key, known)]
        rest = [key for key in keys if key not in unchanged]
        yield Page(unchanged=tuple(unchanged) if full else (), continuation=f"{upto}/")
        for at in range(0, len(rest), self.account.page):
            some = rest[at : at + self.account.page]
            held = {key: remote.held[key] for key in some if key in remote.held}
            self.course.handed_out += held
            yield Page(
                changed=tuple(
                    ItemChange(key, key, one.version, one.payload, None if one.payload else "it is too large")
                    for key, one in held.items()
                ),
                removed=tuple(key for key in some if key not in held),
                continuation=f"{upto}/{some[-1]}",
            )


def _is_known(remote: RemoteCalendar, key: str, known: Mapping[str, str]) -> bool:
    return key in remote.held and known.get(key) == remote.held[key].version
