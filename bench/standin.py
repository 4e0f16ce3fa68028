"""A CalDAV server with nothing new to tell: it answers every request with an empty sync report, as fast as it can.

`python -m bench.standin PORT` serves on loopback until it is ended.
"""

import asyncio
import sys
from typing import cast

import uvloop

TOKEN = "http://example.org/ns/sync/1"  # noqa: S105 - a sync token, no secret
BODY = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<D:multistatus xmlns:D="DAV:"><D:sync-token>' + TOKEN.encode() + b"</D:sync-token></D:multistatus>"
)
ANSWER = (
    b"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml; charset=utf-8\r\n"
    + f"Content-Length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)
LENGTH = b"\r\ncontent-length:"


class StandIn(asyncio.Protocol):
    """One connection; requests may come in pieces, and several at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        # what uvloop hands over is one, and yet no instance of it
        self._transport = cast("asyncio.Transport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            _, found, rest = self._received[:end].lower().partition(LENGTH)
            whole = end + 4 + (int(rest.split(b"\r\n", 1)[0]) if found else 0)
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self._transport.write(ANSWER)


async def serve(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(StandIn, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
