"""OAuth scopes of Microsoft Graph's: which are asked for, and what granted ones allow.

Sources: "Microsoft Graph permissions reference" (Calendars permissions); "Scopes and permissions in the Microsoft
identity platform" (`offline_access`, OpenID scopes).
"""

from collections.abc import Collection

from kalends.model.provider import ConnectScopes
from kalends.providers.base import Consented

_WHO = ("openid", "profile", "email", "offline_access")
_READ = "Calendars.Read"
_WRITE = "Calendars.ReadWrite"

ASKED = {ConnectScopes.FULL: (*_WHO, _WRITE), ConnectScopes.READ: (*_WHO, _READ)}

APPLICATION = {ConnectScopes.FULL: (_WRITE,), ConnectScopes.READ: (_READ,)}
"""The same for apps to which an administrator has opened mailboxes; they need User.Read.All besides."""

_READING = frozenset({_READ.lower(), _WRITE.lower()})


def named(scopes: Collection[str]) -> frozenset[str]:
    """Return scopes by their short names: Microsoft puts the resource in front of those of Graph now and then."""
    return frozenset(scope.rpartition("/")[2] for scope in scopes)


def consented(scopes: Collection[str]) -> Consented:
    """Tell what granted scopes allow."""
    granted = {scope.lower() for scope in named(scopes)}
    return Consented(reading=bool(granted & _READING), exporting=_WRITE.lower() in granted)
