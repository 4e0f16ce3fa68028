"""One body for two clients: every method is written once, as a coroutine, and called in either way.

`AsyncKalends` awaits it. `Kalends` runs it in the caller's thread on a port that blocks, so that it never has anything
to wait for and is over after one step.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, cast, overload

from kalends.client._errors import ProtocolError

P = ParamSpec("P")
T = TypeVar("T")


class Blocking:
    """Its methods return their results."""


class Awaiting:
    """Its methods return coroutines."""


class method(Generic[P, T]):  # noqa: N801 - used as a decorator, like property
    """A method of both clients, written as a coroutine function."""

    def __init__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        """Return the method as its client calls it."""
        if instance is None:
            return self
        bound = MethodType(self._function, instance)
        return bound if isinstance(instance, Awaiting) else _called(bound, finished)


@dataclass(frozen=True, slots=True)
class Pages(Generic[T]):
    """Everything that a query brings: `page` returns the members of a page, and the cursor of the next one if any."""

    page: Callable[[str | None], Coroutine[Any, Any, tuple[Sequence[T], str | None]]]

    def __iter__(self) -> Iterator[T]:
        cursor: str | None = None
        while True:
            members, following = finished(self.page(cursor))
            yield from members
            if following is None:
                return
            cursor = _advanced(cursor, following)

    async def __aiter__(self) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            members, following = await self.page(cursor)
            for one in members:
                yield one
            if following is None:
                return
            cursor = _advanced(cursor, following)


class iteration(Generic[P, T]):  # noqa: N801 - used as a decorator, like property
    """A method of both clients that returns an iterator. What is asked is checked at the call already."""

    def __init__(self, function: Callable[Concatenate[Any, P], Pages[T]]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Blocking, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: Awaiting, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        """Return the method as its client calls it."""
        if instance is None:
            return self
        return _called(MethodType(self._function, instance), aiter if isinstance(instance, Awaiting) else iter)


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    coroutine.close()
    raise RuntimeError("A blocking call had to wait for something else.")


def _called(bound: MethodType, then: Callable[[Any], Any]) -> Callable[..., Any]:
    @wraps(bound)
    def call(*args: Any, **kwargs: Any) -> Any:
        return then(bound(*args, **kwargs))

    return call


def _advanced(cursor: str | None, following: str) -> str:
    if cursor == following:
        raise ProtocolError("The cursor of the next page is that of this page.")
    return following
