"""The rows of docs/explanation/crash-points.md, each with the effects after which a worker stops there."""

import os

import msgspec

from tests.crashes import scenarios as of
from tests.crashes.scenarios import Scenario


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A place to stop: after the nth time that the scenario's worker has this effect."""

    rows: tuple[str, ...]
    scenario: Scenario
    at: str
    nth: int = 1

    @property
    def only_reads(self) -> bool:
        """Whether nothing is different afterwards: to be killed there is to be killed one effect earlier."""
        return self.at.rpartition(": ")[2] in READS

    @property
    def name(self) -> str:
        return f"{self.rows[0]}-{self.scenario.name}-{self.at.replace(' ', '_')}-{self.nth}"


def _points(rows: str, scenario: Scenario, *effects: str, nth: int = 1) -> tuple[Point, ...]:
    return tuple(Point(rows=tuple(rows.split()), scenario=scenario, at=at, nth=nth) for at in effects)


ANY_JOB = (
    *_points("J1", of.NEW_ON_APPLE, "jobs.DISPATCH"),
    *_points("J2", of.NEW_ON_APPLE, "XREADGROUP", "XADD"),
    *_points("J3", of.NEW_ON_APPLE, "jobs.ACQUIRE", "XAUTOCLAIM jobs"),
    *_points("J6", of.NEW_ON_APPLE, "XACK+XDEL"),
    *_points("J8", of.LIMITED, "write: jobs.RELEASE"),
    *_points("J9", of.SLOW, "read: jobs.RENEW", "read: renew"),
    *_points("J11", of.NEW_ON_APPLE, "XGROUP CREATE jobs"),
    *_points("J12", of.NEW_ON_APPLE, "SET sweeper", "GET sweeper", "PEXPIRE sweeper"),
    *_points("J12", of.NEW_ON_APPLE, "transfers.RESUME_DUE", "jobs.STALE"),
    *_points(
        "J12", of.NEW_ON_APPLE, "commit platform_pauses.LOCK+platform_pauses.RELEASE+platform_pauses.HOLD"
    ),
    *_points("J13", of.NEW_ON_APPLE, "workers.SEEN", "DELETE workers", "workers.ALIVE"),
    *_points("J17", of.NEW_ON_APPLE, "schema.HAS_TABLE", "schema.APPLIED"),
    *_points("J14", of.NEW_ON_APPLE, "webhook_queue.CLAIM"),
    *_points("J14", of.NEW_ON_APPLE, "webhook_queue.TELL_EXPIRING", "webhook_queue.PRUNE"),
)
READ_AND_MATCH = (
    *_points("R1", of.NEW_ON_APPLE, "read: transfers.LOAD", "read: transfer.START", "read: GET crossplay"),
    *_points("R1", of.NEW_ON_APPLE, "read: book"),
    *_points("R1", of.SLOW, "read: connections.READ_SEALED", "read: SET crossplay"),
    *_points("R2", of.NEW_ON_APPLE, "read: spotify.read_items"),
    *_points("R2", of.NEW_ON_APPLE, "read: spotify.read_items", nth=2),
    *_points("R2", of.NEW_ON_SPOTIFY, "read: apple_music.read_items", "read: apple_music.read_catalog"),
    *_points("R3 J4 J5", of.NEW_ON_APPLE, "read: commit checkpoints.SOURCE_COUNT+items.INSERT"),
    *_points("R3", of.NEW_ON_APPLE, "read: commit checkpoints.SOURCE_COUNT+items.INSERT+checkpoints.READ_ON"),
    *_points("M1", of.NEW_ON_APPLE, "match: transfers.LOAD", "match: GET crossplay", "match: items.RANGE"),
    *_points("M1", of.NEW_ON_APPLE, "match: match_rules.OF_TRACKS"),
    *_points("M1", of.NEW_ON_APPLE, "match: connections.READ_SEALED", "match: SET crossplay"),
    *_points("M1", of.NEW_ON_APPLE, "match: MGET answer", "match: lookups.GET", "match: SET", "match: book"),
    *_points("M2", of.NEW_ON_APPLE, "match: apple_music.find_by_isrc", "match: apple_music.search"),
    *_points("M2", of.NEW_ON_APPLE, "match: apple_music.find_by_isrc", nth=2),
    *_points("M2", of.NEW_ON_SPOTIFY, "match: spotify.find_by_isrc"),
    *_points("M2", of.RECORDS_ON_APPLE, "match: apple_music.search_albums", "match: apple_music.read_album"),
    *_points("M2", of.RECORDS_ON_SPOTIFY, "match: spotify.search_albums", "match: spotify.read_album"),
    *_points("M2", of.NEW_ON_APPLE, "match: lookups.PUT", "match: DEL asking"),
    *_points("M3", of.UNANSWERED, "match: commit checkpoints.REVISE+items.SETTLE"),
    *_points("M3", of.UNANSWERED, "match: jobs.RELEASE"),
    *_points("M4", of.NEW_ON_APPLE, "match: commit items.SETTLE+checkpoints.IS_READ+jobs.HAS_OPEN"),
    *_points(
        "M4",
        of.NEW_ON_APPLE,
        "match: commit items.SETTLE+checkpoints.IS_READ+jobs.HAS_OPEN"
        "+checkpoints.PHASE+checkpoints.LAST_BATCH",
    ),
)
TARGET = (
    *_points("C1", of.NEW_ON_APPLE, "write: transfers.LOAD", "write: intents.GET"),
    *_points("C2", of.NEW_ON_APPLE, "write: commit intents.DECLARE", "write: book"),
    *_points("C3", of.NEW_ON_APPLE, "write: after the gate"),
    *_points("C4", of.NEW_ON_APPLE, "write: apple_music.create_playlist"),
    *_points("C4", of.NEW_ON_SPOTIFY, "write: spotify.create_playlist"),
    *_points("C5", of.LIMITED, "write: apple_music.create_playlist"),
    *_points("C5 J7", of.LIMITED, "write: commit DELETE intents"),
    *_points("C6", of.LOST_ON_APPLE, "write: commit intents.FOUND", "write: apple_music.list_playlists"),
    *_points("C6", of.LOST_ON_SPOTIFY, "write: spotify.list_playlists", "write: spotify.account"),
    *_points("C7", of.DROPPED, "write: commit DELETE intents"),
    *_points("C8", of.NEW_ON_APPLE, "write: commit checkpoints.CREATED"),
    *_points("T1", of.EXISTING, "write: commit target.CLAIM"),
    *_points("T2", of.EXISTING, "write: commit target_bases.CLEAR", "write: spotify.read_target"),
    *_points("T2", of.EXISTING, "write: commit target_bases.ADD"),
    *_points("T3", of.EXISTING, "write: commit checkpoints.EXISTING+target_bases.PUT"),
)
BATCH = (
    *_points("A1", of.NEW_ON_APPLE, "write: items.UNWRITTEN", "write: items.NEXT_WRITTEN"),
    *_points("A2", of.NEW_ON_APPLE, "write: commit intents.DECLARE", "write: book", nth=2),
    *_points("A4", of.NEW_ON_APPLE, "write: after the gate", nth=2),
    *_points("A4", of.LOST_ON_APPLE, "write: apple_music.add_tracks"),
    *_points("A4", of.LOST_ON_SPOTIFY, "write: spotify.add_tracks"),
    *_points("A5", of.NEW_ON_APPLE, "write: apple_music.add_tracks"),
    *_points("A5", of.NEW_ON_APPLE, "write: apple_music.add_tracks", nth=2),
    *_points("A5", of.NEW_ON_SPOTIFY, "write: spotify.add_tracks"),
    *_points("A6", of.EXPIRED, "match: connections.LEASE_REFRESH", "match: spotify.refresh_token"),
    *_points("A6", of.EXPIRED, "match: after the gate", "match: commit connections.STORE_TOKENS"),
    *_points("A7", of.LIMITED, "write: commit DELETE intents", nth=2),
    *_points("A8", of.REJECTED, "write: spotify.add_tracks", "write: spotify.read_target"),
    *_points("A8", of.REJECTED, "write: commit checkpoints.WRITTEN+checkpoints.COUNT"),
    *_points("A9 J4 J5", of.NEW_ON_APPLE, "write: commit checkpoints.WRITTEN+checkpoints.COUNT"),
    *_points("A9", of.NEW_ON_APPLE, "write: commit checkpoints.WRITTEN+checkpoints.COUNT", nth=2),
    *_points("A9", of.NEW_ON_APPLE, "write: commit checkpoints.PHASE+checkpoints.LAST_BATCH"),
    *_points("A11", of.SECOND_CHOICE, "write: refusals.LOAD", "write: lookups.FORGET", "write: DEL answer"),
    *_points("A11", of.SECOND_CHOICE, "write: MGET answer", "write: lookups.GET", "write: SET"),
    *_points("A11", of.SECOND_CHOICE, "write: spotify.find_by_isrc", "write: lookups.PUT"),
    *_points("A11", of.SECOND_CHOICE, "write: DEL asking"),
    *_points(
        "A11",
        of.SECOND_CHOICE,
        "write: commit checkpoints.WRITTEN+checkpoints.COUNT+refusals.NOTE+items.SETTLE+refusals.PRESENT",
    ),
    *_points("S1", of.LOST_ON_APPLE, "write: jobs.RELEASE", "write: commit intents.FOUND", nth=2),
    *_points("S2", of.LOST_ON_APPLE, "write: target_bases.TAIL", "write: target_bases.TIMES"),
    *_points("S2", of.LOST_ON_APPLE, "write: items.WRITTEN_BEFORE", "write: items.STANDING"),
    *_points("S2", of.LOST_ON_APPLE, "write: items.AT"),
    *_points("S3", of.LOST_ON_APPLE, "write: commit intents.OBSERVE"),
    *_points("S4", of.LOST_ON_APPLE, "write: apple_music.read_target"),
    *_points("S4", of.LOST_ON_SPOTIFY, "write: spotify.read_target"),
    *_points("S5", of.LOST_ON_APPLE, "write: commit checkpoints.WRITTEN+checkpoints.COUNT"),
    *_points("S5", of.LOST_ON_SPOTIFY, "write: commit checkpoints.WRITTEN+checkpoints.COUNT"),
    *_points("S5", of.DROPPED, "write: commit checkpoints.WRITTEN+checkpoints.COUNT"),
    *_points("S6", of.FAILED, "write: commit verdicts.FAIL+verdicts.FAIL_ITEMS"),
)
RESTORED = (
    *_points("D1", of.RESTORED, "write: commit intents.DECLARE"),
    *_points("D2", of.RESTORED, "write: commit intents.DECLARE+doubts.SETTLE"),
    *_points("D3", of.RESTORED, "write: commit intents.OBSERVE", nth=2),
)
VERIFY_AND_CONTROL = (
    *_points("V1", of.NEW_ON_APPLE, "verify: transfers.LOAD", "verify: items.WRITTEN", "verify: book"),
    *_points("V1", of.NEW_ON_APPLE, "verify: apple_music.read_target"),
    *_points("V1", of.NEW_ON_SPOTIFY, "verify: spotify.read_target"),
    *_points("V2", of.LATE, "verify: commit jobs.ADD"),
    *_points(
        "V3",
        of.HALF_KEPT,
        "verify: commit checkpoints.UNWRITTEN+checkpoints.REPAIR+checkpoints.PHASE+checkpoints.LAST_BATCH",
    ),
    *_points("V3", of.HALF_KEPT, "write: spotify.add_tracks", nth=2),
    *_points("V4", of.NEW_ON_APPLE, "verify: commit checkpoints.REFUSED+checkpoints.COMPLETE"),
    *_points("K1", of.PAUSED, "write: commit checkpoints.WRITTEN+checkpoints.COUNT"),
    *_points("K2", of.PAUSED, "write: apple_music.add_tracks"),
    *_points("K3", of.CANCELLED, "write: commit intents.FOUND", "write: jobs.RELEASE"),
    *_points(
        "K3",
        of.CANCELLED,
        "write: commit checkpoints.CANCEL+checkpoints.SKIP_ITEMS+checkpoints.CLOSE_JOBS",
    ),
    *_points("K5", of.FAILED, "write: commit checkpoints.WRITTEN+checkpoints.COUNT"),
    *_points(
        "K10",
        of.RETRIED,
        "match: commit items.SETTLE+checkpoints.IS_READ+jobs.HAS_OPEN"
        "+checkpoints.PHASE+checkpoints.LAST_BATCH",
        "match: spotify.find_by_isrc",
        "write: spotify.add_tracks",
        "write: commit checkpoints.WRITTEN+checkpoints.COUNT",
        "verify: commit checkpoints.REFUSED+checkpoints.COMPLETE",
    ),
    *_points("A1", of.RETRIED, "write: items.COUNT_BEFORE"),
    *_points("V1", of.RETRIED, "verify: items.IS_ADDED"),
)
PART_UNDONE = (
    "verify: commit undos.SETTLE+checkpoints.DELETED+target_parts.CLOSE_LAST+target_parts.GO_BACK"
    "+checkpoints.PHASE+checkpoints.LAST_BATCH"
)
PART_FILLED = (
    "verify: commit warnings.WARN+target_parts.CLOSE+target_parts.BEGIN+target_parts.GO_ON"
    "+checkpoints.PHASE+checkpoints.LAST_BATCH"
)
PARTS = (
    *_points("P1", of.SPLIT, "verify: items.UNWRITTEN", "verify: target_parts.HAS_OLDER"),
    *_points("P2", of.SPLIT, PART_FILLED),
    *_points("P2", of.SPLIT, PART_FILLED, nth=2),
    *_points("P3", of.SPLIT, "write: spotify.create_playlist", nth=2),
    *_points("P4", of.SPLIT, "write: commit checkpoints.CREATED+target_parts.MADE"),
    *_points(
        "P5",
        of.SPLIT,
        "write: spotify.add_tracks",
        "write: commit checkpoints.WRITTEN+checkpoints.COUNT+target_parts.PUT+target_parts.IS_OUT_OF_PLACE",
        nth=2,
    ),
    *_points("P6", of.SPLIT_UNDONE, PART_UNDONE),
    *_points("P6", of.SPLIT_UNDONE, PART_UNDONE, nth=2),
)
UNDO = (
    *_points("U1", of.UNDONE, "undo: transfers.LOAD", "undo: transfer.START"),
    *_points("U2", of.UNDONE, "undo: commit target.CLAIM"),
    *_points("U3", of.UNDONE, "undo: GET crossplay", "undo: intents.GET", "undo: items.OF_OUTCOME"),
    *_points("U3", of.UNDONE, "undo: target_bases.COUNTS", "undo: spotify.read_target", "undo: book"),
    *_points("U4", of.UNDONE, "undo: commit intents.DECLARE"),
    *_points("U6", of.UNDONE, "undo: after the gate"),
    *_points("U7", of.UNDONE, "undo: spotify.remove_tracks"),
    *_points("U10", of.UNDO_LOST, "undo: commit intents.FOUND", "undo: jobs.RELEASE"),
    *_points("U11", of.UNDONE, "undo: commit undos.SETTLE"),
    *_points("U11", of.UNDONE, "undo: commit checkpoints.PHASE+checkpoints.LAST_BATCH"),
    *_points("U12", of.UNDONE, "verify: items.OF_OUTCOME", "verify: target_bases.COUNTS"),
    *_points("U14", of.UNDONE, "verify: after the gate", "verify: spotify.delete_playlist"),
    *_points("U14", of.UNDO_LOST, "verify: jobs.RELEASE"),
    *_points("U15", of.UNDONE, "verify: commit undos.SETTLE+checkpoints.DELETED+checkpoints.COMPLETE"),
)
ALL = (*ANY_JOB, *READ_AND_MATCH, *TARGET, *BATCH, *RESTORED, *VERIFY_AND_CONTROL, *PARTS, *UNDO)


