from pathlib import Path

import pytest

from tests.net.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("tls")
    return Authority(folder)
