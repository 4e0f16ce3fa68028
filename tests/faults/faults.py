"""What can go wrong between a client and a server, each by its name, and what then goes over the wire."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum

from tests.faults import listings


class Fault(StrEnum):
    DELAY = "delay"
    DRIP = "slow drip"
    CUT_BEFORE_ANSWER = "cut before the answer"
    CUT_IN_HEADERS = "cut in the headers"
    CUT_IN_BODY = "cut in the body"
    CLOSED_AFTERWARDS = "kept-alive connection closed"
    TOO_MANY_REQUESTS = "429, seconds"
    TOO_MANY_REQUESTS_UNTIL = "429, date"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    UNAVAILABLE_FOR_A_TIME = "503, seconds"
    GARBAGE = "garbage"
    LOGIN_PAGE = "login page"
    REDIRECT_LOOP = "redirect loop"
    TRUNCATED = "truncated, with that length"
    LENGTH_TOO_LONG = "length too long"
    LENGTH_TOO_SHORT = "length too short"
    WRONG_TYPE = "wrong content type"
    EMPTY = "empty multi-status"
    LACKING = "members lacking"
    DOUBLED = "members doubled"
    STALE = "stale answer"


LIES = frozenset({Fault.LACKING, Fault.STALE})
"""What makes an answer wrong without making it look wrong."""

LOOP = "/.redirect-loop/"
"""Whatever is asked for below this redirects to itself."""

_MULTI_STATUS = 207
_OF_LISTINGS = frozenset({Fault.EMPTY, Fault.LACKING, Fault.DOUBLED})
_WAIT = timedelta(seconds=1)
_LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method=post></form></body></html>"


@dataclass(frozen=True)
class Answer:
    """An answer of the server behind; headers by name in lower case, without those of one connection only."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def message(self, *, announced: int | None = None) -> bytes:
        """Return it as HTTP/1.1, with its length or another one."""
        length = {"content-length": str(len(self.body) if announced is None else announced)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**self.headers, **length}.items())
        return f"HTTP/1.1 {self.status} Word\r\n{lines}\r\n".encode() + self.body


@dataclass(frozen=True)
class Delivery:
    """What is sent: bytes, and pauses in seconds; afterwards the connection stays open or not."""

    parts: Sequence[bytes | float] = field(default_factory=tuple)
    hang_up: bool = False


def applies(fault: Fault, answer: Answer, older: Answer | None) -> bool:
    """Tell whether a fault would make another answer of this one."""
    if fault is Fault.STALE:
        return older is not None and older.body != answer.body
    if fault is Fault.LACKING:
        return answer.status == _MULTI_STATUS and listings.members(answer.body) > 0
    return fault not in _OF_LISTINGS or answer.status == _MULTI_STATUS


def spoiled(fault: Fault, answer: Answer, older: Answer | None, chance: random.Random) -> Delivery:
    """Return what a fault makes of an answer; `older` is an earlier one to the same question."""
    if fault is Fault.STALE:
        assert older is not None
        return Delivery([older.message()])
    return _MAKERS[fault](answer, chance)


def _refusal(status: int, headers: Mapping[str, str]) -> Delivery:
    now = datetime.now(UTC)
    return Delivery([Answer(status, {"date": format_datetime(now, usegmt=True), **headers}, b"later").message()])


def _until(_answer: Answer, _chance: random.Random) -> Delivery:
    return _refusal(429, {"retry-after": format_datetime(datetime.now(UTC) + _WAIT, usegmt=True)})


def _after(status: int) -> Callable[[Answer, random.Random], Delivery]:
    return lambda _answer, _chance: _refusal(status, {"retry-after": str(int(_WAIT.total_seconds()))})


def _cut_in_headers(answer: Answer, chance: random.Random) -> Delivery:
    message = answer.message()
    end = message.index(b"\r\n\r\n")
    return Delivery([message[: chance.randint(1, end)]], hang_up=True)


