"""Finding metrics and labels in PromQL."""

import pytest

from tests.promql import labels_of, metrics_of, values_of


@pytest.mark.parametrize(
    ("expr", "metrics", "labels"),
    [
        ("max(crossplay_workers) == 0", {"crossplay_workers"}, set()),
        (
            'sum by (le, job) (rate(lag_bucket{instance=~"a(b|c)", job!="x"}[5m] offset 1h))',
            {"lag_bucket"},
            {("lag_bucket", "le"), ("lag_bucket", "job"), ("lag_bucket", "instance")},
        ),
        (
            "max by (a) (x) / on (a) group_left () (y) unless z > 1.5e3",
            {"x", "y", "z"},
            {("x", "a")},
        ),
        (
            "predict_linear((max(size))[6h:5m], 4 * 86400) > scalar(job:limit_bytes)",
            {"size", "job:limit_bytes"},
            set(),
        ),
    ],
)
def test_what_a_question_uses_is_found(expr: str, metrics: set[str], labels: set[tuple[str, str]]) -> None:
    assert metrics_of(expr) == metrics
    assert labels_of(expr) == labels


def test_matched_values_are_found() -> None:
    expr = 'rate(x{a="b", c=~"[1-4]..|d"}[5m]) > y{e!="f"}'

    assert values_of(expr) == {("x", "a", "b"), ("x", "c", "[1-4]..|d"), ("y", "e", "f")}
