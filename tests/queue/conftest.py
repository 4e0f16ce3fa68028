from tests.rules.conftest import scripted

__all__ = ["scripted"]