def _first_of_each_row() -> tuple[Point, ...]:
    chosen: dict[str, Point] = {}
    for point in sorted(ALL, key=lambda point: point.only_reads):
        for row in point.rows:
            chosen.setdefault(row, point)
    return tuple(point for point in ALL if point in chosen.values())


READS = {
    "schema.HAS_TABLE",
    "schema.APPLIED",
    "jobs.STALE",
    "workers.ALIVE",
    "GET sweeper",
    "transfers.LOAD",
    "GET crossplay",
    "connections.READ_SEALED",
    "items.RANGE",
    "match_rules.OF_TRACKS",
    "MGET answer",
    "lookups.GET",
    "intents.GET",
    "items.UNWRITTEN",
    "items.NEXT_WRITTEN",
    "items.COUNT_BEFORE",
    "items.IS_ADDED",
    "target_parts.HAS_OLDER",
    "target_bases.TAIL",
    "target_bases.TIMES",
    "items.STANDING",
    "items.WRITTEN_BEFORE",
    "items.AT",
    "items.WRITTEN",
    "items.OF_OUTCOME",
    "target_bases.COUNTS",
}
IS_COMPLETE = os.environ.get("CROSSPLAY_TEST_CRASH_POINTS") == "all"
CHOSEN = ALL if IS_COMPLETE else _first_of_each_row()
EVERY = 1 if IS_COMPLETE else 3
"""Of lost answers and frozen workers every third is enough for each run of the whole suite."""


UNTOLD = ("forget", "SCRIPT LOAD", ": jobs.RENEW", ": renew")
"""Ends of effects that come when they like: a worker that leaves says good-bye, Redis learns a script, and a
slow machine makes a heartbeat in any phase."""

COUNTING = (
    "GET census",
    "SET census",
    "EVAL if redis.call('GET'",
    "figures.",
    "TIME+HMGET",
    "INFO memory",
    "XINFO GROUPS",
)
"""Beginnings of what whoever counts the fleet for the metrics does, when its turn comes; it only reads."""
