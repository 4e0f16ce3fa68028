"""One call of an operation as a line of curl, for people to begin with."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from kalends.api.openapi.schemas import Schema, resolved

HOST = "https://kalends.example.com"
GUID = "100ef23e-9e92-4293-8e08-d3747537138f"
_BY_FORMAT = {
    "uuid": GUID,
    "date-time": "2026-12-01T00:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/done",
    "password": "app-specific password",
}
_IN_CAPITALS = re.compile("(?=[A-Z])")
_BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


def sample(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> Any:
    """Return a value that fits: an example of the schema if it has one, else as little as is required."""
    schema = resolved(schema, components)
    for told in (schema.get("examples"), schema.get("enum"), [schema["const"]] if "const" in schema else None):
        if told:
            return told[0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], components)
    if "required" in schema and "properties" in schema:
        return {name: sample(schema["properties"][name], components) for name in schema["required"]}
    if schema.get("type") == "array" and schema.get("minItems"):
        return [sample(schema["items"], components)]
    return _BY_FORMAT.get(schema.get("format", "")) or _BY_TYPE.get(schema.get("type", ""), {})


def curl(method: str, path: str, operation: Mapping[str, Any], components: Mapping[str, Schema]) -> str:
    """Return the command, over several lines."""
    query = []
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            value = GUID if one["schema"].get("format") == "uuid" else _IN_CAPITALS.sub("_", one["name"]).upper()
            path = path.replace("{" + one["name"] + "}", value)
        elif one["in"] == "query" and (one["required"] or "examples" in one["schema"]):
            query.append((one["name"], str(sample(one["schema"], components))))
    lines = [f"curl '{HOST}{path}{'?' + urlencode(query, safe=':') if query else ''}'"]
    if method == "PATCH":
        lines[0] = lines[0].replace("curl ", f"curl -X {method} ", 1)
    if any("token" in one for one in operation.get("security", ())):
        lines.append('-H "Authorization: $TOKEN"')
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        told = json.dumps(sample(content["schema"], components), ensure_ascii=False)
        lines += [f"-H 'Content-Type: {media}'", f"-d '{told}'"]
        break
    return " \\\n  ".join(lines)
