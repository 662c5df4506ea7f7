"""Which tables the database has, with their columns, in an order in which they can be filled."""

from graphlib import TopologicalSorter

import msgspec

from shared.db.pool import Connection

# Who runs, and what was applied, is no part of what a system knows.
PASSING = frozenset({"schema_changes", "schema_migrations", "workers", "gateways"})

TABLES = """
SELECT relname AS name, array_agg(attname::text ORDER BY attnum) AS columns
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
      AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
GROUP BY relname ORDER BY relname
"""
REFERENCES = """
SELECT child.relname AS child, parent.relname AS parent
FROM pg_constraint
JOIN pg_class AS child ON child.oid = conrelid JOIN pg_class AS parent ON parent.oid = confrelid
WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conrelid <> confrelid
"""
ANYTHING = """
SELECT relname::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
ORDER BY relkind = 'r' DESC, relname LIMIT 3
"""


class TableColumns(msgspec.Struct, frozen=True, kw_only=True):
    """A table and its columns, without those that the database computes."""

    name: str
    columns: tuple[str, ...]


async def tables(connection: Connection) -> list[TableColumns]:
    """Return the tables of what a system knows, each behind those that its rows refer to."""
    found = {row["name"]: tuple(row["columns"]) for row in await connection.fetch(TABLES)}
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(found, ()))
    for row in await connection.fetch(REFERENCES):
        order.add(row["child"], row["parent"])
    return [
        TableColumns(name=name, columns=found[name]) for name in order.static_order() if name not in PASSING
    ]


async def first_names(connection: Connection) -> list[str]:
    """Return the names of a few things that the database's schema holds; none where it is empty."""
    return [row["relname"] for row in await connection.fetch(ANYTHING)]
