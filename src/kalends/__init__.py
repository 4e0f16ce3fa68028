"""Kalends: an open, self-hosted external calendar service."""

__version__ = "0.1.0"
