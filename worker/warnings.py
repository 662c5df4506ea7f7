"""What a transfer tells its user beside its outcomes: each warning once, with its words."""

from shared.db.jobs import Job
from shared.db.pool import Connection, changed_count
from shared.meters import meters

WARN = """
UPDATE transfers SET warnings = warnings || $2::jsonb
WHERE id = $1 AND NOT warnings @> jsonb_build_array(jsonb_build_object('code', $3::text))
"""

WARNINGS = {
    "source_edited": "Somebody changed the source playlist while it was read: a track may be missing or "
    "stand twice. Transfer it again to be sure.",
    "target_edited": "Somebody changed the target playlist meanwhile; what was not ours has been left alone.",
    "late_write": "A worker was frozen in the moment of sending, and another one had gone on meanwhile: some "
    "tracks may stand twice. Look at the playlist, and remove by hand what is too much.",
    "late_removal": "A worker was frozen in the moment of sending, and another one had gone on meanwhile: a "
    "track that you have added again since may be gone too.",
    "order_differs": "The tracks stand in another order than in the source: the platform has mixed them, or "
    "takes tracks at the end only.",
    "added_at_end": "This platform lets tracks be added at the end only: what was decided or found later "
    "stands there, and not at its place.",
    "target_unchecked": "The target playlist changed whenever it was read, so it could not be checked. Look "
    "yourself whether everything is there.",
    "target_split": "The target playlist is full: what did not fit stands in further ones, which bear its "
    "name and a number.",
    "added_to_last_part": "What was decided or found later stands in the last of the playlists, and not at "
    "its place: the playlist of that is full.",
    "unsettled": "The platform could not be asked what the last write did: tracks that are named as skipped "
    "may stand in the playlist too.",
    "playlist_kept": "The playlist holds tracks that are not ours; it was left with them.",
    "playlist_not_deleted": "The platform does not let us delete the emptied playlist: delete it by hand.",
}


async def warn(connection: Connection, job: Job, code: str) -> None:
    warning = [{"code": code, "detail": WARNINGS[code]}]
    if changed_count(await connection.execute(WARN, job.transfer_id, warning, code)):
        meters.warned(code)
