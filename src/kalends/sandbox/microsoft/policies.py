"""What administrators and bad luck do to signing in and to tokens, beyond what is usual."""

from collections import deque
from dataclasses import dataclass, field

from kalends.sandbox.microsoft.oauth_model import AzureRefused

_STRONGER = (
    "Due to a configuration change made by your administrator, or because you moved to a new location, you must use "
    "multi-factor authentication to access '00000003-0000-0000-c000-000000000000'."
)
_CLAIMS = '{"access_token":{"capolids":{"essential":true,"values":["00000000-0000-0000-0000-000000000001"]}}}'


@dataclass(slots=True)
class _Failure:
    refused: AzureRefused = field(repr=False)
    times: int


@dataclass
class Policies:
    """Switches of the identity platform.

    `grace` is for how many seconds a refresh token goes on working after it was exchanged for another; None is for
    ever. `admin_consent` holds tenants in which only an administrator may consent; `conditional_access` the ids of
    users of whom their tenant demands more than a password.
    """

    grace: float | None = 3600.0
    admin_consent: set[str] = field(default_factory=set)
    conditional_access: set[str] = field(default_factory=set)
    failures: deque[_Failure] = field(default_factory=deque)

    def fail_token_requests(self, refused: AzureRefused, times: int) -> None:
        """Answer the next requests for tokens by an error; raises `ValueError` for what is no error."""
        if not 400 <= refused.status <= 599 or times < 1:  # noqa: PLR2004 - the statuses of errors
            raise ValueError("the status must be one of an error, and the number of times positive")
        self.failures.append(_Failure(refused, times))

    def check_failure(self) -> None:
        """Raise the `AzureRefused` that this request for a token is to be answered by, if any."""
        if self.failures:
            failure = self.failures[0]
            failure.times -= 1
            if failure.times == 0:
                self.failures.popleft()
            raise failure.refused

    def check_conditions(self, user_id: str) -> None:
        """Raise the `AzureRefused` for somebody of whom conditional access demands more."""
        if user_id in self.conditional_access:
            raise AzureRefused(
                "interaction_required", 50076, _STRONGER, suberror="basic_action", more={"claims": _CLAIMS}
            )
