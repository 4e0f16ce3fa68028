"""Scopes: which there are here, what they let an app do, and how they are written.

A scope of Graph may be asked for by its name alone or with the address of Graph before it, and is granted as it was
asked for. See https://learn.microsoft.com/entra/identity-platform/scopes-oidc.
"""

from collections.abc import Iterable

GRAPH = "https://graph.microsoft.com/"
"""What may stand before the name of a scope."""
DEFAULT = f"{GRAPH}.default"
"""What an application asks for when it asks for itself: all that an administrator let it do."""
OPENID, PROFILE, EMAIL, OFFLINE = "openid", "profile", "email", "offline_access"
SIGN_IN = frozenset({OPENID, PROFILE, EMAIL, OFFLINE})
"""Scopes that are nobody's permission to read anything."""

PURPOSES = {
    OPENID: "Sign you in",
    PROFILE: "View your basic profile",
    EMAIL: "View your email address",
    OFFLINE: "Maintain access to data you have given it access to",
    "User.Read": "Sign you in and read your profile",
    "Calendars.ReadBasic": "Read basic details of your calendars",
    "Calendars.Read": "Read your calendars",
    "Calendars.ReadWrite": "Have full access to your calendars",
    "Calendars.Read.Shared": "Read your and shared calendars",
    "Calendars.ReadWrite.Shared": "Read and write to your and shared calendars",
    "MailboxSettings.Read": "Read your mailbox settings",
}
"""What each scope lets an app do, as the page says it; other scopes do not exist here."""

ROLES = frozenset({"Calendars.Read", "Calendars.ReadBasic.All", "Calendars.ReadWrite", "User.Read.All"})
"""Application permissions, which only an administrator grants."""


def asked(text: str) -> tuple[str, ...]:
    """Return the scopes of a `scope` parameter as they were written, each once."""
    return tuple(dict.fromkeys(text.split()))


def short(scope: str) -> str:
    """Return a scope's name without the address of Graph."""
    return scope.removeprefix(GRAPH)


def shortened(written: Iterable[str]) -> frozenset[str]:
    """Return the names of scopes without the address of Graph."""
    return frozenset(short(one) for one in written)


def unknown(written: Iterable[str]) -> list[str]:
    """Return those scopes that do not exist."""
    return [one for one in written if short(one) not in PURPOSES]


def granted(written: Iterable[str]) -> str:
    """Return scopes as the token endpoint tells what was granted: as asked for, and without `offline_access`."""
    return " ".join(one for one in written if one != OFFLINE)
