"""Reads the body of an answer: no further than its limit, and only whole."""

import zlib
from collections.abc import AsyncIterable, Mapping

from kalends.net.errors import TooLarge, Unreachable

ACCEPT_ENCODING = "gzip"
"""The one coding that is offered; an answer in another (RFC 9110 §8.4) was not asked for and is refused."""

_GZIP = 16 + zlib.MAX_WBITS


class Gunzip:
    """Decompresses a gzip stream (RFC 1952), of one or more members, to `room` bytes and at most one more."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        """Return what the next bytes stand for. Raises `zlib.error`."""
        out = bytearray()
        while data and self._room >= 0:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            self._begun = True
            piece = self._member.decompress(data, self._room + 1)
            self._room -= len(piece)
            out += piece
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return bytes(out)

    @property
    def whole(self) -> bool:
        """Whether the stream stands at its end, or never began."""
        return self._member.eof or not self._begun


async def read_body(chunks: AsyncIterable[bytes], headers: Mapping[str, str], *, limit: int, host: str) -> bytes:
    """Return a whole body of at most `limit` bytes, counted both as sent and as decompressed.

    Raises `TooLarge` as soon as the limit is passed; `Unreachable` where the coding is not gzip, broken or cut off.
    """
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(host, limit)
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip"}:
        raise Unreachable(f"{host} answers in a coding that was not offered.", host=host)
    gunzip = Gunzip(limit) if coding.endswith("gzip") else None
    received, body = 0, bytearray()
    try:
        async for chunk in chunks:
            received += len(chunk)
            body += gunzip.feed(chunk) if gunzip else chunk
            if max(received, len(body)) > limit:
                raise _too_large(host, limit)
    except zlib.error:
        raise Unreachable(f"{host} sent a gzip body that is broken.", host=host) from None
    if gunzip and not gunzip.whole:
        raise Unreachable(f"{host} cut its gzip body short.", host=host)
    return bytes(body)


def _too_large(host: str, limit: int) -> TooLarge:
    return TooLarge(f"{host} answers with more than {limit} bytes.", host=host)
