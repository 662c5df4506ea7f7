"""What a phase may use while it runs one job."""

import random
from dataclasses import dataclass

from shared.db.jobs import Job
from shared.db.pool import Pool
from shared.db.transfers import Transfer
from shared.platforms.base import Adapter, Capabilities, Gate
from worker.lookups import Lookups


@dataclass(frozen=True, kw_only=True)
class Context:
    """adapter speaks for the connection that this phase works on. gate guards each platform write."""

    job: Job
    transfer: Transfer
    adapter: Adapter
    market: str
    gate: Gate
    pool: Pool
    lookups: Lookups
    send_timeout_s: float
    rng: random.Random

    @property
    def capabilities(self) -> Capabilities:
        """What can be done with this transfer's target."""
        return self.adapter.capabilities.of_target(self.transfer.target_playlist_id)
