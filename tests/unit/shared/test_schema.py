"""Which migrations are done, when, and which release may run: decisions without a database."""

import re
from pathlib import Path

import pytest

from shared.db import schema
from shared.db.schema import Migration, Moment, Plan, Process, SchemaMismatch

ROOT = Path(__file__).resolve().parents[3]
ALL = frozenset(Moment)
PRE, POST = frozenset({Moment.PRE}), frozenset({Moment.POST})
OLD = Process(kind="worker", release="0.1.0", schema_number=2)
NEW = Process(kind="gateway", release="0.2.0", schema_number=9)
READ_WHOLE = {"transfers", "items", "connections"}
"""Tables of which the release before reads whole rows inside transactions."""


def files(*names: str) -> tuple[Migration, ...]:
    return tuple(Migration(name=f"{name}_thing.sql", sql="SELECT 1") for name in names)


def steps(plan: Plan) -> list[str]:
    return [step.name[:8].rstrip("_") for step in plan.steps]


def released() -> dict[str, str]:
    lines = (ROOT / "tests/data/migrations.sha256").read_text().splitlines()
    return {name: sha256 for sha256, name in (line.split() for line in lines)}


def test_what_was_released_is_never_changed() -> None:
    recorded = released()

    ours = {one.name: one.sha256 for one in schema.migrations()}

    assert {name: ours.get(name) for name in recorded} == recorded


def test_no_table_that_the_release_before_reads_whole_gets_a_column() -> None:
    changes = [
        (one.name, *found)
        for one in schema.migrations()
        if one.name not in released()
        for found in re.findall(r"ALTER TABLE (\w+)([^;]*)", one.sql)
    ]

    assert changes
    assert [name for name, table, change in changes if table in READ_WHOLE and "ADD COLUMN" in change] == []


def test_migrations_are_numbered_once_and_say_when_they_run() -> None:
    names = [one.name for one in schema.migrations()]

    assert all(re.fullmatch(r"\d{4}_(pre|post)_[a-z_]+\.sql", name) for name in names)
    assert len({one.number for one in schema.migrations()}) == len(names)
    assert schema.schema_number() == max(one.number for one in schema.migrations())


def test_a_new_database_gets_everything_in_order() -> None:
    assert steps(schema.plan(files("0001_pre", "0002_post", "0003_pre"), wanted=ALL)) == [
        "0001_pre",
        "0002_pos",
        "0003_pre",
    ]


def test_a_post_waits_for_the_end_of_the_last_older_process() -> None:
    pending = files("0007_pre", "0008_post")

    waiting = schema.plan(pending, wanted=ALL, alive=[OLD, NEW])
    done = schema.plan(pending, wanted=ALL, alive=[NEW])

    assert (steps(waiting), waiting.waiting, waiting.is_stuck) == (
        ["0007_pre"],
        ("0008_post_thing.sql",),
        False,
    )
    assert "1 worker(s), one of release 0.1.0" in waiting.why
    assert steps(done) == ["0007_pre", "0008_pos"]


def test_a_post_that_is_asked_for_by_name_is_refused_while_an_older_process_lives() -> None:
    assert schema.plan(files("0008_post"), wanted=POST, alive=[OLD]).is_stuck


def test_pre_alone_leaves_what_comes_after() -> None:
    plan = schema.plan(files("0007_pre", "0008_post"), wanted=PRE)

    assert (steps(plan), plan.waiting, plan.is_stuck) == (["0007_pre"], ("0008_post_thing.sql",), False)


def test_post_alone_does_not_overtake_a_pre() -> None:
    plan = schema.plan(files("0007_pre", "0008_post"), wanted=POST)

    assert (steps(plan), plan.is_stuck) == ([], True)


def test_an_upgrade_that_was_not_finished_is_finished_before_the_next_one() -> None:
    pending = files("0005_post", "0006_pre")

    assert steps(schema.plan(pending, wanted=PRE, alive=[NEW])) == ["0005_pos", "0006_pre"]
    assert schema.plan(pending, wanted=PRE, alive=[OLD]).is_stuck


def test_what_newer_releases_have_added_is_no_reason_to_stop_and_what_they_took_away_is() -> None:
    applied = {one.name: one.sha256 for one in schema.migrations()}

    schema.compare(applied | {"9998_pre_more.sql": "x"}).refuse_newer()
    with pytest.raises(SchemaMismatch, match="9999_post_less"):
        schema.compare(applied | {"9999_post_less.sql": "x"}).refuse_newer()


def test_only_a_missing_pre_keeps_a_release_from_running() -> None:
    first, *_ = schema.migrations()

    standing = schema.compare({first.name: first.sha256})

    assert "0002_pre_webhooks.sql" in standing.missing
    assert not any("_post_" in name for name in standing.missing)


def test_a_file_that_was_changed_after_it_was_applied_is_refused() -> None:
    first, *_ = schema.migrations()

    with pytest.raises(SchemaMismatch, match="was changed"):
        schema.compare({first.name: "x"})
