"""Faults at Microsoft Graph: how one is worded."""

from kalends.sandbox.faults import Fault, Wording
from kalends.sandbox.microsoft.call import ROOT
from kalends.sandbox.microsoft.errors import GraphRefused
from kalends.sandbox.refusals import Refusal


def _worded(fault: Fault, status: int, headers: dict[str, str]) -> Refusal:
    return GraphRefused(status, fault.reason, fault.message, headers=headers)


WORDING = Wording("serviceNotAvailable", "The service is temporarily unavailable.", _worded, ROOT)
"""How Graph words a fault; its `reason` is `error.code`."""
