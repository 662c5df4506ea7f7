"""The engine with files at one end or in the middle: real Postgres, real adapters, simulated platforms."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.db import transfers, users
from shared.db.pool import Pool
from shared.db.shelf import PostgresShelf
from shared.errors import PlatformUnavailable
from shared.lifecycle import Bucket, State
from shared.models import (
    ConnectionId,
    Explicit,
    Outcome,
    Platform,
    PlaylistId,
    Policy,
    SourceItem,
    TokenSet,
    TrackId,
    TransferId,
    UserId,
)
from shared.platforms.base import Adapter, Gate
from shared.platforms.files.adapter import DECLARATION, FilesAdapter
from tests.contract.sandboxes import FLAVORS, Stage, staged
from tests.fakes.session import FakeSession
from tests.integration.sandbox.harness import playlist, track, world_of
from tests.integration.worker.engine import POSITIONED, SOURCE_ID, Engine, source_track

pytestmark = pytest.mark.integration

TITLES = [f"Lantern {number}" for number in (0, 1, 2, 1, 3, 4, 5)]


class ForgetfulShelf(PostgresShelf):
    """Does what it is asked, or does not, and then nobody hears of it. losses: of the next inserts."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.losses: list[str] = []

    async def insert(
        self,
        owner: str,
        playlist_id: PlaylistId,
        *,
        track_ids: Sequence[TrackId],
        position: int,
        gate: Gate,
    ) -> bool | None:
        loss = self.losses.pop(0) if self.losses else ""
        if loss == "before":
            raise _lost()
        done = await super().insert(owner, playlist_id, track_ids=track_ids, position=position, gate=gate)
        if loss == "behind":
            raise _lost()
        return done


def _lost() -> PlatformUnavailable:
    return PlatformUnavailable("Lost.", platform=Platform.FILE, operation="add_tracks")


class FilesEngine(Engine):
    """An engine whose platforms are what a test puts there; files stand in its own database."""

    def __init__(self, pool: Pool, redis: Redis) -> None:
        super().__init__(pool, redis, target=POSITIONED)
        self.shelf = ForgetfulShelf(pool)
        self.adapters: dict[Platform, Adapter] = {}

    async def user(self) -> UserId:
        user_id = await users.ensure(self.pool, name="mira")
        self.adapters[Platform.FILE] = FilesAdapter(
            self.shelf,
            session=FakeSession(TokenSet(access_token=user_id), market=""),
            capabilities=DECLARATION.capabilities,
        )
        return user_id

    async def move(self, source: tuple[Platform, PlaylistId], target: Platform) -> TransferId:
        user_id = await self.user()
        platform, playlist_id = source
        new = transfers.NewTransfer(
            id=TransferId(str(uuid.uuid4())),
            user_id=user_id,
            idempotency_key=None,
            request_sha256=b"",
            source_connection_id=await self._connect(user_id, platform),
            source_platform=platform,
            source_playlist_id=playlist_id,
            source_name="Tides",
            target_connection_id=await self._connect(user_id, target),
            target_platform=target,
            target_playlist_id=None,
            target_name="Tides",
            target_url=None,
            policy=Policy.SAME_RECORDING,
            explicit=Explicit.AS_SOURCE,
            on_duplicate="keep",
            trace={},
        )
        transfer, _ = await transfers.insert(self.pool, new)
        return transfer.id

    async def file_of(self, transfer_id: TransferId) -> tuple[PlaylistId, list[SourceItem]]:
        made = (await self.load(transfer_id)).target_playlist_id
        assert made is not None
        found: list[SourceItem] = []
        cursor = None
        while not found or cursor:
            page = await self.adapters[Platform.FILE].read_items(made, cursor=cursor)
            found += page.items
            cursor = page.next_cursor
        return made, found

    async def _open_adapter(self, platform: Platform, connection_id: ConnectionId) -> tuple[Adapter, str]:
        if platform in self.adapters:
            return self.adapters[platform], ""
        return await super()._open_adapter(platform, connection_id)


@pytest.fixture
def files(pool: Pool, redis: Redis) -> FilesEngine:
    engine = FilesEngine(pool, redis)
    engine.source.sources[SOURCE_ID] = [
        SourceItem(track=source_track(int(title.split()[1])), title=title) for title in TITLES
    ]
    return engine


