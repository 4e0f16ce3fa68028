"""Which errors are expected, and what is told about each; any other is a mistake of ours and shows its traceback."""

from kalends.cli.output import CommandFailed, Failure
from kalends.model.errors import Invalid, KalendsError, ProviderUnavailable

FAILED = 1
WRONG_USAGE = 2
ADVICE = "`kalends doctor` looks for the cause and says what to do."


def explain(error: Exception) -> tuple[Failure, int] | None:
    """Return what to tell about an expected error and the exit code, None for any other."""
    from kalends.settings import SettingsError

    if isinstance(error, SettingsError):
        return Failure("SETTINGS", str(error)), WRONG_USAGE
    failure = _of_the_service(error) or _of_the_database(error)
    if failure is None:
        return None
    # what the use cases find invalid was given as an argument or an option
    return failure, WRONG_USAGE if isinstance(error, Invalid) else FAILED


def _of_the_service(error: Exception) -> Failure | None:
    from kalends.providers.registry import PluginError
    from kalends.store.database import SchemaError

    match error:
        case CommandFailed():
            return error.failure
        case ProviderUnavailable():
            return Failure(error.code, f"{error.description} {ADVICE}", error.data)
        case KalendsError():
            return Failure(error.code, error.description, error.data)
        case SchemaError():
            return Failure("SCHEMA", str(error))
        case PluginError():
            return Failure("PLUGIN", str(error))
    return None


def _of_the_database(error: Exception) -> Failure | None:
    from kalends.store.database import driver_refusal

    said = driver_refusal(error)
    if said is not None:
        return Failure("DATABASE", f"The database cannot be used: {said.rstrip('.')}. {ADVICE}")
    if isinstance(error, OSError):
        why = str(error).splitlines()[0] if str(error).strip() else type(error).__name__
        return Failure("SYSTEM", f"{why.rstrip('.')}. {ADVICE}")
    return None
