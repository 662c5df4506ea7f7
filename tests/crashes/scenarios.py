"""Transfers in which something goes wrong already, so that a worker has every kind of thing to do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from tests.crashes.lab import Lab
from tests.e2e.stack import Json
from tests.e2e.worlds import Cut
from tests.waiting import until_answered

Fault = dict[str, Any]

LOST: Fault = {"kind": "applied_then_lost", "count": 1}
AGE_ANSWERS = "UPDATE lookups SET asked_at = asked_at - interval '1 hour'"
NARROW = {"CROSSPLAY_PLAYLIST_LIMIT": "20"}
RESTORE = "INSERT INTO doubtful_targets VALUES ($1)"
REFUSED: Fault = {"kind": "rate_limit", "retry_after_s": 1, "count": 1}


class Wish(StrEnum):
    """What the user does meanwhile."""

    NOTHING = "nothing"
    PAUSE = "pause"  # while a write is under way, and resumes when it is over
    CANCEL = "cancel"  # once a write has met a fault
    RETRY = "retry"  # once the transfer has failed and the faults are gone


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer. cut: a playlist of the worlds.

    faults: by platform. is_fresh: nothing is known of the catalog. revokes: a kind of Spotify token that ends
    before. target: the playlist that it goes into, by name, where it is no new one. environ: of its workers.
    is_restored: nobody knows whether its target holds more than its rows say.
    is_undo: the transfer is the undo of one that has ended before. is_retry: it has ended before itself, the
    faults have kept it from finding some tracks, and these are tried again much later.
    """

    name: str
    cut: str
    faults: Mapping[str, tuple[Fault, ...]] = {}
    is_fresh: bool = False
    revokes: str | None = None
    target: str | None = None
    wish: Wish = Wish.NOTHING
    environ: Mapping[str, str] = {}
    is_undo: bool = False
    is_retry: bool = False
    is_restored: bool = False

    def cut_of(self, lab: Lab) -> Cut:
        cut: Cut = getattr(lab.worlds, self.cut)
        return cut

    async def prepare(self, lab: Lab) -> None:
        if self.is_fresh:
            await lab.stack.forget_answers()
        if self.is_undo:
            await self._run_before(lab)
        for platform, faults in self.faults.items():
            await lab.stack.arm(platform, *faults)
        if self.is_retry:
            await self._run_before(lab)
            await lab.stack.control(self.cut_of(lab).target, "faults", method="DELETE")
            await lab.execute(AGE_ANSWERS)
        if self.revokes:
            await lab.stack.control("spotify", "tokens/revoke", method="POST", body={"kind": self.revokes})

    async def _run_before(self, lab: Lab) -> None:
        first = lab.start(environ=self.environ)
        lab.ended = await lab.stack.user.end(await lab.stack.start(self.cut_of(lab)))
        await first.end()

    async def start(self, lab: Lab) -> "Started":
        cut = self.cut_of(lab)
        if self.is_retry:
            await lab.stack.user.post(f"/status/{lab.ended['id']}/retry", {"scope": "unmatched"})
            return Started(scenario=self, transfer_id=lab.ended["id"], rows_before=())
        if self.is_undo:
            answer = await lab.stack.user.post(f"/transfer/{lab.ended['id']}/undo", {})
            return Started(scenario=self, transfer_id=answer["id"], rows_before=())
        if self.target is None:
            transfer_id = await lab.stack.start(cut)
            if self.is_restored:  # long before anything is written
                await lab.execute(RESTORE, transfer_id)
            return Started(scenario=self, transfer_id=transfer_id, rows_before=())
        playlists = await lab.stack.control(cut.target, "playlists")
        playlist_id = next(one["id"] for one in playlists if one["name"] == self.target)
        rows = tuple(await lab.stack.rows(cut.target, playlist_id))
        body = {
            "source": {"platform": cut.platform, "playlist": cut.name},
            "target": {"platform": cut.target, "playlist": playlist_id},
            "on_duplicate": "keep",
        }
        answer = await lab.stack.user.post("/transfer", body)
        return Started(scenario=self, transfer_id=answer["id"], rows_before=rows)

    async def act(self, lab: Lab, started: "Started") -> None:
        """Do what the user does meanwhile."""
        target, path = self.cut_of(lab).target, f"/status/{started.transfer_id}"
        if self.wish is Wish.CANCEL:
            await lab.stack.writes_begin(target)
            await lab.stack.user.post(f"{path}/cancel", {})
        elif self.wish is Wish.PAUSE:
            await lab.stack.writes_begin(target)
            await lab.stack.user.post(f"{path}/pause", {})
            await until_answered(lambda: _is_answered(lab, target))
            await lab.stack.user.post(f"{path}/resume", {})
        elif self.wish is Wish.RETRY:
            await lab.stack.user.end(started.transfer_id)
            await lab.stack.control(target, "faults", method="DELETE")
            await lab.stack.user.post(f"{path}/retry", {})


