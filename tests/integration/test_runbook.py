"""The statements of the runbook's pages, put to a real database."""

import asyncpg
import pytest

from tests.runbook import blocks

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

STATEMENTS = blocks("sql")


@pytest.mark.parametrize("statement", [text for _, text in STATEMENTS], ids=[page for page, _ in STATEMENTS])
async def test_a_statement_of_a_page_runs_and_changes_nothing(database_url: str, statement: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(readonly=True):
            rows = await connection.fetch(statement)
    finally:
        await connection.close()

    assert len(rows) <= 20
