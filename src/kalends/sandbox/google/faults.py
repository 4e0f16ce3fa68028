"""Faults at Google: how one is worded, and where the API is."""

from kalends.sandbox.faults import Fault, Wording
from kalends.sandbox.google.errors import Refused
from kalends.sandbox.refusals import Refusal

API = "/calendar/v3"
"""Where the API is."""


def _worded(fault: Fault, status: int, headers: dict[str, str]) -> Refusal:
    return Refused(status, fault.reason, fault.message, domain=fault.domain, headers=headers)


WORDING = Wording("backendError", "Backend Error", _worded, API)
"""How Google words a fault."""
