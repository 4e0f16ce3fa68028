"""The pages that are made from the code say what the code says."""

import pytest
from typer.testing import CliRunner

from kalends.cli.application import app
from kalends.settings import Settings
from scripts import import_graph, reference


def test_the_pages_are_those_that_the_code_makes_now() -> None:
    advice = "run `python -m scripts.reference`"
    assert (reference.PAGES / "command-line.md").read_text() == reference.command_line(), advice
    assert (reference.PAGES / "configuration.md").read_text() == reference.configuration(), advice
    assert import_graph.PAGE.read_text() == import_graph.page(), advice


@pytest.mark.parametrize("name", [name for name, _ in reference.commands()])
def test_help_says_what_the_page_says(name: str) -> None:
    section = reference.command_line().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    result = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"TERMINAL_WIDTH": "300", "NO_COLOR": "1"})
    assert result.exit_code == 0
    options = [row.split("`")[1].split()[0] for row in section.splitlines() if row.startswith("| `--")]
    assert "--json" in options
    shown = {word for word in result.stdout.split() if word.startswith("--")}
    assert shown == {*options, "--help"}


def test_every_setting_is_on_the_page() -> None:
    page = reference.configuration()
    for name, field in Settings.model_fields.items():
        assert f"| `KALENDS_{name.upper()}` | `{name}` |" in page
        assert field.description
