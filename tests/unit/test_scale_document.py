"""The tables of the page on scale say what the model makes of the recorded figures."""

import pytest

from tests.bench import scale_document
from tests.bench.scale_document import tables, told

RECORDED = scale_document.recorded()


@pytest.mark.parametrize("name", tables(RECORDED))
def test_the_page_says_what_the_model_says(name: str) -> None:
    assert told(name) == tables(RECORDED)[name]


def test_the_line_through_both_ends_is_near_what_lies_between() -> None:
    measured = RECORDED.measured

    for name in ("statements", "transactions", "target_requests", "source_requests"):
        between = getattr(measured.by_tracks[100], name)
        assert getattr(measured.transfer(100), name) == pytest.approx(between, rel=0.35, abs=2), name
