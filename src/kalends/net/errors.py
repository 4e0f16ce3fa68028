"""What can go wrong with an outgoing request.

    NetError
    ├── BadUrl                not an http(s) address that can be asked
    ├── AddressRefused        its address lies where nobody's calendar has a business to lead us
    ├── CredentialsWithheld   the request would have carried credentials to where they must not go
    ├── Unreachable           no connection, or an answer that is cut short or makes no sense
    │   ├── NameUnknown       the host's name has no address
    │   ├── Untrusted         no TLS, or a certificate that proves nothing
    │   └── LeftAlone         not asked, since it failed too often just now
    ├── TimedOut              too slow
    ├── TooLarge              the answer is larger than the caller takes
    ├── TooManyRedirects
    └── BudgetSpent           not asked, since it was asked as often as it may be for now

`str(error)` is for the operator: it names the host, but no path, query, credential or resolved address. `public` may be
shown to a tenant. It is the same sentence for what was refused, what could not be reached and what was too slow, so
that nobody can map the inside of a network by asking for it.
"""


class NetError(Exception):
    """A request brought no complete answer. `host` is whom it concerns, empty where not even that could be read.

    `wait` is for how many seconds it is of no use to ask again, where that is known.
    """

    public = "The calendar provider cannot be reached at the moment."
    wait: float | None = None

    def __init__(self, message: str, *, host: str = "") -> None:
        super().__init__(message)
        self.host = host


class BadUrl(NetError):
    """The text is not an absolute http or https URL, or not one that this service asks."""

    public = "This is not a web address that can be used."


class AddressRefused(NetError):
    """The host has an address that is not public, and the operator has not allowed it."""


class CredentialsWithheld(NetError):
    """The request was not sent, because it would have carried credentials to where they must not go."""

    public = "The calendar provider leads to a place that is not given the credentials."


class Unreachable(NetError):
    """There is no connection, or what came over it is not a whole answer."""


class NameUnknown(Unreachable):
    """The name of the host has no address, or nobody could be asked for it."""


class Untrusted(Unreachable):
    """The host offers no TLS, or a certificate that does not prove that it is the host."""


class LeftAlone(Unreachable):
    """The host failed several times in a row and is not asked for a while: for `wait` seconds from now on."""

    wait: float

    def __init__(self, message: str, *, host: str = "", wait: float) -> None:
        super().__init__(message, host=host)
        self.wait = wait


class TimedOut(NetError):
    """A time limit was reached: connecting, waiting for the next bytes, or the request as a whole."""


class TooLarge(NetError):
    """The answer, as sent or as decompressed, is larger than the caller takes."""

    public = "The answer of the calendar provider is too large."


class TooManyRedirects(NetError):
    """The host redirects more often than the client follows."""

    public = "The calendar provider redirects without end."


class BudgetSpent(NetError):
    """The request was not sent: whom it is for may not be asked for another `wait` seconds. No fault of the host's."""

    wait: float

    def __init__(self, message: str, *, host: str = "", wait: float) -> None:
        super().__init__(message, host=host)
        self.wait = wait
