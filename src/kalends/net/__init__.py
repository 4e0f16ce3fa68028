"""Outgoing requests: one guarded HTTP client, which knows where it may go and with whose credentials.

url, address   one reading of a URL; which addresses are public
policy         what the operator allows beyond that
credentials    whose password may go where
resolver       names to addresses: the seam for tests
dial           resolves, checks and opens connections
breaker        hosts that are down are left alone
allowance      how often somebody may be asked
budgets        sees to it that nobody is asked more often; `bucket` is one of them
sharing        the processes that spend the same budgets
patience       how long a server asks to be left alone; `rests` sees to it
message, body  what is sent, over redirects; what is read, up to a limit
wire           HTTP/1.1: a message goes out, a whole answer with its `headers` comes in
client         puts them together
"""

from kalends.net.client import GuardedClient, Limits, Response
from kalends.net.credentials import BasicCredentials, BearerCredentials, CredentialScope
from kalends.net.errors import (
    AddressRefused,
    BadUrl,
    BudgetSpent,
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
    "BearerCredentials",
    "BudgetSpent",
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
