"""Whether the settings can be loaded."""

from collections.abc import Mapping

from kalends.doctor.finding import Check, Finding, counted, problem, well
from kalends.settings import Settings, SettingsError, load

ADVICE = "Correct the variable or the line of kalends.toml that is named; docs/configuration.md lists all settings."


def look_at_settings(environ: Mapping[str, str] | None) -> tuple[Settings | None, list[Finding]]:
    """Return the settings in force, None where they cannot be loaded, and what is to be said about them."""
    try:
        settings = load(environ)
    except SettingsError as error:
        return None, [problem(Check.SETTINGS, one, ADVICE, blocks=True) for one in str(error).splitlines()]
    given = len(settings.model_fields_set)
    summary = f"In order; given by hand: {counted(given, 'setting')}."
    return settings, [well(Check.SETTINGS, summary, given=given)]
