"""How a transfer looks while it runs."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from deploy.cli.progress import SEGMENTS, PanelProgress, render, segment_widths
from deploy.cli.wire import read_status
from tests.fakes.gateway import BUCKETS, status


@given(st.dictionaries(st.sampled_from(BUCKETS), st.integers(0, 20_000), min_size=1))
def test_bar_is_always_full_and_shows_every_bucket_that_is_not_empty(counts: dict[str, int]) -> None:
    widths = segment_widths(counts, width_count=60)

    assert sum(widths.values()) == (60 if any(counts.values()) else 0)
    assert {name for name, count in counts.items() if count} == set(widths)
    assert all(width > 0 for width in widths.values())


def test_every_bucket_has_its_segment() -> None:
    assert set(SEGMENTS) == set(BUCKETS)


def test_panel_tells_sentence_counts_pause_and_trace() -> None:
    pause = {"reason": "rate_limited", "platform": "spotify", "resume_at": "2026-11-22T18:00:00Z"}
    body = status(
        "paused", phase="match", summary="Matched 128 of 340", written=128, deferred=212, paused=pause
    )
    console = Console(file=io.StringIO(), width=100)

    console.print(render(read_status(body)))

    drawn = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
    assert "Matched 128 of 340" in drawn
    assert "written 128" in drawn
    assert "deferred 212" in drawn
    assert "until 2026-11-22T18:00:00Z" in drawn
    assert "0af7651916cd43dd8448eb211c80319c" in drawn


def test_panel_on_a_terminal_ends_with_the_last_revision() -> None:
    screen = io.StringIO()

    with PanelProgress(Console(file=screen, force_terminal=True, width=100)) as progress:
        progress.show(status("running", phase="read", summary="Reading"))
        progress.show(status("completed", outcome="full", summary="All 3 songs are there", written=3))

    assert "All 3 songs are there" in screen.getvalue()


@pytest.mark.parametrize("state", ["queued", "completed"])
def test_empty_transfer_has_a_bar_too(state: str) -> None:
    console = Console(file=io.StringIO(), width=100)

    console.print(render(read_status(status(state))))

    assert "░" in console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
