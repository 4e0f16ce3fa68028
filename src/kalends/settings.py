"""The settings: environment variables `KALENDS_*` over an optional TOML file over defaults.

The file is named by `KALENDS_CONFIG_FILE`, else it is `kalends.toml` in the working directory if there is one; its keys
are the names below. A name that is not known, or a value that does not fit, stops the start with `SettingsError`.
`KALENDS_CLIENT_*`, meant for programs that call the API, and `KALENDS_TEST_*` are passed over.
"""

import base64
import binascii
import difflib
import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from kalends.model.provider import BuiltIn
from kalends.net.errors import NetError
from kalends.net.policy import NetPolicy

PREFIX = "KALENDS_"
PASSED_OVER = ("KALENDS_CLIENT_", "KALENDS_TEST_")
CONFIG_FILE = "KALENDS_CONFIG_FILE"
KEY_BYTES = 32
MASK = "***"

_EXPECTED = (
    "expected sqlite:///path/file.db or postgresql://user:password@host:port/name, "
    "with @, :, / and the like percent-encoded in the password"
)
_LAST_PORT = 65_535
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "sqlite": (),
    "postgresql": (
        *("gsslib", "host", "krbsrvname", "passfile", "password", "port", "prepared_statement_cache_size"),
        *("ssl", "sslmode", "target_session_attrs", "user"),
    ),
}
"""Backend → what may stand behind the `?` of its URLs: what its driver takes as a text."""


class SettingsError(Exception):
    """A setting is unknown or does not fit; the message names it."""


def _database_url(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        url = make_url(value)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        # what is said of a port that is no number quotes it, and it may be the end of a password
        raise ValueError(f"is not a database URL; {_EXPECTED}") from None
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ValueError("must name a file: sqlite:///path/file.db")
    if backend not in _OPTIONS:
        raise ValueError("must begin with sqlite:// or postgresql://")
    if "@" in (url.host or "") or (url.port or 0) > _LAST_PORT:
        raise ValueError(f"has no host and port that can be; {_EXPECTED}")
    for name in url.query:
        if name not in _OPTIONS[backend]:
            known = ", ".join(_OPTIONS[backend])
            raise ValueError(f"has an option that is not known, {name!r}" + (f"; there are {known}" if known else ""))
    return _with_ssl(url) if "sslmode" in url.query else value


def _with_ssl(url: URL) -> str:
    """Return a database URL with asyncpg's name for what libpq, and the URLs of many a host, call `sslmode`."""
    others = {name: value for name, value in url.query.items() if name != "sslmode"}
    return url.set(query={"ssl": url.query["sslmode"], **others}).render_as_string(hide_password=False)


_MICROSOFT = (".microsoftonline.com", ".microsoftonline.us", ".microsoftonline.cn")
"""Where people sign in at Microsoft, its national clouds included; elsewhere somebody stands in for it."""


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https URL")
    return value.rstrip("/")


def _is_of(url: str, *domains: str) -> bool:
    """Tell whether the host of a URL lies in one of the domains, which begin with a dot."""
    return (urlsplit(url).hostname or "").endswith(domains)


def _client(client_id: str | None, client_secret: SecretStr | None) -> BuiltIn:
    """Return as whom this installation is known to a provider, nothing where it is not."""
    if client_id is None or client_secret is None:
        return BuiltIn()
    return BuiltIn({"client_id": client_id}, {"client_secret": client_secret.get_secret_value()})


def _secret_keys(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        decode_secret_keys(value.get_secret_value())
    return value


def decode_secret_keys(text: str) -> list[bytes]:
    """Return the keys of a `KALENDS_SECRET_KEY`: base64 of 32 bytes each, separated by commas, newest first.

    Raises `ValueError` where one is anything else.
    """
    keys = []
    for number, part in enumerate(text.split(","), 1):
        try:
            key = base64.b64decode(part.strip(), validate=True)
        except binascii.Error:
            raise ValueError(f"key {number} is not base64") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"key {number} holds {len(key)} bytes, not {KEY_BYTES}")
        keys.append(key)
    return keys


def _seconds(value: object) -> object:
    """Take a bare number in an environment variable for seconds."""
    if isinstance(value, str) and value.strip().replace(".", "", 1).isdigit():
        return float(value)
    return value


LONGEST = timedelta(days=3_650)
"""Of every duration: what is meant as "for ever" would lead to before the first year there is."""
Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(ge=timedelta(0), le=LONGEST)]
PositiveDuration = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0), le=LONGEST)]


