"""Keep files: read what users send, store its playlists, write them in the form that is wanted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from loguru import logger

from gateway.actions.accounts import AccountRef, Accounts, parse_id
from gateway.actions.list_playlists import ListPlaylists
from shared.db import files
from shared.db.files import File
from shared.db.pool import Pool
from shared.errors import NotFound
from shared.formats import reading, writing
from shared.formats.imported import ExportFormat, FileFormat
from shared.models import Platform, PlaylistId, UserId

_AT_ONCE = 4
"""Files that one gateway reads at once: each may need some hundred MiB for a few seconds."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a file. notes: what was guessed while it was read."""

    format: FileFormat
    notes: tuple[str, ...]
    files: tuple[File, ...]


class KeepFiles:
    """Files of one user after another; foreign ones are as missing as those that never were."""

    def __init__(self, *, pool: Pool, accounts: Accounts, playlists: ListPlaylists) -> None:
        self._pool = pool
        self._accounts = accounts
        self._playlists = playlists
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until a file may be received and read."""
        async with self._slots:
            yield

    async def add(self, user_id: UserId, content: bytes, *, name: str) -> Stored:
        """Read a file and store its playlists, all or none. Raises FileUnreadable."""
        imported = await asyncio.to_thread(reading.read, content, name=name)
        stored = await files.store(self._pool, user_id, imported)
        await self._show(user_id)
        logger.bind(
            user_id=user_id,
            format=imported.format,
            size_bytes=len(content),
            list_count=len(stored),
            track_count=sum(one.track_count for one in stored),
            rest_count=sum(len(one.rest) for one in stored),
        ).info("File imported")
        return Stored(format=imported.format, notes=imported.notes, files=tuple(stored))

    async def page(
        self, user_id: UserId, *, before: tuple[datetime, PlaylistId] | None, limit: int
    ) -> list[File]:
        return await files.page(self._pool, user_id, before=before, limit=limit)

    async def get(self, user_id: UserId, file_id: str) -> File:
        """Raises NotFound."""
        parsed = parse_id(file_id)
        found = await files.get(self._pool, PlaylistId(parsed), user_id=user_id) if parsed else None
        if found is None:
            raise _not_found()
        return found

    async def export(self, user_id: UserId, file_id: str, *, form: ExportFormat) -> tuple[File, bytes]:
        """Write a playlist as a file. Raises NotFound."""
        file = await self.get(user_id, file_id)
        items = await files.items(self._pool, file.id)
        return file, await asyncio.to_thread(writing.write, file.name, items, form=form)

    async def remove(self, user_id: UserId, file_id: str) -> None:
        """Delete a playlist; transfers that still need it fail. Raises NotFound."""
        parsed = parse_id(file_id)
        if not parsed or not await files.remove(self._pool, PlaylistId(parsed), user_id=user_id):
            raise _not_found()
        await self._show(user_id)
        logger.bind(user_id=user_id).info("File deleted")

    async def _show(self, user_id: UserId) -> None:
        """Connect the user's files, if they are not yet, and let the list of playlists be read anew."""
        connection = await self._accounts.find(user_id, AccountRef(platform=Platform.FILE))
        await self._playlists.forget(connection)


def _not_found() -> NotFound:
    return NotFound("You have no such file.")