SPOTIFY_SOURCE = (Platform.SPOTIFY, SOURCE_ID)


async def test_a_file_takes_every_track_in_order_with_its_own_words_and_asks_nobody(
    files: FilesEngine,
) -> None:
    transfer_id = await files.move(SPOTIFY_SOURCE, Platform.FILE)

    await files.run()

    _, items = await files.file_of(transfer_id)
    tracks = [item.track for item in items if item.track]
    assert await files.state(transfer_id) is State.COMPLETED
    assert await files.buckets(transfer_id) == {Bucket.WRITTEN: len(TITLES)}
    assert set(await files.outcomes(transfer_id)) == {Outcome.EXACT}
    assert [item.title for item in items] == TITLES
    assert tracks[1] == tracks[3]
    assert (tracks[0].isrc, tracks[0].artists, tracks[0].album) == (
        "XXAAA2600000",
        ("The Paper Boats",),
        "Tides",
    )
    assert files.source.called("search") == files.source.called("find_by_isrc") == 0
    assert await files.pool.fetchval("SELECT count(*) FROM lookups") == 0


@pytest.mark.parametrize("losses", [["behind"], ["before"], ["before", "behind"], ["behind", "behind"]])
async def test_a_lost_commit_doubles_nothing_and_loses_nothing(files: FilesEngine, losses: list[str]) -> None:
    files.shelf.losses = losses
    transfer_id = await files.move(SPOTIFY_SOURCE, Platform.FILE)

    await files.run()

    _, items = await files.file_of(transfer_id)
    assert await files.state(transfer_id) is State.COMPLETED
    assert [item.title for item in items] == TITLES


async def test_an_undo_empties_and_deletes_the_file(files: FilesEngine) -> None:
    transfer_id = await files.move(SPOTIFY_SOURCE, Platform.FILE)
    await files.run()

    undo_id = await files.undo(transfer_id)
    await files.run()

    assert await files.state(undo_id) is State.COMPLETED
    assert await files.pool.fetchval("SELECT count(*) FROM shelf_playlists") == 0


async def test_a_file_that_is_gone_fails_its_transfer_with_words_for_people(files: FilesEngine) -> None:
    await files.user()
    gone = (Platform.FILE, PlaylistId("3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"))
    transfer_id = await files.move(gone, Platform.APPLE_MUSIC)

    await files.run()

    transfer = await files.load(transfer_id)
    assert transfer.state is State.FAILED
    assert "no file of this id" in (transfer.error_text or "")


@pytest_asyncio.fixture
async def stages(tmp_path: Path) -> AsyncIterator[dict[Platform, Stage]]:
    tracks = [track(number) for number in range(1, 8)]
    rows = [*tracks, tracks[2]]
    world = world_of(tmp_path, catalog=tracks, playlists=[playlist("Harbour Songs", rows)])
    async with (
        staged(world, FLAVORS["spotify"]) as spotify,
        staged(world, FLAVORS["apple_music"]) as apple_music,
    ):
        yield {Platform.SPOTIFY: spotify, Platform.APPLE_MUSIC: apple_music}


async def test_a_playlist_goes_from_spotify_through_a_file_to_apple_music(
    files: FilesEngine, stages: dict[Platform, Stage]
) -> None:
    files.adapters |= {platform: stage.adapter for platform, stage in stages.items()}
    spotify, apple_music = stages[Platform.SPOTIFY], stages[Platform.APPLE_MUSIC]
    source_id = await spotify.playlist_named("Harbour Songs")
    to_file = await files.move((Platform.SPOTIFY, source_id), Platform.FILE)
    await files.run()
    file_id, items = await files.file_of(to_file)

    on = await files.move((Platform.FILE, file_id), Platform.APPLE_MUSIC)
    await files.run()

    source = await spotify.order("GET", f"playlists/{source_id}")
    made = (await files.load(on)).target_playlist_id
    assert made is not None
    target = await apple_music.order("GET", f"playlists/{made}")
    titles = [row["title"] for row in source["tracks"]]
    assert len(titles) == 8
    assert [item.title for item in items] == titles
    assert [row["title"] for row in target["tracks"]] == titles
    assert Counter(await files.outcomes(on)) == {Outcome.EXACT: 8}
