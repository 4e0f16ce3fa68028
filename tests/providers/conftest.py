from tests.net.conftest import authority
from tests.servers import radicale, xandikos

__all__ = ["authority", "radicale", "xandikos"]
