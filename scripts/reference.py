"""Writes the pages that are made from the code: `python -m scripts.reference`. Tests hold them together."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typer.main import get_command

from kalends.cli.application import app
from kalends.settings import PREFIX, Settings
from scripts import api_page, import_graph

PAGES = Path(__file__).parents[1] / "docs"

COMMAND_LINE = """\
# The command line

This page is made from the program (`python -m scripts.reference`); `--help` after any command says the same.

* `--site` may be left out where there is only one site.
* `--json` prints exactly one JSON document on standard output. Progress, log lines and errors for people go to standard
  error. Where a command fails, the document is `{"error": {"code": …, "message": …}}`; a failed `connection connect` or
  `connection sync`, and a `doctor` that finds a problem, print their result all the same.
* Passwords and tokens are read from standard input or from a hidden prompt, never from the command line.
* Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted. `serve` and `demo` end with 0 on Ctrl-C and
  on SIGTERM, `top` on Ctrl-C.
* Beside a running server, `connection connect` and `connection sync` ask that server for the sync and wait for it. With
  none running they do the work themselves.
"""

CONFIGURATION = """\
# Settings

This page is made from the program (`python -m scripts.reference`).

A setting is an environment variable, or a key of a TOML file: the variable wins. The file is the one that
`KALENDS_CONFIG_FILE` names, else `kalends.toml` in the working directory if there is one.

```toml
database_url = "postgresql://kalends@db.internal/kalends"
public_url = "https://calendars.example.com"
poll_interval = 60
```

A name that is not known, a misspelt `KALENDS_*` variable too, or a value that does not fit stops the start with a
message that names it. Only names that begin with `KALENDS_CLIENT_` or `KALENDS_TEST_` are passed over. `kalends config`
prints the settings in force and where each comes from, with passwords and keys masked. Durations are seconds, or
ISO 8601 such as `PT2M`.

| variable | key | default | meaning |
| --- | --- | --- | --- |
"""


def command_line() -> str:
    """Return the reference of all commands."""
    return COMMAND_LINE + "".join(_section(name, command) for name, command in commands())


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command that does something, with its name in full, in the order of `--help`."""
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]  # the application is a group
        if hasattr(command, "commands"):
            for below, leaf in command.commands.items():
                yield f"kalends {name} {below}", leaf
        else:
            yield f"kalends {name}", command


def _section(name: str, command: Any) -> str:
    parameters = [one for one in command.params if one.name != "help"]
    parameters.sort(key=lambda one: (_is_option(one), not one.required))
    usage = " ".join([name, *(_usage(one) for one in parameters)])
    rows = [f"| `{_in_cell(_shown(one))}` | {_in_cell(_meaning(one))} |" for one in parameters]
    text = "\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n"))
    return "\n".join(["", f"## {name}", "", text, "", f"    {usage}", "", "| | |", "| --- | --- |", *rows, ""])


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _usage(parameter: Any) -> str:
    shown = _shown(parameter) + (" …" if parameter.multiple else "")
    return shown if parameter.required else f"[{shown}]"


def _shown(parameter: Any) -> str:
    if not _is_option(parameter):
        return str(parameter.metavar).strip("[]")
    name = max(parameter.opts, key=len)
    return name if parameter.is_flag else f"{name} {parameter.metavar}"


def _meaning(parameter: Any) -> str:
    default = parameter.default
    return str(parameter.help) if default in {None, False} else f"{parameter.help} Default: {default}."


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")


def configuration() -> str:
    """Return the table of all settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        meaning = f"{field.description}{_choices(field.annotation)}"
        rows.append(f"| `{PREFIX}{name.upper()}` | `{name}` | {_default(field.default)} | {meaning} |\n")
    return CONFIGURATION + "".join(rows)


def _default(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, timedelta):
        return f"`{value.total_seconds():g}`"
    return f"`{value}`"


def _choices(annotation: object) -> str:
    if get_origin(annotation) is not Literal:
        return ""
    return f" One of {', '.join(f'`{one}`' for one in get_args(annotation))}."


def main() -> None:
    """Write the pages."""
    (PAGES / "command-line.md").write_text(command_line(), encoding="utf-8")
    (PAGES / "configuration.md").write_text(configuration(), encoding="utf-8")
    api_page.PAGE.write_text(api_page.api(), encoding="utf-8")
    import_graph.PAGE.write_text(import_graph.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
