"""What can come of one request, more exactly than the port's errors say it; each of them is one of those.

providers.errors.Unavailable
├── HttpRefusal    an HTTP status that is no answer to the question
├── NotDav         an answer that is no WebDAV at all: a login page, a web site
├── Malformed      a WebDAV answer that is cut off, broken, or makes no sense
├── TooLarge       more bytes than were asked to be taken
└── TooSlow        no whole answer within the time limit
"""

from datetime import timedelta

from kalends.providers.errors import Unavailable


class HttpRefusal(Unavailable):
    """The server answered with a status that is no answer to the question."""

    def __init__(self, message: str, *, status: int, retry_after: timedelta | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.status = status


class NotDav(Unavailable):
    """What answered does not speak WebDAV."""


class Malformed(Unavailable):
    """The answer is WebDAV, but cut off, broken, or about something else."""


class TooLarge(Unavailable):
    """The answer is larger than what would be taken."""


class TooSlow(Unavailable):
    """The answer was not there, or not whole, when the time was up."""
