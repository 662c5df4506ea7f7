"""What the tests of decisions have in common: a transfer with one track that nobody could match."""

import msgspec

from shared.db import reviews
from shared.db.reviews import Choice
from shared.lifecycle import State
from shared.models import Outcome, TransferId
from tests.integration.worker.engine import Engine, target_track

KNOWN = [0, 1, 3, 4]
"""What the target's catalog knows of five tracks: all but the third one."""


def choose(number: int, **changes: object) -> Choice:
    return msgspec.structs.replace(Choice(target=target_track(number)), **changes)


async def decide(engine: Engine, transfer_id: TransferId, position: int, choice: Choice) -> bool:
    user_id = (await engine.load(transfer_id)).user_id
    return await reviews.decide(engine.pool, transfer_id, user_id=user_id, position=position, choice=choice)


async def completed(engine: Engine, **options: object) -> TransferId:
    """Run a transfer of five tracks to its end, the third one without a match."""
    transfer_id = await engine.transfer(range(5), known=KNOWN, **options)  # type: ignore[arg-type]  # by name
    await engine.run()
    assert await engine.state(transfer_id) is State.COMPLETED
    assert (await engine.outcomes(transfer_id))[2] is Outcome.NO_CANDIDATE
    engine.target.know(target_track(2))
    return transfer_id
