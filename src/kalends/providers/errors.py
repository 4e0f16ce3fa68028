"""What can go wrong at a provider, in the few kinds that matter to the rest.

    ProviderError
    ├── CredentialsRefused   the account's credentials do not (or no longer) work
    │   └── MailboxUnknown   there is no mailbox with this address, or none any more
    ├── CalendarGone         this one calendar does not exist any more
    ├── CursorRefused        the provider will not answer "what changed since?" for this cursor
    ├── NotSupported         the provider, or this account, cannot do what was asked
    └── Unavailable          a temporary failure: unreachable, time-out, 5xx, 429, an answer that makes no sense
        └── AddressRefused   the guarded client will not go there

`str(error)` is for the operator and may name hosts, never credentials or event titles; `public` may be shown to a
tenant.
"""

from datetime import timedelta

from kalends.net.errors import AddressRefused as NetAddressRefused
from kalends.net.errors import NetError


class ProviderError(Exception):
    """Something went wrong at the provider."""

    def __init__(self, message: str, *, public: str | None = None) -> None:
        super().__init__(message)
        self.public = public or self.default_public

    default_public = "The calendar provider could not do this."


class CredentialsRefused(ProviderError):
    """The account's credentials do not (or no longer) work."""

    default_public = "The calendar provider refused the credentials."


class MailboxUnknown(CredentialsRefused):
    """There is no mailbox with this address, or none any more."""

    default_public = "The calendar provider knows no mailbox with this address."


class CalendarGone(ProviderError):
    """This one calendar does not exist any more."""

    default_public = "The calendar does not exist any more."


class CursorRefused(ProviderError):
    """The provider will not say what changed since this cursor; everything has to be read again."""


class NotSupported(ProviderError):
    """The provider, or this account, cannot do what was asked."""

    default_public = "The calendar provider does not support this."


class Unavailable(ProviderError):
    """A temporary failure; `retry_after` is what the provider asked for, where it did."""

    default_public = "The calendar provider cannot be reached at the moment."

    def __init__(self, message: str, *, public: str | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message, public=public)
        self.retry_after = retry_after


class AddressRefused(Unavailable):
    """The guarded client will not go to this address."""


def from_net(error: NetError) -> Unavailable:
    """Return what a request that brought no answer means here."""
    if isinstance(error, NetAddressRefused):
        return AddressRefused(str(error), public=error.public)
    wait = None if error.wait is None else timedelta(seconds=error.wait)
    return Unavailable(str(error), retry_after=wait)
