"""The command line: what an operator types. It calls the same use cases as the API and holds no rules of its own.

Modules that take long to load (the store, the providers) are imported inside the commands, so that `--help` is quick.
"""

from kalends.cli.application import main

__all__ = ["main"]
