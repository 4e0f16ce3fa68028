"""HTTP/1.1 by way of aiohttp: a message goes out, and a whole answer comes in or a `NetError` is raised.

The library is used for its parser and its connections. What it would do beyond that is switched off: redirects,
cookies, proxies, decompression, header fields of its own, and asking again by itself.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import aiohttp
from yarl import URL

from kalends.net.body import read_body
from kalends.net.dial import Connector, Dial
from kalends.net.errors import NetError, TimedOut, Unreachable, Untrusted
from kalends.net.headers import Headers
from kalends.net.message import Message
from kalends.net.url import HttpUrl

MAX_LINE_BYTES = 8190
"""Length of the status line, and of one header field."""
MAX_FIELDS = 128
"""Header fields of one answer, those after its body included."""

_BODILESS = frozenset({204, 304})
_FIRST_FINAL = 200
_VERSIONS = frozenset({aiohttp.HttpVersion10, aiohttp.HttpVersion11})
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_LARGE = 1024 * 1024
_HUNG_UP = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""What ends a TLS handshake whose other side hangs up; a connection that is not accepted at all ends otherwise."""


class StaleConnection(Unreachable):
    """A connection that had been kept open brought no answer: most likely it was closed while it lay idle."""


class Answer(NamedTuple):
    """An answer of HTTP; `framed` is False where its body ended with the connection (RFC 9112 §6.3, item 8)."""

    status: int
    headers: Headers
    body: bytes
    framed: bool


class Wire:
    """Exchanges messages over connections that are opened with the first of them, in the event loop that then runs.

    `connect` bounds the wait for a connection and the opening of it, in seconds.
    """

    def __init__(self, connector: Callable[[], Connector], *, connect: float) -> None:
        self._connector = connector
        self._connect = connect
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, message: Message, url: HttpUrl, *, limit: int, silence: float) -> Answer:
        """Send a message to a URL and return the answer, its body decompressed and of at most `limit` bytes.

        The server may keep silent for `silence` seconds at a time. Raises `NetError`; `StaleConnection` where there was
        no answer over a connection that had been used before.
        """
        fields = message.fields(url)
        if any(map(_UNSENDABLE.search, fields.values())):
            raise Unreachable(f"{url.host} cannot be sent a header field with control characters.", host=url.host)
        dial = Dial(url.host, url.port)
        answered = False
        try:
            with dial:
                async with self._opened().request(
                    message.method,
                    _as_written(url),
                    headers=fields,
                    data=_content(message),
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, connect=self._connect, sock_read=silence),
                ) as answer:
                    answered = True
                    return await _read(message, url, answer, dial, limit)
        except aiohttp.ClientConnectorError as error:
            raise _no_connection(error, dial) from None
        except TimeoutError:
            raise TimedOut(f"{url.host} did not go on in time.", host=url.host) from None
        except (aiohttp.ClientError, _Broken):
            # What the library says may quote the answer, so it is left out.
            if answered:
                raise Unreachable(
                    f"{url.host} cut its answer short, or sent what is not HTTP.", host=url.host
                ) from None
            kind = Unreachable if dial.opened else StaleConnection
            raise kind(f"{url.host} closed the connection without an answer in HTTP.", host=url.host) from None

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(_once,),
                skip_auto_headers=("Content-Type",),
                auto_decompress=False,
                trust_env=False,
                max_line_size=MAX_LINE_BYTES,
                max_field_size=MAX_LINE_BYTES,
                max_headers=MAX_FIELDS,
            )
        return self._session


class _Broken(Exception):
    """The connection broke before there was an answer."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once: the library would send even a PUT again over another connection."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise _Broken from None


def _as_written(url: HttpUrl) -> URL:
    path, _, query = url.target.partition("?")
    return URL.build(scheme=url.scheme, authority=url.authority, path=path, query_string=query, encoded=True)


def _content(message: Message) -> bytes | io.BytesIO | None:
    """Return the body; a large one as a file, which is sent piece by piece."""
    content = message.content
    return content if content is None or len(content) <= _LARGE else io.BytesIO(content)


def _no_connection(error: aiohttp.ClientConnectorError, dial: Dial) -> NetError:
    if dial.refusal is not None:
        return dial.refusal
    cause = error.__cause__
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(cause, _HUNG_UP):
        return Untrusted(f"{dial.host} offers no trustworthy connection: {cause}", host=dial.host)
    return Unreachable(f"{dial.host}:{dial.port} does not accept connections.", host=dial.host)


async def _read(message: Message, url: HttpUrl, answer: aiohttp.ClientResponse, dial: Dial, limit: int) -> Answer:
    host = url.host
    headers = Headers(answer.raw_headers)
    coding = headers.get("transfer-encoding")
    if answer.version not in _VERSIONS or (coding is not None and coding.strip().lower() != "chunked"):
        raise Unreachable(f"{host} answers in a form of HTTP that was not offered.", host=host)
    if answer.status < _FIRST_FINAL:
        raise Unreachable(f"{host} wants to change the protocol.", host=host)
    with _until_lost(answer.content, dial):
        body = await read_body(answer.content.iter_any(), headers, limit=limit, host=host)
    framed = message.method == "HEAD" or answer.status in _BODILESS or "content-length" in headers or coding is not None
    if not framed and dial.protocol is not None and isinstance(dial.protocol.exception(), OSError):
        raise Unreachable(f"{host} broke the connection inside its answer.", host=host)
    return Answer(answer.status, headers, body, framed)


@contextmanager
def _until_lost(content: aiohttp.StreamReader, dial: Dial) -> Iterator[None]:
    """End the wait for more of a body with its connection.

    The library drops a connection on which a later piece of a body is not HTTP, without a word to whoever waits for it.
    """
    lost = dial.protocol.closed if dial.protocol is not None else None

    def end(_: object) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    if lost is not None:
        lost.add_done_callback(end)
    try:
        yield
    finally:
        if lost is not None:
            lost.remove_done_callback(end)
