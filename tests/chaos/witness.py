"""Asks for one transfer, keeps what its status tells, and does what its user would do."""

import asyncio
import hashlib
import time
from datetime import datetime
from typing import Any

import msgspec

from tests.chaos.arena import Arena
from tests.chaos.caller import Answer, Json
from tests.chaos.plans import Expected, Wish
from tests.chaos.records import ENDED, Act, Snapshot, Story, Track

LOOK_EVERY_S = 0.08
START_PATIENCE_S = 60.0
ACT_PATIENCE_S = 15.0
RETRY_COUNT = 6
REST_S = 0.4  # between two acts of the same kind


class Witness:
    """Follows one wish. Playlists stand there before it begins."""

    def __init__(
        self, arena: Arena, wish: Wish, *, name: str, source_playlist_id: str, shelf_id: str | None
    ) -> None:
        self.wish = wish
        self.name = name
        self.source_playlist_id = source_playlist_id
        self.shelf_id = shelf_id
        self.transfer_id: str | None = None
        self.ended = asyncio.Event()
        self.is_held = False
        self._arena = arena
        self._caller = arena.caller
        self._snapshots: list[Snapshot] = []
        self._acts: list[Act] = []
        self._rests_until_s = 0.0

    @property
    def last(self) -> Snapshot | None:
        return self._snapshots[-1] if self._snapshots else None

    @property
    def target_ids(self) -> tuple[str, ...]:
        further_ids = self.last.further_ids if self.last else ()
        return tuple(filter(None, (self.target_id, *further_ids)))

    @property
    def target_id(self) -> str | None:
        return self.shelf_id or (self.last.target_id if self.last else None)

    async def run(self) -> None:
        """Start the transfer, then look until this is cancelled."""
        await asyncio.sleep(self.wish.start_at_s)
        await self._start()
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Ask once how it stands, and act on it."""
        answer = await self._caller.ask("GET", f"/status/{self.transfer_id}")
        if answer.status != 200:
            return
        seen = snapshot(answer.body, at_s=time.time())
        if self.last is None or (seen.revision, seen.digest) != (self.last.revision, self.last.digest):
            self._snapshots.append(seen)
        await self._respond(seen)

    async def act(self, kind: str) -> bool:
        """Pause, resume, cancel or retry; False where the transfer's state does not allow it any more."""
        if self.transfer_id is None:
            return False
        path = f"/status/{self.transfer_id}/{kind}"
        answer = await self._caller.insist("POST", path, patience_s=ACT_PATIENCE_S)
        self._note(kind, answer.status)
        return answer.is_success

    async def story(self, expected: tuple[Expected, ...]) -> Story:
        """Return everything, with the final listing."""
        tracks: list[Json] = []
        if self.transfer_id is not None:
            await self.look()
            tracks = await self._caller.tracks(self.transfer_id, patience_s=START_PATIENCE_S)
        wish = self.wish
        return Story(
            wish=wish.name,
            transfer_id=self.transfer_id,
            name=self.name,
            source_platform=wish.source,
            target_platform=wish.target,
            source_playlist_id=self.source_playlist_id,
            source_ids=tuple(row.track_id for row in wish.rows),
            expected=expected,
            on_duplicate=wish.on_duplicate,
            shelf_id=self.shelf_id,
            base=wish.base,
            acts=tuple(self._acts),
            snapshots=tuple(self._snapshots),
            tracks=tuple(map(track, tracks)),
        )

    async def _start(self) -> None:
        """Ask for it under one key until it is accepted, whatever becomes of the answers."""
        target: Json = {"platform": self.wish.target}
        target |= {"playlist": self.shelf_id} if self.shelf_id else {"name": self.name}
        body = {
            "source": {"platform": self.wish.source, "playlist": self.source_playlist_id},
            "target": target,
            "on_duplicate": self.wish.on_duplicate,
        }
        give_up_at_s = time.monotonic() + START_PATIENCE_S
        while self.transfer_id is None and time.monotonic() < give_up_at_s:
            answer = await self._caller.ask(
                "POST", "/transfer", body=body, headers={"Idempotency-Key": self.name.replace(" ", "-")}
            )
            self._note("start", answer.status)
            if answer.is_success:
                self.transfer_id = str(answer.body["id"])
            else:
                await self._cure(answer)
                await asyncio.sleep(REST_S)

    async def _cure(self, answer: Answer) -> None:
        if answer.body.get("code") == "reconnect-required":
            for platform in (self.wish.source, self.wish.target):
                await self._reconnect(platform)

    async def _respond(self, seen: Snapshot) -> None:
        is_failed = seen.state == "failed"
        retry_count = sum(act.kind == "retry" for act in self._acts)
        if seen.state in ENDED and not (is_failed and retry_count < RETRY_COUNT):
            self.ended.set()
            return
        self.ended.clear()
        if time.monotonic() < self._rests_until_s:
            return
        if is_failed:
            await self.act("retry")
        elif seen.pause_reason == "user" and not self.is_held:
            await self.act("resume")
        elif seen.pause_reason == "reconnect_required":
            for platform in (self.wish.source, self.wish.target):
                await self._reconnect(platform)
        else:
            return
        self._rests_until_s = time.monotonic() + REST_S

    async def _reconnect(self, platform: str) -> None:
        is_connected = await self._arena.connect(platform)
        self._note(f"reconnect {platform}", 200 if is_connected else 0)

    def _note(self, kind: str, status: int) -> None:
        self._acts.append(Act(at_s=time.time(), kind=kind, status=status))


def snapshot(body: Json, *, at_s: float) -> Snapshot:
    """Keep of a status resource what the rules look at."""
    paused: Json = body["paused"] or {}
    target: Json = body["target_playlist"] or {}
    text = msgspec.json.encode(body, order="sorted")
    return Snapshot(
        at_s=at_s,
        revision=body["revision"],
        state=body["state"],
        phase=body["phase"],
        counts=body["counts"],
        digest=hashlib.sha256(text).hexdigest()[:16],
        pause_reason=paused.get("reason"),
        error=body["error"]["text"] if body["error"] else None,
        warnings=tuple(str(warning["code"]) for warning in body["warnings"]),
        target_id=target.get("id"),
        further_ids=tuple(one["id"] for one in body["targets"][1:]),
        outcome=body["outcome"],
        ended_at_s=datetime.fromisoformat(body["finished_at"]).timestamp() if body["finished_at"] else None,
    )


def track(item: dict[str, Any]) -> Track:
    return Track(
        position=item["position"],
        source_id=item["source"].get("id"),
        title=item["source"].get("title") or "",
        outcome=item["outcome"],
        is_written=item["written"],
        reason=item["reason"],
        target_id=item["target"]["id"] if item["target"] else None,
    )
