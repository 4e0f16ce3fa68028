"""Outgoing requests: one guarded HTTP client, which knows where it may go and with whose credentials.

url, address   one reading of a URL; which addresses are public
policy         what the operator allows beyond that
credentials    whose password may go where
resolver       names to addresses: the seam for tests
dial           resolves, checks and opens connections
message, body  what is sent, over redirects; what is read, up to a limit
client         puts them together
"""

from kalends.net.client import GuardedClient, Limits, Response
from kalends.net.credentials import BasicCredentials, CredentialScope
from kalends.net.errors import (
    AddressRefused,
    BadUrl,
    CredentialsWithheld,
    NameUnknown,
    NetError,
    TimedOut,
    TooLarge,
    TooManyRedirects,
    Unreachable,
    Untrusted,
)
from kalends.net.policy import AllowRule, NetPolicy
from kalends.net.resolver import Resolver, SrvTarget, SystemResolver

__all__ = [
    "AddressRefused",
    "AllowRule",
    "BadUrl",
    "BasicCredentials",
    "CredentialScope",
    "CredentialsWithheld",
    "GuardedClient",
    "Limits",
    "NameUnknown",
    "NetError",
    "NetPolicy",
    "Resolver",
    "Response",
    "SrvTarget",
    "SystemResolver",
    "TimedOut",
    "TooLarge",
    "TooManyRedirects",
    "Unreachable",
    "Untrusted",
]
