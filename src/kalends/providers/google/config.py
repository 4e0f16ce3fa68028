"""What the Google kind is told: as whom it is known to Google, where Google is, how often to ask.

It is known as the client of a project, to which people consent; or as a service account, to which the administrator of
an organisation has delegated: `is_delegated` tells which.
"""

from collections.abc import Mapping

CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a setting
DOMAINS = "domains"
"""The domains that a service account is for, parted by spaces."""
SERVICE_ACCOUNT = "service_account"
"""The e-mail address of the service account."""
SERVICE_ACCOUNT_ID = "service_account_id"
"""Its client id, which administrators delegate to."""
KEY_ID = "private_key_id"
PRIVATE_KEY = "private_key"
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


_OF_A_CLIENT = (CLIENT_ID, CLIENT_SECRET)
_OF_A_SERVICE_ACCOUNT = (DOMAINS, SERVICE_ACCOUNT, SERVICE_ACCOUNT_ID, KEY_ID, PRIVATE_KEY)


def is_delegated(config: Mapping[str, str]) -> bool:
    """Tell whether a configuration is one of a service account."""
    return bool(config.get(DOMAINS))


def check_config(config: Mapping[str, str]) -> dict[str, str]:
    """Return a configuration with the defaults filled in; raises `ValueError`."""
    delegated = is_delegated(config)
    # what the operator's settings say of the project's client is inherited by service accounts, which need it not
    known = {*DEFAULTS, *_OF_A_CLIENT, *(_OF_A_SERVICE_ACCOUNT if delegated else ())}
    unknown = sorted(config.keys() - known)
    if unknown:
        raise ValueError(f"{', '.join(map(repr, unknown))} is no setting of Google's")
    for name in _OF_A_SERVICE_ACCOUNT if delegated else _OF_A_CLIENT:
        if not config.get(name):
            raise ValueError(f"Google needs {name!r}, which its Cloud console gives you")
    checked = {**DEFAULTS, **config}
    for name in (REQUESTS, ACCOUNT_REQUESTS):
        if not (checked[name].isascii() and checked[name].isdigit() and int(checked[name])):
            raise ValueError(f"{name!r} is a number of requests, not {checked[name]!r}")
    return checked
