"""Real servers on this machine, which answer whatever a test wants, and a resolver that says whatever it wants."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from kalends.net.address import IPAddress
from kalends.net.resolver import SrvTarget


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    host: str
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


def raw(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    lines = {"Content-Length": str(len(body))} | dict(headers or {})
    head = f"HTTP/1.1 {status} Word\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + body


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    """Answer every request the same way; `content_type="x"` sends Content-Type: x."""
    message = raw(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return send(message)


def send(message: bytes, *, hang_up: bool = False) -> Answer:
    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(message)
        await writer.drain()
        if hang_up:
            writer.close()

    return answer


async def read_request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    assert len(headers) == len(pairs), "a header field was sent twice"
    return Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@contextlib.asynccontextmanager
async def serve(
    answer: Answer, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(host)
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        try:
            while not writer.is_closing():
                server.asked.append(asked := await read_request(reader))
                await answer(asked, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    listener = await asyncio.start_server(talk, host, port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


class Names:
    """Resolves from a table. A name's answers are given one after the other; the last one is repeated."""

    def __init__(self, table: Mapping[str, Sequence[Sequence[str]]] | None = None) -> None:
        self._left = {name: list(answers) for name, answers in (table or {}).items()}
        self.asked: list[str] = []
        self.services: dict[str, list[SrvTarget]] = {}
        self.texts: dict[str, list[str]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        del port
        self.asked.append(host)
        answers = self._left.get(host)
        if not answers:
            raise OSError("no such name")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(text) for text in answer]

    async def srv(self, name: str) -> Sequence[SrvTarget]:
        return self.services.get(name, [])

    async def txt(self, name: str) -> Sequence[str]:
        return self.texts.get(name, [])
