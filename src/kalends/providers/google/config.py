"""What the Google kind is told: by which client of whose project it is known, where Google is, how often to ask."""

from collections.abc import Mapping

CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a setting
ACCOUNTS_URL = "accounts_url"
OAUTH_URL = "oauth_url"
API_URL = "api_url"
REQUESTS = "requests_per_minute"
ACCOUNT_REQUESTS = "account_requests_per_minute"

DEFAULTS: Mapping[str, str] = {
    ACCOUNTS_URL: "https://accounts.google.com",
    OAUTH_URL: "https://oauth2.googleapis.com",
    API_URL: "https://www.googleapis.com",
    REQUESTS: "10000",
    ACCOUNT_REQUESTS: "600",
}
"""Where Google is, and its quotas of 2025 (per minute; projects of May 2026 and later have others)."""


def check_config(config: Mapping[str, str]) -> dict[str, str]:
    """Return a configuration with the defaults filled in; raises `ValueError`."""
    unknown = sorted(config.keys() - DEFAULTS.keys() - {CLIENT_ID, CLIENT_SECRET})
    if unknown:
        raise ValueError(f"{', '.join(map(repr, unknown))} is no setting of Google's")
    for name in (CLIENT_ID, CLIENT_SECRET):
        if not config.get(name):
            raise ValueError(f"Google needs {name!r}, which its Cloud console gives you")
    checked = {**DEFAULTS, **config}
    for name in (REQUESTS, ACCOUNT_REQUESTS):
        if not (checked[name].isascii() and checked[name].isdigit() and int(checked[name])):
            raise ValueError(f"{name!r} is a number of requests, not {checked[name]!r}")
    return checked
