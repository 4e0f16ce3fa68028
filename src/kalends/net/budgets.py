"""Budgets: no account, project or host is asked more often than it may be, by all processes together.

A request passes the budgets that it falls under one after the other, the narrowest first: what waits for its own
account has taken nothing yet from what it shares with others, so that a large import slows down nobody else. Those
that wait for the same budget get their turn in the order in which they came.

One process alone keeps its budgets in memory, exactly. Several share them through a `SharedBudgets`, without asking it
for each request: a process sends a few free ones a minute by itself (`Allowance.free`) and tells of them later, and
reserves what goes beyond in slabs (`Allowance.slab`). So in a span of time `t`, N processes send for one budget

    at most  burst + requests × (t + 1 s) / per  +  N × free × (1 + t / minute)

where 1 s, the life of a slab, is the interval where that is longer. Where the shared budgets cannot be reached, each
process keeps to what would be allowed to it alone.

How many requests are under way at once is counted besides, where an allowance says so (`places`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from kalends.model.clock import Clock
from kalends.net.allowance import Allowance, Scope
from kalends.net.bucket import Bucket
from kalends.net.errors import BudgetSpent
from kalends.net.places import NoPlace, Places, SharedPlaces
from kalends.net.rests import Rests
from kalends.net.sharing import SharedBudgets, Sharing

LONGEST_WAIT = timedelta(seconds=30)
"""How long a request waits for its turn; where it would take longer, it is refused at once."""
_GRACE = timedelta(seconds=1)
_MOST_KEPT = 10_000
_KEY_BYTES = 16

Waited = Callable[[str, str, float], None]
"""Told of each request that had to wait: kind of provider, scope, seconds."""
Waiting = Callable[[], AbstractContextManager[object]]
"""Makes what surrounds a wait."""
Refused = Callable[[str, str], None]
"""Told of each request that would have had to wait too long: kind of provider, scope."""


@dataclass(frozen=True, slots=True)
class Due:
    """One budget that a request falls under: `owner` is whose it is, `key` also says how much it is."""

    owner: str
    key: str
    allowance: Allowance

    @classmethod
    def of(cls, owner: str, allowance: Allowance) -> "Due":
        """Return the budget of an owner."""
        return cls(owner, f"{owner}:{allowance.requests:g}/{allowance.per.total_seconds():g}", allowance)


class Spending:
    """The budgets of one session: those of its account and project, and those of the hosts that it comes to."""

    def __init__(
        self, budgets: "Budgets", provider: str, owners: Mapping[Scope, str], allowances: Sequence[Allowance]
    ) -> None:
        self._budgets = budgets
        self._provider = provider
        self._owners = owners
        by_scope = {allowance.scope: allowance for allowance in allowances}
        self._dues = [Due.of(owner, by_scope[scope]) for scope, owner in owners.items() if scope in by_scope]
        self._host = by_scope.get(Scope.HOST, budgets.hosts)

    async def spend(self, host: str, port: int, waiting: Waiting = nullcontext) -> None:
        """Count a request that is about to be sent to a host, once it may be; raises `BudgetSpent`.

        Where it has to wait, it does so inside of `waiting`.
        """
        budgets = self._budgets
        if budgets.rests.need_a_look(self._owners.values()):
            with waiting():
                await budgets.heed_rests(self._provider, self._owners, host)
        dues = self._dues if self._host is None else [*self._dues, budgets.of_host(host, port, self._host)]
        had_to_wait = False
        for due in dues:
            if not budgets.spend_at_once(due):
                with waiting():
                    had_to_wait |= await budgets.spend(self._provider, due, host)
        if had_to_wait:
            with waiting():
                await budgets.heed_rests(self._provider, self._owners, host)

    @asynccontextmanager
    async def place(self, host: str, waiting: Waiting = nullcontext) -> AsyncIterator[None]:
        """Hold what lets a request be under way, from before it is sent until it is answered; raises `BudgetSpent`."""
        async with AsyncExitStack() as held:
            for due in self._dues:
                if due.allowance.at_once:
                    with waiting():
                        await held.enter_async_context(self._budgets.place(self._provider, due, host))
            yield

    async def rest(self, wait: timedelta) -> None:
        """Have nothing more sent for the account, nor for its project where it has one: the server asked for it."""
        await self._budgets.rests.add(list(self._owners.values()), wait)


class Budgets:
    """The budgets of one process, shared with others where it is given `shared`.

    `clock` tells until when a server wants to be left alone, `steady` measures waits. `hosts` is what every host
    allows, where the kind of provider does not say otherwise; None for no limit. Keys are hashed with `secret`: they
    are seen by others, and account keys may hold names.
    """

    def __init__(
        self,
        clock: Clock,
        steady: Clock,
        *,
        hosts: Allowance | None = None,
        shared: SharedBudgets | None = None,
        places: SharedPlaces | None = None,
        secret: bytes = b"",
        waited: Waited = lambda _provider, _scope, _seconds: None,
        refused: Refused = lambda _provider, _scope: None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.hosts = hosts
        self._steady = steady
        self._others = Sharing(shared, steady)
        self._places = Places(steady, places, sleep)
        self.rests = Rests(clock, steady, self._others)
        self._secret = secret
        self._waited = waited
        self._refused = refused
        self._sleep = sleep
        self._buckets: dict[str, Bucket] = {}
        self._most_kept = _MOST_KEPT
        self._of_hosts: dict[tuple[str, int, Allowance], Due] = {}

    def of(self, provider: str, account: str, allowances: Sequence[Allowance]) -> Spending:
        """Return the budgets of a session: of a kind of provider, for an account, under at most one of each scope.

        A kind whose accounts share no project has nothing to do with what other accounts of it are told.
        """
        owners = {Scope.ACCOUNT: self._owner(Scope.ACCOUNT, provider, account)}
        if any(one.scope is Scope.PROJECT for one in allowances):
            owners[Scope.PROJECT] = self._owner(Scope.PROJECT, provider)
        return Spending(self, provider, owners, allowances)

    def of_host(self, host: str, port: int, allowance: Allowance) -> Due:
        """Return the budget of a host."""
        known = self._of_hosts.get((host, port, allowance))
        if known is None:
            if len(self._of_hosts) >= _MOST_KEPT:
                self._of_hosts.clear()
            known = Due.of(self._owner(Scope.HOST, host, str(port)), allowance)
            self._of_hosts[host, port, allowance] = known
        return known

    @asynccontextmanager
    async def place(self, provider: str, due: Due, host: str) -> AsyncIterator[None]:
        """Hold one of the places of a budget; raises `BudgetSpent` where none gets free within `LONGEST_WAIT`."""
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._places.taken(due.owner, due.allowance.at_once, LONGEST_WAIT))
            except NoPlace:
                raise self._refusal(provider, due.allowance.scope, host, LONGEST_WAIT) from None
            yield

    def spend_at_once(self, due: Due) -> bool:
        """Count a request under one budget, if it may be sent now and nobody else waits; tell whether that is so."""
        now = self._steady.now()
        bucket = self._buckets.get(due.key) or self._new_bucket(due, now)
        if bucket.waiting:
            return False
        wait = bucket.spend(now) if self._others.is_on(now) else bucket.spend_alone(now)
        return wait is not None and not wait

    async def heed_rests(self, provider: str, owners: Mapping[Scope, str], host: str) -> None:
        """Wait while a server wants to be left alone; raises `BudgetSpent` where it wants it for long."""
        await self.rests.learn()
        for scope, owner in owners.items():
            heeded = None
            while (rest := self.rests.of(owner)) is not None and rest.until != heeded:
                if rest.left > LONGEST_WAIT:
                    raise self._refusal(provider, scope, host, rest.left)
                began = self._steady.now()
                try:
                    await self._sleep(rest.left.total_seconds())
                finally:
                    self._waited(provider, scope, (self._steady.now() - began).total_seconds())
                heeded = rest.until

    async def spend(self, provider: str, due: Due, host: str) -> bool:
        """Count a request under one budget once it may be sent, and all who came before have had their turn.

        Return whether it had to wait for that. Raises `BudgetSpent` where that would take longer than `LONGEST_WAIT`.
        """
        came, scope = self._steady.now(), due.allowance.scope
        bucket = self._buckets.get(due.key) or self._new_bucket(due, came)
        expected = bucket.expected(came)
        if expected > LONGEST_WAIT:
            raise self._refusal(provider, scope, host, expected)
        had_to_wait = bucket.waiting > 0
        bucket.waiting += 1
        try:
            async with bucket.turn:
                while wait := await self._next(due, bucket):
                    if self._steady.now() - came + wait > LONGEST_WAIT + _GRACE:
                        raise self._refusal(provider, scope, host, wait)
                    had_to_wait = True
                    await self._sleep(wait.total_seconds())
        finally:
            bucket.waiting -= 1
            if had_to_wait:
                self._waited(provider, scope, (self._steady.now() - came).total_seconds())
        return had_to_wait

    async def _next(self, due: Due, bucket: Bucket) -> timedelta:
        """Count the request whose turn it is if it may be sent now; return how long it has to wait if not."""
        while True:
            now = self._steady.now()
            if not self._others.is_on(now):
                return bucket.spend_alone(now)
            wait = bucket.spend(now)
            if wait is not None:
                return wait
            count = bucket.wanted(now)
            first = await self._others.reserve(
                due.key, due.allowance, count=count, owed=bucket.owed, longest=LONGEST_WAIT
            )
            now = self._steady.now()
            if first is None:
                continue
            if first > LONGEST_WAIT:
                bucket.refused(now + first)
                return first
            bucket.reserved(count, first, now)

    def _refusal(self, provider: str, scope: Scope, host: str, wait: timedelta) -> BudgetSpent:
        self._refused(provider, scope)
        seconds = wait.total_seconds()
        message = f"{host} is not asked for {seconds:.0f} s: by then this {scope} may be asked again."
        return BudgetSpent(message, host=host, wait=seconds)

    def _new_bucket(self, due: Due, now: datetime) -> Bucket:
        if len(self._buckets) >= self._most_kept:
            self._buckets = {key: one for key, one in self._buckets.items() if not one.is_idle(now)}
            self._most_kept = max(_MOST_KEPT, 2 * len(self._buckets))
        bucket = self._buckets[due.key] = Bucket(due.allowance, now)
        return bucket

    def _owner(self, scope: Scope, *names: str) -> str:
        named = "\0".join(names).encode()
        return f"{scope}:{blake2b(named, digest_size=_KEY_BYTES, key=self._secret).hexdigest()}"
