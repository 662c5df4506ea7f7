"""Start a transfer: check now what can be checked, store it with its first job, wake a worker."""

import hashlib
import uuid

import msgspec
from loguru import logger
from opentelemetry import trace as trace_api

from gateway.actions.accounts import AccountRef, Accounts, PlatformsPort
from gateway.actions.find_playlist import FindPlaylist
from gateway.actions.foretell_sign_in import ends_within_a_day, foretell
from gateway.actions.wake_workers import WakeWorkers
from shared import spans
from shared.db import platform_pauses, transfers
from shared.db.connections import Connection
from shared.db.pool import Pool
from shared.db.transfers import NewTransfer, Transfer
from shared.errors import (
    FieldFault,
    IdempotencyKeyReused,
    PlaylistNotReadable,
    TargetNotWritable,
    ValidationFailed,
)
from shared.meters import meters
from shared.models import Explicit, Playlist, Policy, TransferId, UserId


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be moved. source_playlist, target_playlist: an id, a share link or a name.

    At most one of target_name (a new playlist; default: the source's name) and target_playlist is set.
    """

    source: AccountRef
    source_playlist: str
    target: AccountRef
    target_name: str | None
    target_playlist: str | None
    policy: Policy
    explicit: Explicit
    on_duplicate: str

    def digest(self) -> bytes:
        """Return the same bytes for the same wish, however its JSON was written."""
        return hashlib.sha256(msgspec.json.encode(self)).digest()


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A wish whose parts exist. target_playlist is None for a playlist that is to be made."""

    source: Connection
    source_playlist: Playlist
    target: Connection
    target_playlist: Playlist | None


class CreateTransfer:
    """Makes transfers."""

    def __init__(
        self,
        *,
        pool: Pool,
        accounts: Accounts,
        find_playlist: FindPlaylist,
        platforms: PlatformsPort,
        wake: WakeWorkers,
    ) -> None:
        self._pool = pool
        self._accounts = accounts
        self._find_playlist = find_playlist
        self._platforms = platforms
        self._wake = wake

    async def __call__(
        self, user_id: UserId, wish: Wish, *, idempotency_key: str | None, trace: dict[str, str]
    ) -> tuple[TransferId, bool]:
        """Return the transfer and whether it is an earlier one of the same key.

        Raises IdempotencyKeyReused, ValidationFailed, PlaylistNotReadable, TargetNotWritable, what
        Accounts.find raises, and what the platforms' calls raise.
        """
        if idempotency_key is not None:
            earlier = await transfers.find_by_key(self._pool, user_id, idempotency_key=idempotency_key)
            if earlier:
                return _replay(earlier, wish=wish)
        checked = await self._check(user_id, wish)
        new = _new(user_id, wish, checked=checked, idempotency_key=idempotency_key, trace=trace)
        new = msgspec.structs.replace(new, warnings=self._warnings(checked))
        transfer, is_new = await transfers.insert(self._pool, new)
        if not is_new:  # a request at the same time was faster
            return _replay(transfer, wish=wish)
        trace_api.get_current_span().set_attributes(spans.of_transfer(transfer))
        logger.bind(transfer_id=transfer.id, user_id=user_id).info("Transfer created")
        for warning in new.warnings:
            meters.warned(warning["code"])
        await platform_pauses.settle(self._pool)  # so that it says at once what it waits for
        await self._wake((transfer.source_platform,))
        return transfer.id, False

    async def _check(self, user_id: UserId, wish: Wish) -> Checked:
        source = await self._accounts.find(user_id, wish.source)
        target = await self._accounts.find(user_id, wish.target)
        source_playlist = await self._find_playlist(source, wish.source_playlist, refusal=PlaylistNotReadable)
        if not source_playlist.readable:
            label = self._platforms.label(source.platform)
            raise PlaylistNotReadable(f"{label} does not show the tracks of this playlist to {source.label}.")
        target_playlist = None
        if wish.target_playlist is not None:
            target_playlist = await self._find_playlist(
                target, wish.target_playlist, refusal=TargetNotWritable
            )
            self._check_target(target, target_playlist)
        checked = Checked(
            source=source, source_playlist=source_playlist, target=target, target_playlist=target_playlist
        )
        _check_apart(checked)
        return checked

    def _check_target(self, target: Connection, playlist: Playlist) -> None:
        if not playlist.writable:
            label = self._platforms.label(target.platform)
            raise TargetNotWritable(f"{label} does not let {target.label} add tracks to this playlist.")

    def _warnings(self, checked: Checked) -> tuple[dict[str, str], ...]:
        ending = {one.id: one for one in (checked.source, checked.target) if ends_within_a_day(one)}
        return tuple(
            {
                "code": "sign_in_ends",
                "detail": f"{self._platforms.label(one.platform)} ({one.label}): {foretell(one).notice}",
            }
            for one in ending.values()
        ) + self._split(checked)

    def _split(self, checked: Checked) -> tuple[dict[str, str], ...]:
        """Tell of a source that is longer than a playlist of the target platform can be."""
        limit = self._platforms.capabilities(checked.target.platform).playlist_limit
        track_count = checked.source_playlist.track_count
        # What stands in an existing target may be skipped as a duplicate, so only new ones are counted.
        if checked.target_playlist or limit is None or track_count is None or track_count <= limit:
            return ()
        label = self._platforms.label(checked.target.platform)
        detail = (
            f"The playlist has {track_count} tracks; {label} takes {limit} in one playlist. What does not "
            "fit goes on in further ones, which bear its name and a number."
        )
        return ({"code": "target_split", "detail": detail},)


def _replay(earlier: Transfer, *, wish: Wish) -> tuple[TransferId, bool]:
    if earlier.request_sha256 != wish.digest():
        raise IdempotencyKeyReused("This Idempotency-Key has been used with another body before.")
    return earlier.id, True


def _new(
    user_id: UserId,
    wish: Wish,
    *,
    checked: Checked,
    idempotency_key: str | None,
    trace: dict[str, str],
) -> NewTransfer:
    source, target, existing = checked.source_playlist, checked.target, checked.target_playlist
    return NewTransfer(
        id=TransferId(str(uuid.uuid4())),
        user_id=user_id,
        idempotency_key=idempotency_key,
        request_sha256=wish.digest(),
        source_connection_id=checked.source.id,
        source_platform=checked.source.platform,
        source_playlist_id=source.id,
        source_name=source.name,
        target_connection_id=target.id,
        target_platform=target.platform,
        target_playlist_id=existing.id if existing else None,
        target_name=existing.name if existing else wish.target_name or source.name,
        target_url=existing.url if existing else None,
        policy=wish.policy,
        explicit=wish.explicit,
        on_duplicate=wish.on_duplicate,
        trace=trace,
    )


def _check_apart(checked: Checked) -> None:
    target = checked.target_playlist
    is_same = target is not None and target.id == checked.source_playlist.id
    if is_same and checked.source.platform is checked.target.platform:
        fault = FieldFault("/target/playlist", "Name another playlist than the source.")
        raise ValidationFailed("Source and target are the same playlist.", faults=(fault,))
