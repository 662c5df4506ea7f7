"""Show how a transfer stands, at once or when it changes, and what became of each of its items."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import hdrs, web

from gateway import answers, keys, resources
from gateway.actions.read_transfer import WAIT_LIMIT_S
from gateway.decoding import decode_query
from gateway.operations import Operation
from gateway.schemas import StatusResource, TrackPage
from gateway.status_schemas import StatusQuery, TracksQuery
from shared.db.transfers import Transfer, TransferView
from shared.errors import FieldFault, ValidationFailed
from shared.lifecycle import TERMINAL, Bucket, State, bucket_of
from shared.models import MATCHED, Outcome
from shared.scopes import Scope

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


async def show(request: web.Request) -> web.Response:
    read, user_id = request.app[keys.READ_TRANSFER], request[keys.USER_ID]
    transfer_id = request.match_info["id"]
    query = decode_query(request.query, into=StatusQuery)
    fields = _fields(query.fields) if query.fields else ()
    known = _known_revision(request)
    wait_s = _wished_wait_s(request)
    headers = {}
    if wait_s:
        view = await read.view(user_id, transfer_id)
        revision = view.transfer.revision
        is_news = known is not None and revision != known
        if not is_news and view.transfer.state not in TERMINAL:
            await read.wait(user_id, transfer_id, beyond=revision, timeout_s=wait_s)
            headers["Preference-Applied"] = f"wait={wait_s}"
    if known is not None and await read.revision(user_id, transfer_id) == known:
        headers |= {hdrs.ETAG: _etag(known), hdrs.CACHE_CONTROL: "no-cache"}
        return web.Response(status=304, headers=headers)
    response = status_answer(request, await read.view(user_id, transfer_id), fields=fields)
    response.headers.update(headers)
    return response


async def tracks(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=TracksQuery)
    after = answers.open_cursor(query.cursor, into=int) if query.cursor else -1
    rows = await request.app[keys.READ_TRANSFER].items(
        request[keys.USER_ID],
        request.match_info["id"],
        after=after,
        outcomes=_outcomes(query.outcome) if query.outcome else None,
        limit=query.limit + 1,
    )
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor(shown[-1].position) if more else None
    page = TrackPage(items=tuple(map(resources.track, shown)), next_cursor=cursor)
    return answers.json(page, headers=answers.next_link(request, cursor))


def status_answer(
    request: web.Request, view: TransferView, *, status: int = 200, fields: Sequence[str] = ()
) -> web.Response:
    """Answer with a transfer's status resource; where fields are named, with these alone."""
    row = view.transfer
    headers: dict[str, str] = {hdrs.ETAG: _etag(row.revision), hdrs.CACHE_CONTROL: "no-cache"}
    wait_s = _retry_after_s(row, now=datetime.now(UTC))
    if wait_s is not None:
        headers[hdrs.RETRY_AFTER] = str(wait_s)
    resource = status_resource(request, view)
    body = {name: getattr(resource, name) for name in fields} if fields else resource
    return answers.json(body, status=status, headers=headers)


def status_resource(request: web.Request, view: TransferView) -> StatusResource:
    return resources.status(
        view, label=request.app[keys.PLATFORMS].label, trace_url=request.app[keys.SETTINGS].trace_url
    )


def _retry_after_s(row: Transfer, *, now: datetime) -> int | None:
    if row.state in TERMINAL:
        return None
    if row.state is not State.PAUSED:
        return 2
    if row.resume_at is None:
        return 30
    return min(300, max(1, round((row.resume_at - now).total_seconds())))


def _fields(text: str) -> tuple[str, ...]:
    """Read the names of fields. Raises ValidationFailed."""
    names = tuple(dict.fromkeys(text.split(",")))
    choices = StatusResource.__struct_fields__
    if not set(names) <= set(choices):
        fault = FieldFault("/query/fields", f"Choose some of {', '.join(choices)}, separated by commas.")
        raise ValidationFailed("The status has no such field.", faults=(fault,))
    return names


def _etag(revision: int) -> str:
    return f'W/"{revision}"'


def _known_revision(request: web.Request) -> int | None:
    """Return the newest revision that the client says it has; tags that are none of ours are ignored."""
    found = _ETAG.findall(request.headers.get(hdrs.IF_NONE_MATCH, ""))
    return max(map(int, found), default=None)


def _wished_wait_s(request: web.Request) -> int:
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), int(WAIT_LIMIT_S)) if found else 0


def _outcomes(text: str) -> list[Outcome]:
    """Read a filter: outcomes, or buckets that are made of whole outcomes. Raises ValidationFailed."""
    choices = {outcome.value: [outcome] for outcome in Outcome}
    for outcome in set(Outcome) - MATCHED:
        bucket = bucket_of(outcome, is_written=False).value
        if bucket != outcome:
            choices.setdefault(bucket, []).append(outcome)
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in choices]
    if unknown:
        fault = FieldFault("/query/outcome", f"Choose some of {', '.join(choices)}, separated by commas.")
        raise ValidationFailed("There is no such outcome.", faults=(fault,))
    return [outcome for name in names for outcome in choices[name]]


_BUCKETS = ", ".join(Bucket)

ROUTES = (
    Operation(
        method="GET",
        path="/status/{id}",
        handler=show,
        name="getStatus",
        scope=Scope.TRANSFERS_READ,
        summary=f"Show how a transfer stands. Its counts are disjoint: {_BUCKETS}.",
        headers={
            "If-None-Match": "The ETag that you have: 304 if nothing has changed.",
            "Prefer": f"`wait=N`: answer when the revision changes, or after N s (≤ {WAIT_LIMIT_S:.0f}).",
        },
        query=StatusQuery,
        answers={200: StatusResource, 304: None},
        problems=("validation", "not-found", "store-unavailable"),
    ),
    Operation(
        method="GET",
        path="/status/{id}/tracks",
        handler=tracks,
        name="listTracks",
        scope=Scope.TRANSFERS_READ,
        summary="List a transfer's items in order, each with what became of it and why.",
        query=TracksQuery,
        answers={200: TrackPage},
        problems=("validation", "not-found", "store-unavailable"),
    ),
)
