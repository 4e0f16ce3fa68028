"""Real CalDAV servers for tests, as processes of their own on free loopback ports."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

import httpx2
import pytest
from dulwich import porcelain

from kalends.net.policy import NetPolicy
from tests.leaks import LISTENER

LOOPBACK = NetPolicy.parse(allow="127.0.0.0/8")
"""What a client in a test may reach."""

_RADICALE_CONFIG = """\
[server]
hosts = 127.0.0.1:{port}
max_connections = 50
delay_on_error = 0
validate_path_value = none
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = {root}/rights
[storage]
filesystem_folder = {root}/collections
[logging]
level = info
"""
_RADICALE_RIGHTS = """\
[keeper]
user: keeper
collection: .*
permissions: RrWw
[root]
user: .+
collection:
permissions: R
[principal]
user: .+
collection: {user}
permissions: RW
[feeds]
user: .*
collection: [^/]+/feed-[^/]+
permissions: i
[for reading only]
user: .+
collection: {user}/read-only[^/]*
permissions: r
[calendars]
user: .+
collection: {user}/[^/]+
permissions: rw
"""


_LOGGED = re.compile(r"\b([A-Z]+) (?:request for ')?(/[^ ']*)(?:'.* received from| HTTP/1\.1\")")
"""A request in the log of Radicale or of Xandikos."""


@dataclass(frozen=True)
class Login:
    """A user of a server under test, and where that user's calendars are made."""

    email: str
    password: str
    home: str


@dataclass
class CalDavServer:
    """A running server, and the other client that changes what is on it.

    `keeper` may write everywhere. Paths are given as they go over the wire: percent-encoded.
    """

    url: str
    keeper: tuple[str, str] | None
    folder: Path
    log: Path
    _users: Path | None = None
    _home: str = "/{user}/"
    _made: list[str] = field(default_factory=list)

    def feed_name(self) -> str:
        """Return the name of a calendar that everybody may read as a feed."""
        return f"feed-{secrets.token_hex(6)}"

    def login(self) -> Login:
        """Make a user; on a server that knows one user only, return that one."""
        if self._users is None:
            return Login("user@example.org", "any", self._home)
        user, password = f"u{secrets.token_hex(6)}@example.org", LISTENER.add_secret(secrets.token_hex(8))
        with self._users.open("a") as users:
            users.write(f"{user}:{password}\n")
        login = Login(user, password, self._home.format(user=quote(user)))
        self.request("MKCOL", login.home, expect=(201,))
        return login

    def set_password(self, login: Login, password: str) -> None:
        """Change a user's password behind everybody's back."""
        assert self._users is not None
        lines = [line for line in self._users.read_text().splitlines() if not line.startswith(f"{login.email}:")]
        self._users.write_text("\n".join([*lines, f"{login.email}:{password}", ""]))

    def make_calendar(self, path: str, properties: str = "") -> None:
        """MKCALENDAR (RFC 4791 §5.3.1) with the given property elements (prefixes d, c, a)."""
        body = (
            '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="http://apple.com/ns/ical/">'
            f"<d:set><d:prop>{properties}</d:prop></d:set></c:mkcalendar>"
        )
        self.request("MKCALENDAR", path, body, {"Content-Type": "application/xml"}, expect=(201,))
        self._made.append(path)

    def put(self, path: str, text: str) -> None:
        """Create or replace a resource."""
        self.request("PUT", path, text, {"Content-Type": "text/calendar; charset=utf-8"}, expect=(200, 201, 204))

    def put_many(self, calendar: str, texts: Mapping[str, str]) -> None:
        """Create resources by file name, straight in the server's storage: quicker than hundreds of requests."""
        folder = self.folder / unquote(calendar).strip("/")
        for name, text in texts.items():
            (folder / name).write_text(text.replace("\n", "\r\n"), newline="")
        if (folder / ".git").is_dir():
            porcelain.add(str(folder), [str(folder / name) for name in texts])
            porcelain.commit(str(folder), message=b"many", author=b"test <test>", committer=b"test <test>")

    def get(self, path: str) -> str:
        """Fetch a resource's text."""
        return self.request("GET", path, expect=(200,)).text

    def delete(self, path: str) -> None:
        """Delete a resource or a collection."""
        self.request("DELETE", path, expect=(200, 204))

    def requests(self) -> list[tuple[str, str]]:
        """Return method and path of every request so far, by the server's own log.

        A request of ours marks the end: once the log holds it, it holds all that came before.
        """
        marker = f"/marker-{secrets.token_hex(8)}"
        self.request("OPTIONS", marker)
        deadline = time.monotonic() + 10
        while marker not in self.log.read_text():
            assert time.monotonic() < deadline, "the log does not show what was asked"
            time.sleep(0.01)
        found = [match.groups() for match in _LOGGED.finditer(self.log.read_text())]
        return [(method, path) for method, path in found if not path.startswith("/marker-")]

    def forget_calendars(self) -> None:
        """Delete the calendars that were made and are still there."""
        while self._made:
            self.request("DELETE", self._made.pop(), expect=(200, 204, 404))

    def request(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: dict[str, str] | None = None,
        *,
        expect: tuple[int, ...] = (),
    ) -> httpx2.Response:
        """Send a request as the keeper."""
        headers = dict(headers or {})
        if self.keeper is not None:
            headers["Authorization"] = "Basic " + b64encode(":".join(self.keeper).encode()).decode()
        answer = self._http.request(method, self.url + path, content=body and body.encode(), headers=headers)
        assert not expect or answer.status_code in expect, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def __post_init__(self) -> None:
        self._http = httpx2.Client(trust_env=False, timeout=30)

    def close(self) -> None:
        """Close the other client's connections."""
        self._http.close()