async def _is_answered(lab: Lab, platform: str) -> bool:
    return await lab.stack.request_count(platform, "add_items") > 0


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer under way. rows_before: what its target held."""

    scenario: Scenario
    transfer_id: str
    rows_before: tuple[tuple[str, str | None], ...]

    async def flaws(self, lab: Lab) -> list[str]:
        """Wait for the end; return what is wrong with it."""
        cut, stack = self.scenario.cut_of(lab), lab.stack
        status = await stack.user.end(self.transfer_id)
        if self.scenario.wish is Wish.CANCEL:
            return await self._flaws_of_cancelled(lab, status)
        if self.scenario.is_undo:
            return await self._flaws_of_undo(lab, status)
        if self.scenario.target is None:
            return await stack.flaws(cut, status)
        rows = await stack.rows(cut.target, status["target_playlist"]["id"])
        promises = {
            f"it is {status['state']}": status["state"] == "completed",
            "the target does not hold the source behind its own": rows == [*self.rows_before, *cut.written],
            f"there are warnings: {status['warnings']}": not status["warnings"],
        }
        return [flaw for flaw, is_kept in promises.items() if not is_kept]

    async def _flaws_of_undo(self, lab: Lab, status: Json) -> list[str]:
        cut = self.scenario.cut_of(lab)
        targets = lab.ended["targets"]
        rows = [row for target in targets for row in await lab.stack.rows(cut.target, target["id"])]
        promises = {
            f"it is {status['state']}": status["state"] == "completed",
            f"counts are {status['counts']}": status["counts"]["removed"] == len(cut.written),
            f"{len(rows)} tracks are still there": not rows,
            "the playlist is not deleted": status["target_playlist"] is None,
            f"there are warnings: {status['warnings']}": not status["warnings"],
        }
        return [flaw for flaw, is_kept in promises.items() if not is_kept]

    async def _flaws_of_cancelled(self, lab: Lab, status: Json) -> list[str]:
        cut = self.scenario.cut_of(lab)
        playlist = status["target_playlist"]
        rows = await lab.stack.rows(cut.target, playlist["id"]) if playlist and playlist["id"] else []
        counts = dict(status["counts"])
        total, written_count = counts.pop("total"), counts["written"]
        promises = {
            f"it is {status['state']}": status["state"] == "cancelled",
            f"{written_count} are said to be written, {len(rows)} stand there": rows
            == cut.written[:written_count],
            f"counts are {status['counts']}": total == sum(counts.values()),
        }
        return [flaw for flaw, is_kept in promises.items() if not is_kept]


NEW_ON_APPLE = Scenario(name="new-on-apple", cut="shared", is_fresh=True)
NEW_ON_SPOTIFY = Scenario(name="new-on-spotify", cut="home", is_fresh=True)
SLOW = Scenario(
    name="slow",
    cut="movable",
    faults={"spotify": ({"operation": "list_items", "kind": "delay", "delay_ms": 1200, "count": 1},)},
)
EXISTING = Scenario(name="existing", cut="home", target="At Once")
LOST_ON_APPLE = Scenario(
    name="lost-on-apple",
    cut="shared",
    faults={
        "apple_music": (
            {"operation": "create_playlist", **LOST},
            {"operation": "add_items", "partial": 20, **LOST},
        )
    },
)
LOST_ON_SPOTIFY = Scenario(
    name="lost-on-spotify",
    cut="home",
    faults={
        "spotify": (
            {"operation": "create_playlist", **LOST},
            {"operation": "add_items", "partial": 20, **LOST},
        )
    },
)
LIMITED = Scenario(
    name="limited",
    cut="shared",
    faults={
        "apple_music": (
            {"operation": "create_playlist", **REFUSED},
            {"operation": "add_items", **REFUSED},
        )
    },
)
REJECTED = Scenario(
    name="rejected",
    cut="home",
    faults={"spotify": ({"operation": "add_items", "kind": "status", "status": 400, "count": 1},)},
)
# Four tracks, two, then the first one alone are refused; another release of it is not.
SECOND_CHOICE = Scenario(
    name="second-choice",
    cut="reissued",
    is_fresh=True,
    faults={"spotify": ({"operation": "add_items", "kind": "status", "status": 400, "count": 3},)},
)
UNANSWERED = Scenario(
    name="unanswered",
    cut="shared",
    is_fresh=True,
    faults={"apple_music": ({"operation": "lookup_isrc", "after": 1, **REFUSED},)},
)
RECORDS_ON_APPLE = Scenario(name="records-on-apple", cut="records", is_fresh=True)
RECORDS_ON_SPOTIFY = Scenario(name="records-on-spotify", cut="records_at_home", is_fresh=True)
EXPIRED = Scenario(name="expired", cut="home", is_fresh=True, revokes="access")
LATE = Scenario(
    name="late",
    cut="movable",
    faults={
        "apple_music": ({"operation": "add_items", "kind": "visibility_delay", "visibility_delay_s": 0.7},)
    },
)
HALF_KEPT = Scenario(
    name="half-kept",
    cut="home",
    faults={
        "spotify": ({"operation": "add_items", "kind": "applied_then_empty", "partial": 20, "count": 1},)
    },
)
CANCELLED = Scenario(
    name="cancelled",
    cut="shared",
    faults={"apple_music": ({"operation": "add_items", "partial": 20, **LOST},)},
    wish=Wish.CANCEL,
)
PAUSED = Scenario(
    name="paused",
    cut="shared",
    faults={"apple_music": ({"operation": "add_items", "kind": "delay", "delay_ms": 300, "count": 1},)},
    wish=Wish.PAUSE,
)
DROPPED = Scenario(
    name="dropped",
    cut="home",
    faults={
        "spotify": (
            {"operation": "create_playlist", "kind": "drop", "count": 1},
            {"operation": "add_items", "kind": "drop", "count": 1},
        )
    },
)
# Nothing can be read back, so nobody can tell what the lost write did: the transfer fails with its intent.
FAILED = Scenario(
    name="failed",
    cut="home",
    faults={
        "spotify": (
            {"operation": "add_items", "partial": 20, **LOST},
            {"operation": "list_items", "kind": "status", "status": 500},
        )
    },
    environ={"CROSSPLAY_MAX_ATTEMPTS": "2"},
    wish=Wish.RETRY,
)
# Some tracks are found by one of their look-ups, most are not, in no order.
RETRIED = Scenario(
    name="retried",
    cut="home",
    is_fresh=True,
    faults={"spotify": ({"operation": "search", "kind": "no_results", "probability": 0.9, "seed": 5},)},
    is_retry=True,
)
RESTORED = Scenario(name="restored", cut="shared", is_restored=True)
UNDONE = Scenario(name="undone", cut="home", is_undo=True)
SPLIT = Scenario(
    name="split",
    cut="home",
    faults={"spotify": ({"operation": "create_playlist", "after": 1, **LOST},)},
    environ=NARROW,
)
SPLIT_UNDONE = Scenario(name="split-undone", cut="home", is_undo=True, environ=NARROW)
UNDO_LOST = Scenario(
    name="undo-lost",
    cut="home",
    faults={
        "spotify": (
            {"operation": "remove_items", **LOST},
            {"operation": "remove_library", **LOST},
        )
    },
    is_undo=True,
)
ALL = (
    NEW_ON_APPLE,
    NEW_ON_SPOTIFY,
    SLOW,
    EXISTING,
    LOST_ON_APPLE,
    LOST_ON_SPOTIFY,
    LIMITED,
    REJECTED,
    SECOND_CHOICE,
    UNANSWERED,
    RECORDS_ON_APPLE,
    RECORDS_ON_SPOTIFY,
    EXPIRED,
    LATE,
    HALF_KEPT,
    CANCELLED,
    PAUSED,
    DROPPED,
    FAILED,
    RETRIED,
    RESTORED,
    UNDONE,
    UNDO_LOST,
    SPLIT,
    SPLIT_UNDONE,
)
