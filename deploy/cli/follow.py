"""Waits for a transfer by long polls, and tells how it stands in words."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.cli.client import GatewayClient
from deploy.cli.output import print_text, say
from deploy.cli.progress import Progress
from deploy.cli.standing import TERMINAL_STATES, cure_of, needs_a_person
from deploy.cli.wire import (
    Candidate,
    Status,
    Track,
    TrackRow,
    is_done,
    read_status,
    read_track,
)

LONG_POLL_S = 25
PACE_S = 0.2
IDLE_PACE_S = 1.0


class Watch:
    """Follows one transfer. `latest` is its last known status resource, also after an early end."""

    def __init__(self) -> None:
        self.latest: Mapping[str, Any] | None = None

    async def until_settled(
        self, client: GatewayClient, *, transfer_id: str, progress: Progress, timeout_s: float | None
    ) -> bool:
        """Show each revision until the transfer ends or waits for a person; False if the time ran out."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._follow(client, transfer_id=transfer_id, progress=progress)
        except TimeoutError:
            return False
        return True

    async def _follow(self, client: GatewayClient, *, transfer_id: str, progress: Progress) -> None:
        headers: dict[str, str] = {}
        while True:
            asked_at_s = time.monotonic()
            answer = await client.get(f"/status/{transfer_id}", headers=headers)
            if answer.body is not None:
                self.latest = answer.body
                progress.show(answer.body)
                status = read_status(answer.body)
                if status.state in TERMINAL_STATES or needs_a_person(status):
                    return
            if "ETag" in answer.headers:
                headers = {"If-None-Match": answer.headers["ETag"], "Prefer": f"wait={LONG_POLL_S}"}
            # Something between us and the gateway may not hold the request open: do not hammer it.
            is_held = answer.body is not None or time.monotonic() - asked_at_s > IDLE_PACE_S
            await asyncio.sleep(PACE_S if is_held else IDLE_PACE_S)


async def tracks_left(client: GatewayClient, *, transfer_id: str) -> list[dict[str, Any]]:
    """Return every item that was not moved, or not removed by an undo, in the order of the source."""
    return [
        item
        async for item in client.pages(f"/status/{transfer_id}/tracks", params={"limit": "200"})
        if not is_done(read_track(item))
    ]


def print_status(status: Status) -> None:
    """Print for people how a transfer stands."""
    print_text(status.summary or status.state)
    counts = [f"{name.replace('_', ' ')} {count}" for name, count in status.counts.items() if count]
    print_text("  " + " · ".join(counts))
    for target in status.targets or filter(None, (status.target_playlist,)):
        if target.id:
            print_text(f"  target: {target.name or target.id}  {target.url or ''}".rstrip())
    cure = cure_of(status.paused) if status.paused is not None else None
    if cure:
        print_text(f"  to do: {cure}")
    if status.error is not None:
        print_text(f"  error: {status.error.code}: {status.error.text}")
    if status.undone_by is not None:
        print_text(f"  undone by: {status.undone_by}")
    for warning in status.warnings:
        print_text(f"  warning: {warning.detail or warning.code}")
    if status.trace_url or status.trace_id:
        print_text(f"  trace: {status.trace_url or status.trace_id}")


def track_line(row: TrackRow) -> str:
    """Name one item for people: position, title, artists, what became of it, and why."""
    source = row.source
    name = f"{source.title} — {', '.join(source.artists)}" if source and source.artists else ""
    name = name or (source.title if source else "") or "(unknown)"
    return f"{row.position + 1:>5}  {name}  [{row.outcome}] {row.reason or ''}".rstrip()


def choice_lines(row: TrackRow) -> list[str]:
    """Name what there is to choose from, numbered as `crossplay decide` counts it."""
    if row.outcome != "review":
        return []
    return [
        f"         {number}. {name_of(one.track)}{_score(one)}  {one.reason}".rstrip()
        for number, one in enumerate(row.alternatives, start=1)
    ]


def name_of(track: Track) -> str:
    """Name a track for people: title, artists, and what tells it from others of the name."""
    name = " — ".join(filter(None, (track.title, ", ".join(track.artists))))
    minutes, seconds = divmod((track.duration_ms or 0) // 1_000, 60)
    length = f"{minutes}:{seconds:02}" if track.duration_ms else None
    about = ", ".join(filter(None, (track.album, length)))
    return f"{name} ({about})" if about else name


def _score(candidate: Candidate) -> str:
    return "" if candidate.score is None else f"  {candidate.score:.2f}"


def tell_choices(items: Sequence[Mapping[str, Any]], *, transfer_id: str) -> None:
    """Say how doubtful tracks are decided, where there are some."""
    if any(read_track(item).outcome == "review" for item in items):
        say(f"Decide: crossplay decide {transfer_id} POSITION --candidate N (or --track TRACK, or --skip)")


def print_tracks(items: Sequence[Mapping[str, Any]], *, limit_count: int | None = None) -> None:
    for item in items[:limit_count]:
        row = read_track(item)
        for line in (track_line(row), *choice_lines(row)):
            print_text(line)
    if limit_count is not None and len(items) > limit_count:
        print_text(f"       … and {len(items) - limit_count} more")
