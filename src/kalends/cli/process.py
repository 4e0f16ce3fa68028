"""What commands have in common that go on until a signal ends them."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
import uvloop

BRIDGED = ("uvicorn.error", "asyncio", "pgqueuer", "opentelemetry")

YOUNG_OBJECTS = 10_000
"""New containers after which the garbage collector looks at them; Python's own number is 700."""

THREADS_TURN = 0.001
"""Seconds after which a thread that waits gets its turn; Python's own number is 0.005."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


def run_in_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of the kind that the server wants."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def tune_the_interpreter() -> None:
    """Have Python's garbage collector pass over what the program consists of, and look at the rest less often.

    To be called once everything is set up. Else it spends a tenth of the processor's time on modules and tables that
    stay for ever. Threads take turns each millisecond, not each fifth: SQLite's would wait for most of a large import.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    sys.setswitchinterval(THREADS_TURN)


@contextmanager
def on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have something called on each SIGINT and SIGTERM, in place of what they do else."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


class _Bridge(logging.Handler):
    """Carries warnings of libraries and the event loop into our log, each as the first line of its template.

    What is filled in, and what follows, may be the text of an error, and that may quote anything.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        message = str(record.msg).partition("\n")[0]
        log.log(record.levelno, message, logger=record.name)


def bridge_logs() -> None:
    """Write what libraries log to our log."""
    # without a handler of its own, logging would print what libraries log as it is, titles and all
    logging.getLogger().addHandler(logging.NullHandler())
    for name in BRIDGED:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.handlers = [_Bridge()]
        logger.propagate = False
