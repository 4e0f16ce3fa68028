"""Fixtures of other folders that the tests of the doctor use too."""

from tests.net.conftest import authority

__all__ = ["authority"]