def _cut_in_body(answer: Answer, chance: random.Random) -> Delivery:
    message = answer.message()
    return Delivery([message[: len(message) - chance.randint(1, max(1, len(answer.body)))]], hang_up=True)


def _drip(answer: Answer, chance: random.Random) -> Delivery:
    message = answer.message()
    size = len(message) // chance.randint(5, 30) + 1
    parts: list[bytes | float] = []
    for start in range(0, len(message), size):
        parts += [message[start : start + size], 0.05]
    return Delivery(parts)


def _truncated(answer: Answer, chance: random.Random) -> Delivery:
    left = len(answer.body) - chance.randint(1, max(1, len(answer.body)))
    return Delivery([replace(answer, body=answer.body[: max(0, left)]).message()])


def _too_short(answer: Answer, chance: random.Random) -> Delivery:
    announced = max(0, len(answer.body) - chance.randint(1, max(1, len(answer.body))))
    return Delivery([answer.message(announced=announced)], hang_up=True)


def _too_long(answer: Answer, chance: random.Random) -> Delivery:
    return Delivery([answer.message(announced=len(answer.body) + chance.randint(1, 500))], hang_up=True)


def _garbage(answer: Answer, chance: random.Random) -> Delivery:
    return Delivery([replace(answer, body=chance.randbytes(chance.randint(1, 2_000))).message()])


def _wrong_type(answer: Answer, chance: random.Random) -> Delivery:
    other = chance.choice(["text/plain", "text/html", "application/octet-stream"])
    return Delivery([replace(answer, headers={**answer.headers, "content-type": other}).message()])


def _redirect(_answer: Answer, chance: random.Random) -> Delivery:
    return Delivery([looping(f"{LOOP}{chance.randrange(1_000_000)}").message()])


def looping(target: str) -> Answer:
    """Return the answer that redirects to a target."""
    return Answer(302, {"location": target}, b"")


def _lacking(answer: Answer, chance: random.Random) -> Delivery:
    return Delivery([replace(answer, body=listings.without_some(answer.body, chance)).message()])


_MAKERS: Mapping[Fault, Callable[[Answer, random.Random], Delivery]] = {
    Fault.DELAY: lambda answer, chance: Delivery([chance.uniform(0.1, 1.5), answer.message()]),
    Fault.DRIP: _drip,
    Fault.CUT_BEFORE_ANSWER: lambda _answer, _chance: Delivery(hang_up=True),
    Fault.CUT_IN_HEADERS: _cut_in_headers,
    Fault.CUT_IN_BODY: _cut_in_body,
    Fault.CLOSED_AFTERWARDS: lambda answer, _chance: Delivery([answer.message()], hang_up=True),
    Fault.TOO_MANY_REQUESTS: _after(429),
    Fault.TOO_MANY_REQUESTS_UNTIL: _until,
    Fault.SERVER_ERROR: lambda _answer, _chance: _refusal(500, {}),
    Fault.UNAVAILABLE: lambda _answer, _chance: _refusal(503, {}),
    Fault.UNAVAILABLE_FOR_A_TIME: _after(503),
    Fault.GARBAGE: _garbage,
    Fault.LOGIN_PAGE: lambda _answer, _chance: Delivery([Answer(200, {"content-type": "text/html"}, _LOGIN).message()]),
    Fault.REDIRECT_LOOP: _redirect,
    Fault.TRUNCATED: _truncated,
    Fault.LENGTH_TOO_LONG: _too_long,
    Fault.LENGTH_TOO_SHORT: _too_short,
    Fault.WRONG_TYPE: _wrong_type,
    Fault.EMPTY: lambda answer, _chance: Delivery([replace(answer, body=listings.EMPTY).message()]),
    Fault.LACKING: _lacking,
    Fault.DOUBLED: lambda answer, _chance: Delivery([replace(answer, body=listings.doubled(answer.body)).message()]),
}
