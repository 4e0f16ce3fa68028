"""The import graph of the packages as it is in the code, for `docs/architecture.md`: a drawing and a table."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import grimp

from scripts.docs_check.tree import ROOT

PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- made by `python -m scripts.reference`: the import graph -->\n"
END = "<!-- the end of the import graph -->\n"

Graph = Mapping[str, frozenset[str]]
"""Package → the packages that it imports directly."""


def packages() -> Graph:
    """Return the graph between the packages and modules that lie directly in `kalends`."""
    graph = grimp.build_graph("kalends")
    found = {name.removeprefix("kalends."): set[str]() for name in graph.find_children("kalends")}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = _package(importer), _package(imported)
            if one != other and one in found and other in found:
                found[one].add(other)
    return {name: frozenset(imports) for name, imports in sorted(found.items()) if name != "__main__"}


def _package(module: str) -> str:
    return module.removeprefix("kalends.").partition(".")[0]


def drawn(graph: Graph) -> str:
    """Return the section of the page; an arrow is left out where a longer way leads to the same package."""
    rows = [f"    {one} --> {other}\n" for one in graph for other in sorted(_reduced(graph, one))]
    table = [f"| `{one}` | {_purpose(one)} | {_named(graph[one])} |\n" for one in graph]
    return (
        "```mermaid\nflowchart TD\n" + "".join(rows) + "```\n\n"
        "| package | what it is for | imports |\n| --- | --- | --- |\n" + "".join(table)
    )


def _named(packages: frozenset[str]) -> str:
    return ", ".join(f"`{one}`" for one in sorted(packages)) or "nothing of ours"


def _reduced(graph: Graph, one: str) -> set[str]:
    reached = {further for other in graph[one] for further in _reach(graph, other)}
    return set(graph[one] - reached)


def _reach(graph: Graph, one: str) -> set[str]:
    return set(graph[one]).union(*(_reach(graph, other) for other in graph[one]))


def _purpose(package: str) -> str:
    """Return the first sentence of a package's docstring."""
    spec = find_spec(f"kalends.{package}")
    source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    return source.split('"""')[1].split("\n\n")[0].replace("\n", " ").strip()


def page() -> str:
    """Return the page of the architecture with the graph of now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + drawn(packages()) + "\n" + END + after
