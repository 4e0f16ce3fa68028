"""The listener that fails a test run whose log lines name secrets or titles, heard for itself."""

import logging
import secrets

import pytest
import structlog
from structlog.testing import capture_logs

from tests import leaks
from tests.leaks import Listener

SECRET = "p5Jx_0Zr-2LkqWm8vTnY"


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    """Hears this test alone; the run's own is left out."""
    made = Listener()
    monkeypatch.setattr(leaks, "LISTENER", made)
    return made


@pytest.mark.parametrize(
    "line",
    [
        f"asked https://127.0.0.1/callback?code={SECRET}&scope=openid",
        f"kept {{'refresh_token': '{SECRET}'}}",
        "took ya29.a0AfB_byC4Zq2kLmNoPqRs",
        "code 4/0AfJohXmZq2kLmNoPqRsTuVw",
        "refresh with 1//0gZq2kLmNoPqRsTuVwXyZ",
        "client GOCSPX-Zq2kLmNoPqRsTuVwXyZ",
        "eyJhbGciOiJIUzI1NiJ9abcdef.eyJzdWIi",
        "skipped the event Visit of the notary 7 in 3 ms",
        "skipped Meeting-with-the-notary",
    ],
)
def test_a_line_that_names_what_belongs_into_none_is_found(line: str) -> None:
    listener = Listener()
    listener.add_secret(SECRET)
    listener.add_title("Visit of the notary 7")
    listener.add_title("Meeting-with-the-notary")
    listener.hear("all is well with zE3iWQXS56K7v9RInGVueT4x6XYbcxet")
    listener.hear(line)
    assert listener.leaks() == [line]


def test_what_is_like_a_secret_or_a_title_is_none() -> None:
    listener = Listener()
    listener.add_secret(SECRET)
    listener.add_title("Visit")
    listener.add_title("a")
    for line in ("Visitors: 3 of 4/5, a week", f"{SECRET}longer", "asked 1//2", "2f5c1c1e-6b0a-4d39-9a55-0c8f3f1d7e21"):
        listener.hear(line)
    assert listener.leaks() == []


def test_lines_of_both_kinds_of_loggers_are_heard_whoever_captures_them(listener: Listener) -> None:
    with capture_logs():
        structlog.get_logger("a").bind(bound="First marker").info("event", field="Second marker")
        structlog.get_logger("a").debug("Third marker")
    logging.getLogger("b").warning("Fourth %s", "marker")
    for number in ("First", "Second", "Third", "Fourth"):
        listener.add_title(f"{number} marker")
    assert len(listener.leaks()) == 3


def test_of_an_exception_is_heard_what_is_written_of_it(listener: Listener) -> None:
    listener.add_title("Visit of the notary")
    try:
        raise ValueError("Visit of the notary")
    except ValueError:
        structlog.get_logger("a").exception("failed")
        assert listener.leaks() == []
        logging.getLogger("b").exception("failed")
        assert len(listener.leaks()) == 1


def test_what_the_product_makes_as_a_secret_is_known_as_one(listener: Listener) -> None:
    logging.getLogger("b").warning("made %s", secrets.token_urlsafe(32))
    assert len(listener.leaks()) == 1
