"""Which spans of two lots overlap."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from kalends.connections.overlaps import overlap, overlapping

BEGINNING = datetime(2026, 12, 1, tzinfo=UTC)


class Named(NamedTuple):
    name: int
    start_at: datetime
    end_at: datetime


def span(name: int, start: int, end: int) -> Named:
    return Named(name, BEGINNING + timedelta(hours=start), BEGINNING + timedelta(hours=end))


def lots() -> st.SearchStrategy[list[Named]]:
    # few hours and many spans, so that ends touch and starts coincide
    bounds = st.tuples(st.integers(0, 12), st.one_of(st.integers(0, 3), st.integers(0, 12)))
    return st.lists(bounds, max_size=25).map(
        lambda found: [span(name, start, start + length) for name, (start, length) in enumerate(found)]
    )


@given(lots(), lots())
def test_the_pairs_are_those_of_the_naive_double_loop(ones: list[Named], others: list[Named]) -> None:
    naive = sorted(
        (one, other) for one in ones for other in others if one.start_at < other.end_at and other.start_at < one.end_at
    )
    assert sorted(overlapping(ones, others)) == naive


def test_ends_that_touch_do_not_overlap() -> None:
    nine_to_ten = span(0, 9, 10)
    assert not overlap(nine_to_ten, span(1, 10, 11))
    assert not overlap(nine_to_ten, span(1, 8, 9))
    assert overlap(nine_to_ten, span(1, 8, 10))


def test_a_span_without_length_overlaps_what_is_around_it() -> None:
    instant = span(0, 9, 9)
    assert overlap(instant, span(1, 8, 10))
    for touching in (span(1, 9, 10), span(1, 8, 9), instant):
        assert not overlap(instant, touching)
