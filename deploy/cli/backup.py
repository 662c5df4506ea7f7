"""The verbs `backup create|verify|restore|adopt`: everything that a system knows, in one file."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, cast

import msgspec
import typer

from deploy.cli.database import told_if_away
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import Output
from deploy.cli.output import Format, print_json, print_rows, say
from shared.backup_file import BackupReader, Manifest, rows_of
from shared.cipher import Cipher, SealBroken
from shared.db.dump import dump
from shared.db.restore import adopt as adopt_database
from shared.db.restore import restore as restore_database
from shared.db.seals import SEALED
from shared.environment import load
from shared.secret import Secret
from shared.settings import PREFIX, Settings, parse_key_ring, require_stores

app = typer.Typer()
verbs = typer.Typer(no_args_is_help=True, help="Back the database up, check a backup, restore it.")
app.add_typer(verbs, name="backup")

File = Annotated[Path, typer.Argument(metavar="FILE", help="As `backup create` made it.", dir_okay=False)]


@verbs.command()
def create(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file, or - for standard output.")],
) -> None:
    """Write everything that the database holds into a file; gateways and workers may run meanwhile.

    Keys are not in it: keep CROSSPLAY_SECRET_KEYS elsewhere, or accounts have to be connected again.
    """
    settings = load(os.environ)
    require_stores(settings)
    with told_if_away(), _opened(file) as stream:
        manifest = asyncio.run(
            dump(
                settings.database_url.reveal(),
                stream,
                taken_at=datetime.now(UTC),
                settings=told_settings(settings),
            )
        )
    row_count = sum(table.row_count for table in manifest.tables)
    say(f"Backed up {row_count:,} rows of {len(manifest.tables)} tables.")
    if manifest.key_ids:
        say(f"It needs these keys, and does not hold them: {', '.join(manifest.key_ids)}.")


@verbs.command()
def verify(
    file: File,
    *,
    keys: Annotated[bool, typer.Option("--keys", help="Try the key ring on what is sealed.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Read a backup through and prove that it is whole. Needs no database."""
    manifest = _verified(file)
    if output is Format.TEXT:
        print_rows(
            [(table.name, f"{table.row_count:,}") for table in manifest.tables], columns=("table", "rows")
        )
    else:
        print_json(manifest)
    say(f"Taken at {manifest.header.taken_at:%Y-%m-%d %H:%M} UTC by release {manifest.header.release}.")
    say(f"Keys that it needs: {', '.join(manifest.key_ids) or 'none'}.")
    if keys:
        opened_count = _try_keys(file, manifest, cipher=_cipher())
        say(f"The key ring opens all of its {opened_count:,} sealed texts.")
    say("The backup is whole.")


@verbs.command()
def restore(
    file: File,
    *,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Though keys are lost: their accounts sign in again.")
    ] = False,
) -> None:
    """Fill an empty database from a backup. Stop gateways and workers before, and give them an empty Redis.

    Transfers that were under way go on; what they have added since the backup is found and not added again.
    """
    settings = load(os.environ)
    require_stores(settings)
    manifest = _verified(file)
    missing = sorted(set(manifest.key_ids) - set(_cipher().kids))
    if missing and not without_keys:
        raise CommandStopped(
            f"The backup needs keys that CROSSPLAY_SECRET_KEYS lacks: {', '.join(missing)}.",
            code=Exit.CONFIG,
            cure="Add them; if they are lost: --without-keys, and the accounts are connected again.",
        )
    with told_if_away(), file.open("rb") as stream:
        asyncio.run(restore_database(settings.database_url.reveal(), BackupReader(stream)))
    counts = {table.name: table.row_count for table in manifest.tables}
    say(f"Restored {counts['users']:,} users, {counts['connections']:,} connections, and")
    say(f"{counts['transfers']:,} transfers, as of {manifest.header.taken_at:%Y-%m-%d %H:%M} UTC.")
    say("Empty Redis, then start gateways and workers. What was revoked since the backup is valid again.")


@verbs.command()
def adopt() -> None:
    """Say that the database was put back to an earlier moment by other means than `restore`.

    Does what `restore` does for transfers that were under way. Stop gateways and workers before.
    """
    settings = load(os.environ)
    require_stores(settings)
    with told_if_away():
        count = asyncio.run(adopt_database(settings.database_url.reveal()))
    say(f"{count:,} transfers will look at their targets before they add anything.")
    say("Empty Redis, then start gateways and workers.")


def told_settings(settings: Settings) -> dict[str, str]:
    """Return what was set, secret values only as a note that there is one."""
    values = {field.name: getattr(settings, field.name) for field in msgspec.structs.fields(Settings)}
    return {
        f"{PREFIX}{name.upper()}": "(secret: not in the backup)" if isinstance(value, Secret) else str(value)
        for name, value in values.items()
        if value not in (None, "") and value != Secret("")
    }


def _verified(file: Path) -> Manifest:
    try:
        with file.open("rb") as stream:
            reader = BackupReader(stream)
            for _ in reader.parts():
                pass
    except OSError as error:
        raise CommandStopped(f"{file} cannot be read: {error}", code=Exit.NOT_FOUND) from error
    assert reader.manifest is not None  # noqa: S101 - or the reader would have raised
    return reader.manifest


def _try_keys(file: Path, manifest: Manifest, *, cipher: Cipher) -> int:
    """Open every sealed text that is still needed; return how many. Raises CommandStopped."""
    columns = {table.name: table.columns for table in manifest.tables}
    opened_count, closed = 0, Counter[str]()
    with file.open("rb") as stream:
        for table, rows in BackupReader(stream).parts():
            for sealed in [one for one in SEALED if one.table == table and one.needed == "true"]:
                for row in rows_of(rows, columns=columns[table]):
                    try:
                        if text := row[sealed.column]:
                            cipher.open(text, context=sealed.context(row))
                            opened_count += 1
                    except SealBroken as error:
                        closed[str(error)] += 1
    if closed:
        raise CommandStopped(
            "The key ring does not open everything: "
            + " ".join(f"{count} ×: {why}" for why, count in closed.items()),
            code=Exit.FAILED,
            cure="Add the keys that are missing to CROSSPLAY_SECRET_KEYS.",
        )
    return opened_count


def _cipher() -> Cipher:
    return Cipher(parse_key_ring(load(os.environ).secret_keys))


class _Sink:
    """Takes what is written, and tells its own troubles apart from those of Postgres."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, content: bytes) -> None:
        try:
            self._stream.write(content)
            self._stream.flush()
        except OSError as error:
            raise _unwritable(error) from error


def _unwritable(error: OSError) -> CommandStopped:
    return CommandStopped(f"The backup cannot be written: {error}", code=Exit.FAILED)


def _private(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    except OSError as error:
        raise _unwritable(error) from error


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """Open a new private file that appears under its name once it is whole, or standard output."""
    if name == "-":
        if sys.stdout.isatty():
            raise CommandStopped("A backup is no text for a terminal.", code=Exit.USAGE_OR_CANCELLED)
        yield cast("IO[bytes]", _Sink(sys.stdout.buffer))
        return
    target, unfinished = Path(name), Path(f"{name}.unfinished")
    if target.exists():
        raise CommandStopped(
            f"{name} is there already.", code=Exit.USAGE_OR_CANCELLED, cure="Name a new file."
        )
    try:
        with _private(unfinished) as stream:
            yield cast("IO[bytes]", _Sink(stream))
            os.fsync(stream.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
