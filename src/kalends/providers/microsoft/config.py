"""What the Microsoft kind is told: as whom it is known to Microsoft, for whose accounts, where Microsoft is."""

import re
from collections.abc import Mapping

CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a setting
DOMAINS = "domains"
"""The domains whose mailboxes an administrator has opened to the app, parted by spaces; none: people consent."""
TENANT = "tenant"
"""For whose accounts: `common`, `organizations`, `consumers`, or the id or a domain of one organisation."""
LOGIN_URL = "login_url"
GRAPH_URL = "graph_url"
ACCOUNT_REQUESTS = "account_requests_per_10_minutes"
AT_ONCE = "account_requests_at_once"

DEFAULTS: Mapping[str, str] = {
    TENANT: "common",
    LOGIN_URL: "https://login.microsoftonline.com",
    GRAPH_URL: "https://graph.microsoft.com",
    ACCOUNT_REQUESTS: "10000",
    AT_ONCE: "4",
}
"""Where Microsoft is (its national clouds are elsewhere), and what Outlook allows for one mailbox."""

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


def is_delegated(config: Mapping[str, str]) -> bool:
    """Tell whether a configuration is one of an app to which an administrator has opened mailboxes."""
    return bool(config.get(DOMAINS))


def check_config(config: Mapping[str, str]) -> dict[str, str]:
    """Return a configuration with the defaults filled in; raises `ValueError`."""
    unknown = sorted(config.keys() - {*DEFAULTS, CLIENT_ID, CLIENT_SECRET, DOMAINS})
    if unknown:
        raise ValueError(f"{', '.join(map(repr, unknown))} is no setting of Microsoft's")
    for name in (CLIENT_ID, CLIENT_SECRET):
        if not config.get(name):
            raise ValueError(f"Microsoft needs {name!r}, which its Entra admin center gives you")
    checked = {**DEFAULTS, **config}
    if not _TENANT.fullmatch(checked[TENANT]):
        raise ValueError(f"{TENANT!r} is common, organizations, consumers, or an organisation's id or domain")
    for name in (ACCOUNT_REQUESTS, AT_ONCE):
        if not (checked[name].isascii() and checked[name].isdigit() and int(checked[name])):
            raise ValueError(f"{name!r} is a number of requests, not {checked[name]!r}")
    return checked
