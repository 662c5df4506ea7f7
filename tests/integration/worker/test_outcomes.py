"""The outcomes as the database knows them and as the code does: the same."""

import pytest

from shared.db import items
from shared.models import MATCHED, Outcome, SourceItem
from tests.integration.worker.engine import Engine, source_track

pytestmark = pytest.mark.integration

CONDITIONS = """
SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


async def test_the_database_counts_the_same_outcomes_as_matched(engine: Engine) -> None:
    outcomes = list(Outcome)
    transfer_id = await engine.transfer([])
    async with engine.pool.acquire() as connection:
        source = [SourceItem(track=source_track(number)) for number in range(len(outcomes))]
        await items.insert(connection, transfer_id, first=0, items=source)
    await engine.pool.execute(
        "UPDATE items SET outcome = ($2::text[])[position + 1] WHERE transfer_id = $1", transfer_id, outcomes
    )

    rows = await engine.pool.fetch("SELECT outcome FROM items WHERE is_matched")

    assert {Outcome(row["outcome"]) for row in rows} == MATCHED


async def test_no_index_or_function_lists_the_matched_outcomes_once_more(engine: Engine) -> None:
    conditions = [row[0] for row in await engine.pool.fetch(CONDITIONS)]

    assert len(conditions) > 20
    assert [text for text in conditions if "same_recording" in text] == []
