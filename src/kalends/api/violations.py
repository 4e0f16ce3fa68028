"""From what pydantic finds wrong to the field violations of the contract (§6.2)."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kalends.api.fields import Refused
from kalends.model.errors import Rule, Violation

MOST_VIOLATIONS = 100

Said = tuple[Rule, str, Mapping[str, Any]]


def _limit(rule: Rule, key: str, words: str) -> Callable[[Mapping[str, Any]], Said]:
    return lambda context: (rule, words.format(context[key]), {"threshold": context[key]})


def _type(name: str, words: str) -> Callable[[Mapping[str, Any]], Said]:
    return lambda _context: (Rule.FORMAT, words, {"type": name})


_SAID: dict[str, Callable[[Mapping[str, Any]], Said]] = {
    "missing": lambda _context: (Rule.REQUIRED_FIELD, "is required", {}),
    "extra_forbidden": lambda _context: (Rule.FIELD_NOT_ALLOWED, "is not a field that can stand here", {}),
    "literal_error": lambda context: (Rule.INVALID_ENUM_VALUE, f"must be {context['expected']}", {}),
    "string_too_long": _limit(Rule.MAX_LENGTH, "max_length", "must have at most {} characters"),
    "string_too_short": _limit(Rule.MIN_LENGTH, "min_length", "must have at least {} characters"),
    "too_long": _limit(Rule.MAX_SIZE, "max_length", "must have at most {} members"),
    "too_short": _limit(Rule.MIN_SIZE, "min_length", "must have at least {} members"),
    "less_than_equal": _limit(Rule.MAX, "le", "must be at most {}"),
    "greater_than_equal": _limit(Rule.MIN, "ge", "must be at least {}"),
    "string_type": _type("STRING", "must be a single string"),
    "bool_type": _type("BOOLEAN", "must be true or false"),
    "int_type": _type("INTEGER", "must be a whole number"),
    "list_type": _type("LIST", "must be a list"),
    "model_type": _type("OBJECT", "must be an object"),
    "dict_type": _type("OBJECT", "must be an object"),
}
_UNFIT = _type("VALUE", "does not fit")


def violations(error: ValidationError) -> list[Violation]:
    """Return the violations, at most `MOST_VIOLATIONS` of them."""
    return [_violation(one) for one in error.errors(include_url=False, include_input=False)[:MOST_VIOLATIONS]]


def _violation(error: ErrorDetails) -> Violation:
    field = field_path(error["loc"])
    refused = error.get("ctx", {}).get("error")
    if isinstance(refused, Refused):
        return Violation(field, refused.description, refused.rule, refused.data, refused.name)
    rule, description, data = _SAID.get(error["type"], _UNFIT)(error.get("ctx", {}))
    return Violation(field, description, rule, data)


def field_path(location: tuple[int | str, ...]) -> str:
    """Return a path as the contract writes it: `syncConfig.calendars[0].id`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            # a default that is refused is named as in Python, where `from` cannot be a name
            name = part.rstrip("_")
            path += f".{name}" if path else name
    return path
