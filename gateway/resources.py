"""Rows become response bodies: pure functions, one per kind of body."""

from collections.abc import Callable, Sequence

import msgspec

from gateway import schemas
from gateway.actions.foretell_sign_in import foretell
from gateway.actions.renew_url import renew_url
from gateway.review_schemas import RuleResource, RuleSourceResource, RuleTargetResource
from gateway.schemas import Ending, OnDuplicate, TransferKind
from shared.db.connections import Connection, ConnectionState
from shared.db.items import Item
from shared.db.match_rules import Rule
from shared.db.transfers import Transfer, TransferView
from shared.lifecycle import PauseReason, State, is_full
from shared.models import ConnectionId, Platform, Playlist, SourceItem
from shared.summaries import summarize
from shared.targets import PlaylistPart, targets_of

Label = Callable[[Platform], str]

_CURED_BY_CONNECTING = {
    PauseReason.RECONNECT_REQUIRED,
    PauseReason.PLATFORM_DENIED,
    PauseReason.TOKENS_LOCKED,
}


def status(view: TransferView, *, label: Label, trace_url: str) -> schemas.StatusResource:
    """trace_url: link template with {trace_id}, or empty."""
    row, counts = view.transfer, view.counts
    targets = targets_of(row, view.parts)
    ending = None
    if row.state is State.COMPLETED:
        ending = Ending.FULL if is_full(counts) else Ending.PARTIAL
    return schemas.StatusResource(
        **msgspec.structs.asdict(transfer(_with_first(row, targets), trace_url=trace_url)),
        summary=summarize(row, counts=counts, label=label),
        outcome=ending,
        targets=targets,
        counts=schemas.Counts(
            total=sum(counts.values()), **{bucket.value: count for bucket, count in counts.items()}
        ),
        warnings=row.warnings,
    )


def transfer(row: Transfer, *, trace_url: str) -> schemas.TransferResource:
    trace_id = _trace_id(row)
    return schemas.TransferResource(
        id=row.id,
        kind=TransferKind.TRANSFER if row.undoes is None else TransferKind.UNDO,
        undoes=row.undoes,
        undone_by=row.undone_by,
        revision=row.revision,
        state=row.state,
        phase=row.phase,
        paused=_paused(row),
        error=schemas.Fault(code=row.error_code, text=row.error_text or "") if row.error_code else None,
        source=schemas.SourceResource(
            platform=row.source_platform,
            connection=row.source_connection_id,
            playlist=row.source_playlist_id,
            name=row.source_name,
        ),
        target=schemas.TargetResource(
            platform=row.target_platform,
            connection=row.target_connection_id,
            playlist=row.target_playlist_id,
            name=row.target_name,
        ),
        target_playlist=_target_playlist(row),
        policy=row.policy,
        explicit=row.explicit,
        on_duplicate=OnDuplicate(row.on_duplicate),
        trace_id=trace_id,
        trace_url=trace_url.replace("{trace_id}", trace_id) if trace_id and trace_url else None,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        links=schemas.StatusLinks(
            self=f"/status/{row.id}",
            events=f"/status/{row.id}/events",
            tracks=f"/status/{row.id}/tracks",
            report=f"/status/{row.id}/report",
        ),
    )


def track(item: Item) -> schemas.TrackResource:
    return schemas.TrackResource(
        position=item.position,
        source=_source_track(item.source),
        outcome=item.outcome,
        written=item.is_written,
        reason=item.reason,
        score=item.score,
        target=item.target,
        evidence=item.evidence,
        alternatives=item.alternatives,
    )


def rule(row: Rule) -> RuleResource:
    return RuleResource(
        id=row.id,
        source=RuleSourceResource(platform=row.source.platform, track=row.source),
        target=RuleTargetResource(platform=row.target_platform, track=row.target, absent=row.target is None),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def playlist(one: Playlist, *, connection: Connection) -> schemas.PlaylistResource:
    return schemas.PlaylistResource(
        id=one.id,
        name=one.name,
        platform=connection.platform,
        connection=connection.id,
        owner=one.owner,
        track_count=one.track_count,
        writable=one.writable,
        readable=one.readable,
        url=one.url,
    )


def connection(row: Connection) -> schemas.ConnectionResource:
    forecast = foretell(row)
    is_due = row.state is not ConnectionState.CONNECTED or forecast.notice is not None
    return schemas.ConnectionResource(
        id=row.id,
        platform=row.platform,
        label=row.label,
        market=row.market,
        state=row.state,
        authorized_at=row.authorized_at,
        created_at=row.created_at,
        sign_in_ends_at=row.sign_in_ends_at,
        days_left=forecast.days_left,
        notice=forecast.notice,
        action_url=renew_url(row.platform, row.id) if is_due else None,
    )


def _paused(row: Transfer) -> schemas.Paused | None:
    if row.state is not State.PAUSED or row.pause_reason is None:
        return None
    waited_for = _waited_for(row) if row.pause_reason in _CURED_BY_CONNECTING else None
    return schemas.Paused(
        reason=row.pause_reason,
        platform=row.pause_platform,
        text=(row.pause_text or None) if row.pause_reason is PauseReason.OPERATOR else None,
        resume_at=row.resume_at,
        action_url=renew_url(row.pause_platform, waited_for) if waited_for and row.pause_platform else None,
    )


def _waited_for(row: Transfer) -> ConnectionId | None:
    """Return the connection that a paused transfer waits for; within one platform that of its phase.

    None where it waits to read a public source, for which no account is needed.
    """
    is_source = row.pause_platform is row.source_platform
    if row.source_platform is row.target_platform:
        is_source = not row.is_read
    return row.source_connection_id if is_source else row.target_connection_id


def _with_first(row: Transfer, targets: Sequence[PlaylistPart]) -> Transfer:
    """Let a transfer that has more than one playlist be about its first one."""
    if len(targets) < 2:  # fewer than two are all told by the row
        return row
    return msgspec.structs.replace(row, target_playlist_id=targets[0].id, target_url=targets[0].url)


def _target_playlist(row: Transfer) -> schemas.TargetPlaylist | None:
    if row.target_playlist_id is None:
        return None
    return schemas.TargetPlaylist(id=row.target_playlist_id, name=row.target_name, url=row.target_url)


def _source_track(source: SourceItem) -> schemas.SourceTrack:
    found = source.track
    if found is None:
        return schemas.SourceTrack(title=source.title)
    return schemas.SourceTrack(
        title=found.title,
        artists=found.artists,
        album=found.album,
        duration_ms=found.duration_ms,
        isrc=found.isrc,
        explicit=found.explicit,
        id=found.id,
        url=found.url,
    )


def _trace_id(row: Transfer) -> str | None:
    parts = row.trace.get("traceparent", "").split("-")
    return parts[1] if len(parts) > 1 else None
