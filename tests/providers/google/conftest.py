from tests.sandbox.google.conftest import loose, stage

__all__ = ["loose", "stage"]