def component(name: str, **properties: str) -> str:
    """Return one property element for `make_calendar` with escaped text."""
    return f"<{name}>{escape(properties.pop('text'))}</{name}>"


@contextmanager
def running_radicale() -> Iterator[CalDavServer]:
    """Run Radicale with passwords and with rights that leave `read-only…` calendars to the keeper."""
    with TemporaryDirectory(prefix="kalends-radicale-") as folder:
        root, port = Path(folder), free_port()
        (root / "config").write_text(_RADICALE_CONFIG.format(port=port, root=root))
        (root / "rights").write_text(_RADICALE_RIGHTS)
        (root / "users").write_text("keeper:keeper\n")
        server = CalDavServer(
            f"http://127.0.0.1:{port}",
            ("keeper", "keeper"),
            root / "collections/collection-root",
            root / "log",
            root / "users",
        )
        with _process([sys.executable, "-m", "radicale", "--config", str(root / "config")], server, root):
            yield server


@contextmanager
def running_xandikos() -> Iterator[CalDavServer]:
    """Run Xandikos, which has one user and believes every password."""
    with TemporaryDirectory(prefix="kalends-xandikos-") as folder:
        root, port = Path(folder), free_port()
        command = [sys.executable, "-m", "xandikos", "serve", "-d", str(root / "data"), "--defaults"]
        command += ["-l", "127.0.0.1", "-p", str(port), "--no-detect-systemd", "--state-dir", str(root / "state")]
        server = CalDavServer(f"http://127.0.0.1:{port}", None, root / "data", root / "log", _home="/user/calendars/")
        with _process(command, server, root):
            yield server


@pytest.fixture(scope="session")
def radicale() -> Iterator[CalDavServer]:
    with running_radicale() as server:
        yield server


@pytest.fixture(scope="session")
def xandikos() -> Iterator[CalDavServer]:
    with running_xandikos() as server:
        yield server


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _process(command: list[str], server: CalDavServer, root: Path) -> Iterator[None]:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "HOME": str(root)}
    log = server.log
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd=root
        )
        try:
            _wait_until_it_answers(process, server, log)
            yield
        finally:
            server.close()
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", server: CalDavServer, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.request("OPTIONS", "/")
        except httpx2.TransportError:
            assert process.poll() is None, f"the server ended: {log.read_text()}"
            assert time.monotonic() < deadline, f"the server does not answer: {log.read_text()}"
            time.sleep(0.05)
        else:
            return
