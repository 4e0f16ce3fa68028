import kalends.net
from kalends.net import errors


def test_the_public_names_are_these() -> None:
    assert kalends.net.__all__ == [
        "AddressRefused", "AllowRule", "BadUrl", "BasicCredentials", "BearerCredentials", "BudgetSpent",
        "CredentialScope", "CredentialsWithheld", "GuardedClient", "Limits", "NameUnknown", "NetError",
        "NetPolicy", "Resolver", "Response", "SrvTarget", "SystemResolver", "TimedOut", "TooLarge",
        "TooManyRedirects", "Unreachable", "Untrusted",
    ]  # fmt: skip
    assert all(hasattr(kalends.net, name) for name in kalends.net.__all__)


def test_the_errors_are_one_tree() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert all(issubclass(kind, errors.NetError) for kind in kinds)
