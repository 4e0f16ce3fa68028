"""An account at the stand-in for iCloud: a login at the real server behind it, and where iCloud says that it is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum

from tests.servers import Login

DOMAIN = "icloud.com"
ENTRY = f"caldav.{DOMAIN}"


class Left(StrEnum):
    """How a host answers for an account that is on another one."""

    REDIRECTS = "redirects"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    MISDIRECTED = "misdirected"
    UNKNOWN_PASSWORD = "unknown password"
    HANGS_UP = "hangs up"


@dataclass
class Throttle:
    """Refusals: `status` for every request after the next `spared` ones, until it is lifted."""

    spared: int = 0
    status: int = 503
    retry_after: str | None = None

    @classmethod
    def until(cls, now: datetime, wait: timedelta, **others: int) -> "Throttle":
        """Return one that names the time at which to come again (RFC 9110 §10.2.3)."""
        return cls(retry_after=format_datetime((now + wait).astimezone(UTC), usegmt=True), **others)

    def refuses(self) -> bool:
        """Count a request, and tell whether it is refused."""
        self.spared -= 1
        return self.spared < 0


@dataclass
class ICloudAccount:
    """An account by its number, Apple's "dsid", at the head of all its paths.

    `shared` names calendars that another account shares with this one, `phantoms` resources that are listed and not to
    be had. `home_host` stands in for the host at which the account is said to be, and `hosts` names those of single
    calendars that are elsewhere.
    """

    login: Login
    dsid: str
    partition: int = 42
    left: Left = Left.REDIRECTS
    throttle: Throttle | None = None
    home_host: str | None = None
    principal_at_partition: bool = False
    shared: set[str] = field(default_factory=set)
    phantoms: set[str] = field(default_factory=set)
    hosts: dict[str, str] = field(default_factory=dict)

    @property
    def principal(self) -> str:
        """The path of the account's principal."""
        return f"/{self.dsid}/principal/"

    @property
    def home(self) -> str:
        """The path of the account's calendar home."""
        return f"/{self.dsid}/calendars/"

    @property
    def host(self) -> str:
        """The host at which the account is."""
        return f"p{self.partition}-caldav.{DOMAIN}"

    @property
    def place(self) -> str:
        """What the principal says of where that is, with the port that nobody would have to name."""
        return f"https://{self.home_host or self.host}:443"

    def host_of(self, path: str) -> str:
        """Return the host at which something of the account is."""
        return self.hosts.get(path.removeprefix(self.home).partition("/")[0], self.host)

    def outside(self, path: str) -> str:
        """Return the path at iCloud of what is at a path of the server behind."""
        for home in (self.login.home, self.login.home.replace("%40", "@")):
            if path.startswith(home):
                return self.home + path.removeprefix(home)
        return path

    def inside(self, path: str) -> str:
        """Return the path at the server behind of what is at a path at iCloud."""
        return self.login.home + path.removeprefix(self.home)