class Settings(BaseModel):
    """What an operator can set. Durations are seconds (or ISO 8601, `PT2M`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: Annotated[str | None, AfterValidator(_database_url)] = Field(
        None, description="Where the data is: sqlite:///… or postgresql://…; by default kalends.db in the data folder."
    )
    data_dir: Path = Field(Path(".local/kalends"), description="Folder for the embedded database and its key.")
    host: str = Field("127.0.0.1", description="Address that `serve` listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port that `serve` listens on.")
    public_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "http://127.0.0.1:8080", description="The URL by which browsers and clients reach this service."
    )
    secret_key: Annotated[SecretStr | None, AfterValidator(_secret_keys)] = Field(
        None, description="Key for secrets at rest and tokens: 32 bytes as base64; several by comma, newest first."
    )
    net_allow: str = Field("", description="Private addresses that may be reached: host, host:port, CIDR, by comma.")
    net_trusted_hosts: str = Field("", description="Further hosts that may receive credentials of calendar accounts.")
    host_rate: float = Field(
        200,
        ge=0,
        le=100_000,
        allow_inf_nan=False,
        description="Requests a second to one calendar server's host, by all processes together; 0 for no limit.",
    )
    metrics_token: SecretStr | None = Field(
        None, min_length=16, description="What monitors have to know to read /metrics; without it there are no metrics."
    )
    worker_metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port on which `worker` serves /metrics and /healthz; without it, on none."
    )
    worker_metrics_host: str = Field("127.0.0.1", description="Address on which `worker` serves them.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines are written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")

    window_back_days: int = Field(90, ge=1, le=3650, description="Days before today for which occurrences are kept.")
    window_ahead_days: int = Field(400, ge=1, le=3650, description="Days after today for which occurrences are kept.")
    poll_interval: PositiveDuration = Field(
        timedelta(minutes=2), description="Time between two reads of a connection that changes or is looked at."
    )
    longest_poll_interval: PositiveDuration = Field(
        timedelta(minutes=15), description="Time between two reads of a connection that has long been quiet."
    )
    safety_interval: PositiveDuration = Field(
        timedelta(minutes=30),
        description="Time between two reads of a connection whose provider tells of changes by itself.",
    )
    longest_retry_interval: PositiveDuration = Field(
        timedelta(hours=1), description="Time between two reads of a connection that keeps failing, at most."
    )
    host_rest: PositiveDuration = Field(
        timedelta(seconds=30),
        description="How long a host that failed several times in a row is left alone; ten times as long at most.",
    )
    staleness_limit: PositiveDuration = Field(
        timedelta(hours=6), description="Age of the last good read from which a calendar counts as not readable."
    )
    first_read_wait: Duration = Field(
        timedelta(seconds=10), description="How long list events waits for a first import."
    )
    doubt_wait: PositiveDuration = Field(
        timedelta(minutes=10),
        description="How long the events of a calendar are kept after it was suddenly found empty, or nearly so.",
    )
    sync_concurrency: int = Field(
        4, ge=1, le=100, description="Connections that one process downloads and writes changes of at a time."
    )
    poll_concurrency: int = Field(
        100, ge=1, le=1000, description="Connections that one process looks at a time whether anything changed."
    )
    lease_time: PositiveDuration = Field(
        timedelta(seconds=60),
        le=timedelta(minutes=30),
        description="How long a sync keeps its lease without renewing it.",
    )

    google_client_id: str | None = Field(
        None, min_length=1, description="Client id of your Google project; without it nobody can connect to Google."
    )
    google_client_secret: SecretStr | None = Field(
        None, min_length=1, description="Client secret of your Google project."
    )
    google_accounts_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://accounts.google.com", description="Where people consent; it is also who signs their ID tokens."
    )
    google_oauth_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://oauth2.googleapis.com", description="Where Google gives out tokens and takes them back."
    )
    google_api_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://www.googleapis.com", description="Where Google's calendar API and its public keys are."
    )
    google_requests_per_minute: int = Field(
        10_000, ge=1, description="What your Google project may ask in a minute, all accounts together."
    )
    google_account_requests_per_minute: int = Field(
        600, ge=1, description="What your Google project may ask in a minute for one account."
    )

    microsoft_client_id: str | None = Field(
        None,
        min_length=1,
        description="Application (client) id of your app registration; without it nobody can connect to Microsoft.",
    )
    microsoft_client_secret: SecretStr | None = Field(
        None, min_length=1, description="Client secret of your app registration."
    )
    microsoft_tenant: str = Field(
        "common",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$",
        description="Whose accounts may be connected: common, organizations, consumers, or one tenant.",
    )
    microsoft_login_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://login.microsoftonline.com", description="Where people consent; national clouds have their own."
    )
    microsoft_graph_url: Annotated[str, AfterValidator(_web_url)] = Field(
        "https://graph.microsoft.com", description="Where Microsoft Graph is; national clouds have their own."
    )
    microsoft_account_requests_per_10_minutes: int = Field(
        10_000, ge=1, description="What your app may ask of one mailbox in ten minutes."
    )
    microsoft_account_requests_at_once: int = Field(
        4, ge=1, description="How many requests to one mailbox may be under way at once."
    )

    token_lifetime: PositiveDuration = Field(timedelta(hours=4), description="Validity of an access token.")
    request_timeout: PositiveDuration = Field(
        timedelta(seconds=60), description="Time limit of one request to a provider."
    )
    max_response_bytes: int = Field(64 << 20, ge=1 << 16, description="Size limit of one answer of a provider.")
    max_request_bytes: int = Field(1 << 20, ge=1 << 10, description="Size limit of one request to the API.")
    max_items: int = Field(100_000, ge=1, description="Items of one calendar, at most.")
    max_resource_bytes: int = Field(1 << 20, ge=1 << 10, description="Size of one calendar resource, at most.")
    max_occurrences: int = Field(5_000, ge=1, description="Occurrences of one event inside the window, at most.")
    expansion_timeout: PositiveDuration = Field(timedelta(seconds=5), description="Time limit for expanding one event.")

    @property
    def window_back(self) -> timedelta:
        """How far occurrences are kept before today."""
        return timedelta(days=self.window_back_days)

    @property
    def window_ahead(self) -> timedelta:
        """How far occurrences are kept after today."""
        return timedelta(days=self.window_ahead_days)

    @property
    def resolved_database_url(self) -> str:
        """The database's URL, the embedded one where none is set."""
        return self.database_url or f"sqlite:///{self.data_dir / 'kalends.db'}"

    @property
    def embedded(self) -> bool:
        """Whether the database is SQLite."""
        return make_url(self.resolved_database_url).get_backend_name() == "sqlite"

    @property
    def built_in_providers(self) -> Mapping[str, BuiltIn]:
        """What the settings give to providers, by the kind of their plugin: all that they know, be it enough or not."""
        return {"google": self._google(), "microsoft": self._microsoft()}

    def _google(self) -> BuiltIn:
        config = {
            "accounts_url": self.google_accounts_url,
            "oauth_url": self.google_oauth_url,
            "api_url": self.google_api_url,
            "requests_per_minute": str(self.google_requests_per_minute),
            "account_requests_per_minute": str(self.google_account_requests_per_minute),
        }
        client = _client(self.google_client_id, self.google_client_secret)
        name = None if _is_of(self.google_accounts_url, ".google.com") else "Google (sandbox)"
        return BuiltIn({**config, **client.config}, client.secrets, name)

    def _microsoft(self) -> BuiltIn:
        config = {
            "tenant": self.microsoft_tenant,
            "login_url": self.microsoft_login_url,
            "graph_url": self.microsoft_graph_url,
            "account_requests_per_10_minutes": str(self.microsoft_account_requests_per_10_minutes),
            "account_requests_at_once": str(self.microsoft_account_requests_at_once),
        }
        client = _client(self.microsoft_client_id, self.microsoft_client_secret)
        name = None if _is_of(self.microsoft_login_url, *_MICROSOFT) else "Outlook (sandbox)"
        return BuiltIn({**config, **client.config}, client.secrets, name)

    @property
    def net_policy(self) -> NetPolicy:
        """Which addresses may be reached and who may receive credentials."""
        return NetPolicy.parse(allow=self.net_allow, trusted=self.net_trusted_hosts)


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Return the settings in force; `overrides` (a command's options) win over everything.

    Raises `SettingsError` naming the first setting that is unknown or does not fit.
    """
    environ = os.environ if environ is None else environ
    _refuse_unknown_variables(environ)
    values = _from_file(environ)
    for name in Settings.model_fields:
        if environ.get(PREFIX + name.upper()):
            values[name] = environ[PREFIX + name.upper()]
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_describe(one, environ) for one in error.errors())) from None
    _refuse_unreadable_policy(settings)
    return settings


def _refuse_unreadable_policy(settings: Settings) -> None:
    name = "KALENDS_NET_ALLOW"
    try:
        NetPolicy.parse(allow=settings.net_allow)
        name = "KALENDS_NET_TRUSTED_HOSTS"
        NetPolicy.parse(trusted=settings.net_trusted_hosts)
    except (NetError, ValueError) as error:
        raise SettingsError(f"{name}: {error}") from None


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_FILE}
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and not name.startswith(PASSED_OVER) and name not in known:
            raise SettingsError(f"{name} is not a setting{_nearest(name, known)}")


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else "; `kalends config` lists them all"


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the TOML file is, if there is one."""
    return Path(environ.get(CONFIG_FILE) or "kalends.toml")


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    named = environ.get(CONFIG_FILE)
    path = config_path(environ)
    if not named and not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{CONFIG_FILE}: {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not a TOML file: {error}") from None
    for name in values:
        if name not in Settings.model_fields:
            raise SettingsError(f"{path}: {name} is not a setting{_nearest(name, set(Settings.model_fields))}")
    return values


def _describe(error: Any, environ: Mapping[str, str]) -> str:
    name = str(error["loc"][0]) if error["loc"] else "settings"
    variable = PREFIX + name.upper()
    where = variable if environ.get(variable) else f"{name} ({variable})"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def masked_database_url(url: str) -> str:
    """Return a database URL as it may be shown: without its password, wherever in it that stands."""
    parsed = make_url(url)
    query = {name: MASK if "pass" in name.lower() else value for name, value in parsed.query.items()}
    return parsed.set(query=query).render_as_string(hide_password=True).replace(quote(MASK, safe=""), MASK)
