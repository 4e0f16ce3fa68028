"""How a sandbox says no: an exception that each service words in its own way."""

from starlette.responses import Response


class Refusal(Exception):
    """A request that is answered with an error; raised wherever it turns out, answered at the endpoint."""

    def answer(self) -> Response:
        """Return the error in the service's words."""
        raise NotImplementedError
