"""The engine between the real adapters of two sandboxes."""

import uuid

from redis.asyncio import Redis

from shared.db import transfers, users
from shared.db.pool import Pool
from shared.db.transfers import NewTransfer
from shared.models import ConnectionId, Platform, PlaylistId, TransferId
from shared.platforms.base import Adapter
from tests.contract.sandboxes import Stage
from tests.integration.worker.engine import Engine


class SandboxedEngine(Engine):
    """Moves playlists from one stage to the other. The two play different platforms."""

    def __init__(self, pool: Pool, redis: Redis, *, source: Stage, target: Stage) -> None:
        super().__init__(pool, redis, target=target.capabilities)
        self._stages = {stage.platform: stage for stage in (source, target)}
        self._ends = (source.platform, target.platform)

    async def move(self, playlist_id: PlaylistId, *, is_public: bool = False) -> TransferId:
        """Store a transfer of a playlist into a new one. is_public: nobody's account reads it."""
        user_id = await users.ensure(self.pool, name="mira")
        source, target = self._ends
        new = NewTransfer(
            id=TransferId(str(uuid.uuid4())),
            user_id=user_id,
            idempotency_key=None,
            request_sha256=b"",
            source_connection_id=None if is_public else await self._connect(user_id, source),
            source_market="DE" if is_public else None,
            source_platform=source,
            source_playlist_id=playlist_id,
            source_name="Long Way",
            target_connection_id=await self._connect(user_id, target),
            target_platform=target,
            target_playlist_id=None,
            target_name="Long Way Home",
            target_url=None,
            policy=self.policy,
            explicit=self.explicit,
            on_duplicate="keep",
            trace={},
        )
        transfer, _ = await transfers.insert(self.pool, new)
        return transfer.id

    def spent(self) -> dict[tuple[Platform, str], int]:
        """Return the units that each pool has given until now, by platform and pool."""
        units: dict[tuple[Platform, str], int] = {}
        for platform, stage in self._stages.items():
            for budget in stage.budgets.by_key.values():
                for price in budget.prices:
                    place = (platform, price.pool)
                    units[place] = units.get(place, 0) + price.cost
        return units

    async def _open_adapter(self, platform: Platform, connection_id: ConnectionId) -> tuple[Adapter, str]:
        del connection_id
        stage = self._stages[platform]
        return stage.adapter, stage.session.market

    def _open_public(self, platform: Platform, market: str) -> Adapter:
        return self._stages[platform].platforms.public_adapter(platform, market=market)
