"""What dashboards, rules and runbook ask for is in the table of instruments, and all of it is shown."""

import re

from shared.instrument import Kind
from shared.instruments import INSTRUMENTS
from tests.promql import labels_of, metrics_of, values_of
from tests.runbook import questions, rules

PROMETHEUS_OWN = {"up": {"job", "instance"}}
SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
TARGET = {"job", "instance"}
LABELS = {
    f"{one.prometheus_name}{suffix}": {attribute.name.replace(".", "_") for attribute in one.attributes}
    | TARGET
    | ({"le"} if suffix == "_bucket" else set())
    for one in INSTRUMENTS
    for suffix in SUFFIXES.get(one.kind, ("",))
} | PROMETHEUS_OWN
VALUES = {
    (f"{one.prometheus_name}{suffix}", attribute.name.replace(".", "_")): attribute.values
    for one in INSTRUMENTS
    for suffix in SUFFIXES.get(one.kind, ("",))
    for attribute in one.attributes
}


def test_every_metric_that_is_asked_for_is_an_instrument() -> None:
    unknown = {
        place: sorted(metrics_of(expr) - set(LABELS) - RECORDED)
        for place, expr in questions().items()
        if metrics_of(expr) - set(LABELS) - RECORDED
    }

    assert unknown == {}


def test_every_label_that_is_asked_for_is_an_attribute() -> None:
    unknown = {
        place: sorted(wrong)
        for place, expr in questions().items()
        if (wrong := {pair for pair in labels_of(expr) if pair[1] not in LABELS.get(pair[0], TARGET)})
    }

    assert unknown == {}


def test_values_that_are_asked_for_can_come() -> None:
    wrong = {
        place: sorted(never)
        for place, expr in questions().items()
        if (never := {one for one in values_of(expr) if not can_come(*one)})
    }

    assert wrong == {}


def can_come(metric: str, label: str, pattern: str) -> bool:
    """Whether a matcher meets a value that the table lists, where it lists them."""
    values = VALUES.get((metric, label), ())
    return not values or pattern == "$platform" or any(re.fullmatch(pattern, value) for value in values)


def test_every_instrument_is_on_a_dashboard() -> None:
    asked = set().union(*(metrics_of(expr) for place, expr in questions().items() if ".json " in place))
    shown = {name.removesuffix(suffix) for name in asked for suffix in ("", "_bucket", "_sum", "_count")}

    assert {one.prometheus_name for one in INSTRUMENTS} - shown == set()
