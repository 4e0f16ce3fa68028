"""The demo's calendar server as a process of its own: `python -m kalends.demo.child CONFIG`.

Its standard input is a pipe whose other end the demo holds and never writes to. However the demo ends, a crash
included, the pipe closes, and the server goes with it.
"""

import os
import sys
import threading


def _end_with_the_demo() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


def main() -> None:
    """Run Radicale with the configuration file that the one argument names."""
    from radicale.__main__ import run  # noqa: PLC0415 - of the extra `demo`

    threading.Thread(target=_end_with_the_demo, daemon=True).start()
    sys.argv = ["radicale", "--config", sys.argv[1]]
    run()


if __name__ == "__main__":
    main()
