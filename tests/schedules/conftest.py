from tests.rules.conftest import scripted
from tests.sync.conftest import sqlite_world, world

__all__ = ["scripted", "sqlite_world", "world"]
