"""The two kinds of messages, requests and answers: JSON objects with names in camelCase."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Asked(BaseModel):
    """What a request may say. Strict about types; what it does not know is passed over."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, extra="ignore", frozen=True)


class Answer(BaseModel):
    """What is answered. A field that is None is left out (contract §4)."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=False, frozen=True)

    def encoded(self) -> bytes:
        """Return the message as JSON."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)


class Nothing(Asked):
    """A request that says nothing beyond its path."""


class Empty(Answer):
    """An arm of a one-of that has no fields of its own: `{}`."""
