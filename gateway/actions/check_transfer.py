"""Check a wish for a transfer: do its parts exist, may they be read and written, do they fit?"""

import hashlib

import msgspec

from gateway.actions.accounts import AccountRef, Accounts, PlatformsPort
from gateway.actions.find_playlist import FindPlaylist
from gateway.actions.find_source import FindSource, Source
from gateway.actions.foretell_sign_in import ends_within_a_day, foretell
from shared.db.connections import Connection
from shared.errors import FieldFault, TargetNotWritable, ValidationFailed
from shared.models import Explicit, Playlist, Policy, UserId
from shared.platforms.collections import Collection, collection_in, collection_of

_OWN_KINDS = {Collection.ALBUMS: "saved albums", Collection.ARTISTS: "followed artists"}
"""Collections that hold something else than tracks, in words."""


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

    source: Source
    target: Connection
    target_playlist: Playlist | None
    target_name: str
    warnings: tuple[dict[str, str], ...]


class CheckTransfer:
    """Checks wishes, in the user's name."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        find_source: FindSource,
        find_playlist: FindPlaylist,
        platforms: PlatformsPort,
    ) -> None:
        self._accounts = accounts
        self._find_source = find_source
        self._find_playlist = find_playlist
        self._platforms = platforms

    async def __call__(self, user_id: UserId, wish: Wish) -> Checked:
        """Return the wish with all that it means.

        Raises ValidationFailed, PlaylistNotReadable, TargetNotWritable, what Accounts.find raises,
        and what the platforms' calls raise.
        """
        reader = await self._find_source.reader(user_id, wish.source, wish.source_playlist)
        target = await self._accounts.find(user_id, wish.target)
        label = self._platforms.label(target.platform)
        if not self._platforms.capabilities(target.platform).can_write:
            raise TargetNotWritable(f"{label} takes no playlists from this server: it can only be a source.")
        source = await self._find_source.read(reader, wish.source_playlist, market=target.market)
        self._check_kind(wish, source, target)
        kept = collection_of(source.playlist.id)
        named = wish.target_playlist or (kept if kept in _OWN_KINDS else None)
        existing = None
        if named is not None:
            existing = await self._find_playlist(target, named, refusal=TargetNotWritable)
            if not existing.writable:
                raise TargetNotWritable(f"{label} does not let {target.label} add tracks to this playlist.")
        checked = Checked(
            source=source,
            target=target,
            target_playlist=existing,
            target_name=existing.name if existing else wish.target_name or source.playlist.name,
            warnings=(
                *self._on_sign_ins(source, target),
                *self._on_length(source, target, is_new=existing is None),
            ),
        )
        _check_apart(checked)
        return checked

    def _check_kind(self, wish: Wish, source: Source, target: Connection) -> None:
        """Check that albums go to the saved albums, artists to the followed ones, and tracks to neither."""
        kept = self._platforms.capabilities(target.platform).collections
        has, wants = collection_of(source.playlist.id), wish.target_playlist
        meant = collection_in(wants, kept) if wants else None
        label = self._platforms.label(target.platform)
        if has in _OWN_KINDS:
            if has not in kept or not kept[has].add_batch:
                raise TargetNotWritable(f"{label} lets no app add to its {_OWN_KINDS[has]}.")
            if wish.target_name or (wants and meant is not has):
                cure = f"Leave out `name` and `playlist`, or give “{has}” as `playlist`."
                detail = f"The source holds {_OWN_KINDS[has]}: they go to those of the target."
                raise ValidationFailed(detail, faults=(FieldFault("/target", cure),))
        elif meant in _OWN_KINDS:
            cure = f"Name a playlist, or take “{meant}” as source too."
            detail = f"Tracks cannot go to the {_OWN_KINDS[meant]}."
            raise ValidationFailed(detail, faults=(FieldFault("/target/playlist", cure),))

    def _on_sign_ins(self, source: Source, target: Connection) -> tuple[dict[str, str], ...]:
        used = filter(None, (source.connection, target))
        ending = {one.id: one for one in used if ends_within_a_day(one)}
        return tuple(
            {
                "code": "sign_in_ends",
                "detail": f"{self._platforms.label(one.platform)} ({one.label}): {foretell(one).notice}",
            }
            for one in ending.values()
        )

    def _on_length(self, source: Source, target: Connection, *, is_new: bool) -> tuple[dict[str, str], ...]:
        """Tell of a source that is longer than a playlist of the target platform can be."""
        limit = self._platforms.capabilities(target.platform).playlist_limit
        track_count = source.playlist.track_count
        # What stands in an existing target may be skipped as a duplicate, so only new ones are counted.
        if not is_new or limit is None or track_count is None or track_count <= limit:
            return ()
        label = self._platforms.label(target.platform)
        detail = (
            f"The playlist has {track_count} tracks; {label} takes {limit} in one playlist. What does not "
            "fit goes on in further ones, which bear its name and a number."
        )
        return ({"code": "target_split", "detail": detail},)


def _check_apart(checked: Checked) -> None:
    target = checked.target_playlist
    source = checked.source
    is_same = target is not None and target.id == source.playlist.id
    if is_same and collection_of(source.playlist.id) is not None:  # its id is the same in each account
        is_same = source.connection is not None and source.connection.id == checked.target.id
    if is_same and source.platform is checked.target.platform:
        fault = FieldFault("/target/playlist", "Name another playlist than the source.")
        raise ValidationFailed("Source and target are the same playlist.", faults=(fault,))
