"""The reference of the API in Markdown, made from the OpenAPI document that the service serves."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from kalends.api.application import OPERATIONS
from kalends.api.openapi.document import document
from kalends.api.openapi.outline import Described, Failure, Group, ObjectDescribed, Row, outline

PAGE = Path(__file__).parents[1] / "docs" / "api.md"

HEAD = """\
# The API

This page is made from the program (`python -m scripts.reference`). A running server has the same at `/docs`, and the
OpenAPI 3.1 document that both are made from at `/openapi.json`; neither needs an access token.

"""


def api() -> str:
    """Return the page."""
    whole = outline(document(OPERATIONS))
    parts = [HEAD, whole.description]
    for group in whole.groups:
        parts += _group(group)
    parts.append("\n## Objects\n\nWhat bodies and answers are made of. The body of every error is an `ErrorAnswer`.\n")
    parts += [_object(one) for one in whole.objects]
    return "".join(parts)


def _group(group: Group) -> Iterator[str]:
    yield f"\n## {group.name}\n\n{group.description}\n"
    for one in group.operations:
        yield _operation(one)


def _operation(one: Described) -> str:
    parts = [f"\n### {one.name}\n\n`{one.method} {one.path}`\n\n{one.summary}\n\n{one.description}\n"]
    if one.parameters:
        parts.append(_table("Parameter", one.parameters, tells_required=True))
    if one.body:
        parts.append(_table("Field of the body", one.body, tells_required=True))
    if one.answer:
        parts.append(_table("Field of the answer", one.answer, tells_required=False))
    parts.append(_errors([*one.errors, *one.common_errors]))
    parts.append(f"\n```sh\n{one.curl}\n```\n")
    return "".join(parts)


def _object(one: ObjectDescribed) -> str:
    return f"\n### {one.name}\n\n{one.description}\n" + _table("Field", one.rows, tells_required=False)


def _table(head: str, rows: Sequence[Row], *, tells_required: bool) -> str:
    lines = [f"| {head} | type | meaning |", "| --- | --- | --- |"]
    for row in rows:
        mark = ", required" if row.required and tells_required else ""
        mark = mark if row.required or tells_required else ", optional"
        kind = (
            row.type.replace(row.refers_to, f"[{row.refers_to}](#{row.refers_to.lower()})", 1)
            if row.refers_to
            else row.type
        )
        lines.append(f"| `{row.name}` | {_cell(kind + mark)} | {_cell(row.description)} |")
    return "\n" + "\n".join(lines) + "\n"


def _errors(failures: Sequence[Failure]) -> str:
    rows = [f"| {one.status} | {_cell(one.code)} | {_cell(one.when)} |" for one in failures]
    return "\n" + "\n".join(["| error | code | when |", "| --- | --- | --- |", *rows]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
