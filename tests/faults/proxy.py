"""A reverse proxy on loopback before a real server, which spoils some of the answers that come through it."""

import asyncio
import contextlib
import random
import re
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import httpx2

from tests.faults.faults import LIES, LOOP, Answer, Delivery, Fault, applies, looping, spoiled
from tests.net.loopback import Asked, read_request

Choice = Callable[[Asked, random.Random], Sequence[Fault]]
"""Says what is to happen to the answer to a request: the first of these that can. The chance is that request's own."""

SETTLES = 0.5
"""Seconds that the end of a connection may take to be seen."""
_OF_ONE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"})
_OLDER = 5
NOTHING = Answer(200, {}, b"")
_PARTICULARS = re.compile(rb"<d:(sync-token|href)>[^<]*</d:\1>")
"""By these alone a question differs from the one before: an answer that ignores them is a stale one."""


def no_fault(_asked: Asked, _chance: random.Random) -> Sequence[Fault]:
    """Let everything through as it is."""
    return ()


def at_random(share: float, faults: Iterable[Fault] = Fault) -> Choice:
    """Spoil a share of the answers, with one fault as often as with another."""
    listed = list(faults)
    return lambda _asked, chance: chance.sample(listed, len(listed)) if chance.random() < share else ()


def in_turn(*faults: Fault) -> Choice:
    """Spoil one answer after the other as told, and none after that."""
    left = deque(faults)
    return lambda _asked, _chance: (left.popleft(),) if left else ()


@dataclass(eq=False)
class _Exchange:
    reader: asyncio.StreamReader
    ended: bool = False

    @property
    def lasts(self) -> bool:
        return not self.ended and not self.reader.at_eof()


@dataclass
class FaultProxy:
    """A running proxy; `choice` may be replaced at any time, by `no_fault` to end all faults at once.

    What happens to the n-th request for a target depends on the seed, the target and n alone.
    """

    upstream: str
    seed: int
    choice: Choice = no_fault
    refuses: float = 0.0
    """The share of requests that are not handed on."""
    port: int = 0
    requests: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    lied_about: Counter[str] = field(default_factory=Counter)
    """Target → how many answers about it were wrong without looking so."""
    at_once: list[str] = field(default_factory=list)
    """Accounts for which somebody asked two questions at a time, with the questions."""
    _asked: Counter[str] = field(default_factory=Counter)
    _earlier: dict[tuple[str, ...], deque[Answer]] = field(default_factory=dict)
    _under_way: dict[str, set[_Exchange]] = field(default_factory=dict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                asked = await read_request(reader)
                with self._counted(asked, reader):
                    await _send(await self._answer(asked), writer)
        except (asyncio.IncompleteReadError, ConnectionError, httpx2.TransportError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, asked: Asked) -> Delivery:
        if asked.target.startswith(LOOP):
            return Delivery([looping(asked.target).message()])
        self.requests += 1
        self._asked[asked.target] += 1
        chance = random.Random(f"{self.seed} {asked.target} {self._asked[asked.target]}")
        if self.refuses and chance.random() < self.refuses:
            return spoiled(Fault.UNAVAILABLE, NOTHING, None, chance)
        answer = await self._fetch(asked)
        kind = _PARTICULARS.sub(b"", asked.body).decode()
        question = (asked.method, asked.target, asked.headers.get("depth", ""), kind)
        earlier = self._earlier.setdefault(question, deque(maxlen=_OLDER))
        older = earlier[0] if earlier else None
        earlier.append(answer)
        fault = next((one for one in self.choice(asked, chance) if applies(one, answer, older)), None)
        if fault is None:
            return Delivery([answer.message()])
        self.faults[fault] += 1
        if fault in LIES:
            self.lied_about[asked.target] += 1
        return spoiled(fault, answer, older, chance)

    async def _fetch(self, asked: Asked) -> Answer:
        headers = {name: value for name, value in asked.headers.items() if name not in {"host", "accept-encoding"}}
        headers["accept-encoding"] = "identity"
        answer = await self._http.request(
            asked.method, self.upstream + asked.target, headers=headers, content=asked.body or None
        )
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(
            answer.status_code, {name: kept[name] for name in kept if name not in _OF_ONE_CONNECTION}, answer.content
        )

    @contextlib.contextmanager
    def _counted(self, asked: Asked, reader: asyncio.StreamReader) -> Iterator[None]:
        account = asked.headers.get("authorization", "")
        mine = _Exchange(reader)
        others = self._under_way.setdefault(account, set())
        for other in others if account else ():
            asyncio.get_running_loop().call_later(SETTLES, self._compare, mine, other, asked)
        others.add(mine)
        try:
            yield
        finally:
            mine.ended = True
            others.discard(mine)

    def _compare(self, one: _Exchange, other: _Exchange, asked: Asked) -> None:
        if one.lasts and other.lasts:
            self.at_once.append(f"{asked.method} {asked.target}")

    def __post_init__(self) -> None:
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30)

    async def close(self) -> None:
        """End all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()


async def _send(delivery: Delivery, writer: asyncio.StreamWriter) -> None:
    for part in delivery.parts:
        if isinstance(part, bytes):
            writer.write(part)
            await writer.drain()
        else:
            await asyncio.sleep(part)
    if delivery.hang_up:
        writer.close()


@contextlib.asynccontextmanager
async def running_proxy(upstream: str, seed: int, choice: Choice = no_fault) -> AsyncIterator[FaultProxy]:
    """Run a proxy before the server at a URL."""
    proxy = FaultProxy(upstream, seed, choice)
    listener = await asyncio.start_server(proxy.talk, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()
        await listener.wait_closed()
