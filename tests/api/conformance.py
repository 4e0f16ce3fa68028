"""Whether an answer is what the OpenAPI document says: its status, its headers, its body, and the codes in it."""

from typing import Any

import httpx2
from jsonschema import Draft202012Validator

from kalends.api.application import OPERATIONS
from kalends.api.openapi.document import document

DOCUMENT = document(OPERATIONS)


def responses(operation: str) -> dict[str, Any]:
    """Return the Response Objects of an operation, by status."""
    for item in DOCUMENT["paths"].values():
        for one in item.values():
            if one["operationId"] == operation:
                found: dict[str, Any] = one["responses"]
                return found
    raise LookupError(operation)


def check(operation: str, answer: httpx2.Response, *, closed: bool = False) -> None:
    """Check an answer; `closed` refuses fields that the document does not know."""
    documented = responses(operation)
    status = str(answer.status_code)
    assert status in documented, f"{operation}: the status {status} is not documented: {answer.text}"
    response = documented[status]
    if "X-Wix-Request-Id" in response["headers"]:
        assert answer.headers["x-wix-request-id"]
    ((media, content),) = response["content"].items()
    assert answer.headers["content-type"] == media
    components = DOCUMENT["components"]
    whole = {**content["schema"], "components": without_additions(components) if closed else components}
    errors = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(answer.json())
    found = [f"{error.json_path}: {error.message}" for error in errors]
    assert not found, f"{operation}, {status}: {found} in {answer.text}"
    names = said(answer)
    if names:
        told = {one.get("code") or one.get("ruleName") for one in response["x-errors"]}
        assert names <= told, f"{operation}, {status}: {names} are not all among {told}"


def said(answer: httpx2.Response) -> set[str]:
    """Return the code of an error, or the rules of ours that its violations name."""
    details = answer.json().get("details", {})
    if "applicationError" in details:
        return {details["applicationError"]["code"]}
    violations = details.get("validationError", {}).get("fieldViolations", ())
    return {one["ruleName"] for one in violations if one["ruleName"] is not None}


def without_additions(schema: Any) -> Any:
    """Return a schema in which no object may have fields that it does not name."""
    if isinstance(schema, list):
        return [without_additions(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: without_additions(one) for name, one in schema.items()}
    if found.get("type") == "object" and isinstance(found.get("properties"), dict):
        found["additionalProperties"] = False
    return found
