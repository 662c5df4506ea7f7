"""What the schema should be, and what follows from how it is: who may run, what is still to be done."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib.metadata import version
from importlib.resources import files

import msgspec

from shared.db.pool import Connection
from shared.errors import CrossplayError


class SchemaMismatch(CrossplayError):
    """The database has a schema that our release cannot work with, and waiting would not change that."""

    code = "schema-behind"


class Moment(StrEnum):
    """When a migration runs: pre adds what the new release needs, post takes away what the old one needed."""

    PRE = "pre"
    POST = "post"


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file of `shared/db/migrations`, `NNNN_(pre|post)_what.sql`."""

    name: str
    sql: str

    @property
    def number(self) -> int:
        return int(self.name.split("_")[0])

    @property
    def moment(self) -> Moment:
        return moment_of(self.name)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a database compares with this release. unknown: names of what newer releases have done to it."""

    pending: tuple[Migration, ...]
    unknown: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of migrations without which this release cannot run."""
        return tuple(one.name for one in self.pending if one.moment is Moment.PRE)

    def refuse_newer(self) -> None:
        """Raises SchemaMismatch where a newer release has taken away what this one may need.

        What newer releases have only added does no harm: that is how two of them run beside each other.
        """
        taken = [name for name in self.unknown if moment_of(name) is Moment.POST]
        if taken:
            raise SchemaMismatch(
                f"The database has the migration {taken[0]}, which this release does not know and cannot "
                "run after. Start the newer release, or restore a backup from before the upgrade."
            )


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now. waiting: names of what may not be done yet, and why, in words.

    is_stuck: what was asked for cannot be done.
    """

    steps: tuple[Migration, ...]
    waiting: tuple[str, ...] = ()
    why: str = ""
    is_stuck: bool = False


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway or worker that was alive lately. schema_number: the newest migration that its release has."""

    kind: str
    release: str
    schema_number: int


def moment_of(name: str) -> Moment:
    return Moment(name.split("_")[1])


@functools.cache
def migrations() -> tuple[Migration, ...]:
    """Return this release's migrations in the order of application."""
    folder = files("shared.db").joinpath("migrations")
    found = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple(
        Migration(name=file.name, sql=file.read_text(encoding="utf-8"))
        for file in sorted(found, key=lambda file: file.name)
    )


def schema_number() -> int:
    """Return the number of this release's newest migration."""
    return migrations()[-1].number


@functools.cache
def release() -> str:
    return version("crossplay")


def compare(applied: Mapping[str, str]) -> Standing:
    """Compare a database with this release. applied: sha256 by name.

    Raises SchemaMismatch for a file that was changed since.
    """
    for one in migrations():
        if applied.get(one.name, one.sha256) != one.sha256:
            raise SchemaMismatch(f"The migration {one.name} was changed after it had been applied.")
    ours = {one.name for one in migrations()}
    return Standing(
        pending=tuple(one for one in migrations() if one.name not in applied),
        unknown=tuple(sorted(name for name in applied if name not in ours)),
    )


def plan(pending: Sequence[Migration], *, wanted: frozenset[Moment], alive: Sequence[Process] = ()) -> Plan:
    """Choose what to apply, in order; a post waits for the end of every process that may need what it takes.

    A pre never overtakes a post: inside one release they have smaller numbers, so that post is of an upgrade
    that was not finished, and is finished first.
    """
    steps: list[Migration] = []
    for at, one in enumerate(pending):
        later_pre = any(other.moment is Moment.PRE for other in pending[at:])
        if one.moment not in wanted and not (one.moment is Moment.POST and later_pre):
            why = "" if one.moment is Moment.POST else "The `pre` migrations come first."
            return _wait(steps, pending[at:], why=why, is_stuck=one.moment is Moment.PRE)
        older = [process for process in alive if process.schema_number < one.number]
        if one.moment is Moment.POST and older:
            is_asked_for = later_pre or Moment.PRE not in wanted
            return _wait(steps, pending[at:], why=_tell(older), is_stuck=is_asked_for)
        steps.append(one)
    return Plan(steps=tuple(steps))


def _wait(steps: Sequence[Migration], rest: Sequence[Migration], *, why: str, is_stuck: bool) -> Plan:
    return Plan(steps=tuple(steps), waiting=tuple(one.name for one in rest), why=why, is_stuck=is_stuck)


def _tell(older: Sequence[Process]) -> str:
    one = older[0]
    kinds = ", ".join(
        f"{sum(p.kind == kind for p in older)} {kind}(s)" for kind in sorted({p.kind for p in older})
    )
    return f"Of an older release there are still alive: {kinds}, one of release {one.release}."


HAS_TABLE = "SELECT to_regclass($1) IS NOT NULL"
APPLIED = "SELECT name, sha256 FROM schema_changes"
# The first release looks into a table that it knows completely, and calls itself unready where it does not.
# So nothing newer is noted there, and the names move to a table of their own with the first migration after.
APPLIED_BEFORE = "SELECT name, sha256 FROM schema_migrations"


async def read_applied(connection: Connection) -> dict[str, str]:
    """Return the sha256 of each applied migration by name; empty for a database without any."""
    for table, statement in (("schema_changes", APPLIED), ("schema_migrations", APPLIED_BEFORE)):
        if await connection.fetchval(HAS_TABLE, table):
            return {row["name"]: row["sha256"] for row in await connection.fetch(statement)}
    return {}


async def require(connection: Connection) -> tuple[str, ...]:
    """Return the names of migrations without which this release cannot run.

    Raises SchemaMismatch where waiting for them would not help.
    """
    standing = compare(await read_applied(connection))
    standing.refuse_newer()
    return standing.missing
