"""Serving this sandbox over HTTP: see `kalends.sandbox.serving`."""

from kalends.sandbox.serving import HOST, listen, serving

__all__ = ["HOST", "listen", "serving"]
