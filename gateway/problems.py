"""Every error as RFC 9457 tells it: one table from error class to status, words and cure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway import schemas
from gateway.actions.refusals import (
    BodyMalformed,
    BodyTooSlow,
    ConnectAgain,
    ConnectFirst,
    NotAcceptable,
    RedirectUriImpossible,
    TooManyRequests,
    TooManyStreams,
    TooManyWebhooks,
    UndoNotSupported,
    UnsupportedMediaType,
)
from shared import errors
from shared.cipher import KeyMissing, SealBroken
from shared.db.schema import SchemaMismatch
from shared.errors import CrossplayError, FieldFault


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A sort of problem. is_told: the error's own text is for the client; else only cause is."""

    slug: str
    status: int
    title: str
    cause: str
    cure: str
    is_told: bool = True


INTERNAL = Kind(
    slug="internal",
    status=500,
    title="Unexpected fault",
    cause="Something happened that this server was not made for.",
    cure="Try again; if it stays, give the request id to the operator, who finds the details in the log.",
    is_told=False,
)
_VALIDATION = Kind(
    slug="validation",
    status=422,
    title="The request does not have the promised form",
    cause="A field, parameter or header is missing, unknown, of another type or out of its bounds.",
    cure="Change what `errors` point at; `/openapi.json` has every form.",
)
_MALFORMED = msgspec.structs.replace(_VALIDATION, status=400)
_NOT_FOUND = Kind(
    slug="not-found",
    status=404,
    title="There is no such thing",
    cause="The address or the id names nothing that your API key may see.",
    cure="Check it for typing mistakes; `GET /transfers`, `/connections`, `/rules`, `/webhooks` list yours.",
)
_CONNECTION_MISSING = Kind(
    slug="connection-missing",
    status=409,
    title="No such account is connected",
    cause="The request needs an account at a platform that you have not connected.",
    cure="Connect it with a POST to `connect_url`, or name one of `GET /connections`.",
)
_RECONNECT = Kind(
    slug="reconnect-required",
    status=409,
    title="The account has to be connected again",
    cause="The platform no longer accepts the connection: it ran out, was revoked, or allows too little.",
    cure="Connect the same account again with a POST to `action_url`; what waited goes on by itself.",
)
_STATE_CONFLICT = Kind(
    slug="state-conflict",
    status=409,
    title="Not possible in this state",
    cause="What was asked makes no sense in the state that the thing is in now.",
    cure="Read its state and decide anew.",
)
_REJECTED = Kind(
    slug="platform-rejected",
    status=502,
    title="The platform does not accept our request",
    cause="The platform has changed, or this release has a fault.",
    cure="Look for a newer release; repeating does not help.",
)
_SEAL_BROKEN = Kind(
    slug="seal-broken",
    status=500,
    title="A stored secret cannot be opened",
    cause="The server's keys were changed without keeping the old ones, or its database was.",
    cure="Its operator adds the old key to CROSSPLAY_SECRET_KEYS; `crossplay keys status` tells which.",
    is_told=False,
)
_JOB = msgspec.structs.replace(INTERNAL, cause="An error of the workers reached the gateway.")

TABLE: dict[type[CrossplayError], Kind] = {
    CrossplayError: INTERNAL,
    FieldFault: _VALIDATION,
    errors.RequestError: _MALFORMED,
    errors.ValidationFailed: _VALIDATION,
    BodyMalformed: _MALFORMED,
    errors.Unauthenticated: Kind(
        slug="unauthenticated",
        status=401,
        title="Who is asking?",
        cause="The request has no API key, or one that was not copied whole, is unknown, revoked or expired, "
        "or whose user is disabled.",
        cure="Send `Authorization: Bearer cp_live_…` with a key that the operator or `POST /keys` made.",
    ),
    errors.ScopeMissing: Kind(
        slug="forbidden-scope",
        status=403,
        title="The API key does not allow this",
        cause="The key is good, but not for this.",
        cure="Use a key with the scope that `detail` names; `GET /keys` shows which has it.",
    ),
    errors.NotFound: _NOT_FOUND,
    errors.UnknownPlatform: Kind(
        slug="unknown-platform",
        status=404,
        title="This platform is not known here",
        cause="The address names a music platform that this release does not speak.",
        cure="Use one of the names in `detail`.",
    ),
    errors.StateConflict: _STATE_CONFLICT,
    errors.PlatformPaused: Kind(
        slug="platform-paused",
        status=409,
        title="The platform is paused on this server",
        cause="The operator of this server lets nothing of this platform run for the moment.",
        cure="Wait: what the operator has paused goes on by itself. It can be cancelled meanwhile.",
    ),
    UndoNotSupported: Kind(
        slug="undo-not-supported",
        status=409,
        title="The platform lets nobody remove tracks",
        cause="This platform's interface can add tracks to a playlist and cannot take them out again.",
        cure="Do by hand in the platform's own app what `detail` says; `url` leads to the playlist.",
    ),
    errors.IdempotencyKeyReused: Kind(
        slug="idempotency-key-reused",
        status=422,
        title="The Idempotency-Key stands for another request",
        cause="The same key came before with another body.",
        cure="Use a new key for a new request, and the same body to repeat an old one.",
    ),
    errors.FileUnreadable: Kind(
        slug="file-unreadable",
        status=422,
        title="The file is no playlist that can be read",
        cause="It has a form that is not known here, is damaged, or holds more than one file may.",
        cure="Do what `detail` says; docs/reference/file-formats.md lists every form with its limits.",
    ),
    errors.PlaylistNotReadable: Kind(
        slug="playlist-not-readable",
        status=422,
        title="The source playlist cannot be read",
        cause="It does not exist, is not shown to the connected account, or its name is not the only one.",
        cure="Take an id from `GET /playlists`, or copy the playlist to an own one on the platform first.",
    ),
    errors.TargetNotWritable: Kind(
        slug="target-not-writable",
        status=422,
        title="The target playlist cannot be changed",
        cause="It does not exist, belongs to somebody else, or its name is not the only one.",
        cure="Take a writable one from `GET /playlists`, or give `target.name` to have a new one made.",
    ),
    NotAcceptable: Kind(
        slug="not-acceptable",
        status=406,
        title="There is no such form of it",
        cause="The `Accept` header names no media type that this address answers with.",
        cure="Name one of those in `detail`, or leave the header out.",
    ),
    BodyTooSlow: Kind(
        slug="request-timeout",
        status=408,
        title="The body took too long",
        cause="The rest of the body did not arrive in time.",
        cure="Send it again; if the line is slow, send less at once.",
    ),
    UnsupportedMediaType: Kind(
        slug="unsupported-media-type",
        status=415,
        title="The body is not of a type that is read here",
        cause="Bodies are JSON, uncompressed, and say so.",
        cure="Send `Content-Type: application/json`, and no `Content-Encoding`.",
    ),
    errors.ConnectFailed: Kind(
        slug="connect-failed",
        status=422,
        title="The account was not connected",
        cause="The sign-in was refused, ran out, was used before, or did not begin here.",
        cure="Start to connect again: `crossplay connect`, or a POST to `/connect/{platform}`.",
    ),
    errors.AccountError: _STATE_CONFLICT,
    errors.ConnectionMissing: _CONNECTION_MISSING,
    ConnectFirst: _CONNECTION_MISSING,
    errors.ReconnectRequired: _RECONNECT,
    ConnectAgain: _RECONNECT,
    errors.AccountMismatch: Kind(
        slug="account-mismatch",
        status=409,
        title="This is another account",
        cause="A connection was to be renewed, but another account of the platform signed in.",
        cure="Sign in with the account that the connection has, or connect the other one as a new one.",
    ),
    errors.PlatformNotConfigured: Kind(
        slug="platform-not-configured",
        status=409,
        title="The platform is not set up on this server",
        cause="Each server needs an app registration of its own at the platform.",
        cure="Its operator sets the variables that `detail` names and starts the server again.",
    ),
    errors.TokensLocked: Kind(
        slug="tokens-locked",
        status=503,
        title="This server cannot open the account's tokens",
        cause="The server's keys were changed without keeping the old ones.",
        cure="Its operator adds the old key to CROSSPLAY_SECRET_KEYS again, or the account is connected "
        "again; what waited goes on by itself.",
    ),
    RedirectUriImpossible: Kind(
        slug="redirect-uri-impossible",
        status=409,
        title="The platform would not send the browser back here",
        cause="Platforms send browsers to https addresses or to 127.0.0.1 only.",
        cure="Take one of the ways in `routes`.",
    ),
    errors.PlatformError: _REJECTED,
    errors.PlatformUnavailable: Kind(
        slug="upstream-unavailable",
        status=503,
        title="The platform does not answer",
        cause="The music platform has a fault or cannot be reached; nothing of yours is wrong.",
        cure="Try again after `Retry-After`.",
    ),
    TooManyStreams: Kind(
        slug="too-many-streams",
        status=429,
        title="Too many event streams are open",
        cause="Each open event stream keeps this server busy, so their number is limited.",
        cure="Close a stream that nobody reads, or ask `GET /status/{id}` with `Prefer: wait=25` instead.",
    ),
    TooManyWebhooks: Kind(
        slug="too-many-webhooks",
        status=409,
        title="You have too many webhooks",
        cause="Each event is sent to every webhook of its user, so their number is limited.",
        cure="Remove one that you do not need with `DELETE /webhooks/{id}`; `GET /webhooks` lists them.",
    ),
    TooManyRequests: Kind(
        slug="too-many-requests",
        status=429,
        title="Too many requests",
        cause="An API key may make so many requests per minute, and an address send so many wrong keys.",
        cure="Try again after `Retry-After`. Ask `GET /status/{id}` with `If-None-Match`, for a 304 does not "
        "count, and with `Prefer: wait=25`.",
    ),
    errors.RateLimited: Kind(
        slug="quota-exceeded",
        status=429,
        title="The platform wants us to wait",
        cause="This server has used up what the music platform allows it for the moment.",
        cure="Try again after `Retry-After`; transfers that run wait by themselves.",
    ),
    errors.PlatformDenied: Kind(
        slug="platform-denied",
        status=409,
        title="The platform refuses this app or account",
        cause="The app's registration or the account's subscription does not allow it.",
        cure="Do at the platform what `detail` says, or ask the operator of this server to.",
    ),
    errors.PlatformNotFound: Kind(
        slug="playlist-not-found",
        status=404,
        title="The platform does not know it",
        cause="It was removed, or is not shown to the connected account.",
        cure="Take an id from `GET /playlists?refresh=true`.",
    ),
    errors.PlatformRejected: _REJECTED,
    errors.PlatformAnswerInvalid: Kind(
        slug="platform-answer-invalid",
        status=502,
        title="The platform's answer cannot be read",
        cause="The platform has changed what it answers, or something between it and us did.",
        cure="Try again; if it stays, look for a newer release.",
    ),
    errors.JobError: _JOB,
    errors.LeaseLost: _JOB,
    errors.SentLate: _JOB,
    errors.JobPoisonous: _JOB,
    errors.JobBroken: _JOB,
    errors.TransferCancelled: _STATE_CONFLICT,
    errors.Draining: Kind(
        slug="draining",
        status=503,
        title="This process is about to stop",
        cause="It is being replaced or shut down.",
        cure="Try again: another one takes over.",
    ),
    errors.StoreUnavailable: Kind(
        slug="store-unavailable",
        status=503,
        title="The database does not answer",
        cause="Postgres is away or overloaded; transfers are safe in it and go on when it is back.",
        cure="Try again after `Retry-After`; the operator finds the state of each part at `/readyz`.",
    ),
    SchemaMismatch: Kind(
        slug="schema-behind",
        status=503,
        title="The database has another release's schema",
        cause="The server was upgraded or put back without its database.",
        cure="Its operator runs `crossplay migrate` of the newest release.",
    ),
    SealBroken: _SEAL_BROKEN,
    KeyMissing: _SEAL_BROKEN,
    errors.SettingsError: INTERNAL,
    errors.MaintenanceRefused: INTERNAL,
}
HTTP_KINDS: dict[int, Kind] = {
    400: _MALFORMED,
    404: _NOT_FOUND,
    405: Kind(
        slug="method-not-allowed",
        status=405,
        title="The address does not take this method",
        cause="There is something here, but not for this HTTP method.",
        cure="Use one of the methods in the `Allow` header.",
    ),
    413: Kind(
        slug="body-too-large",
        status=413,
        title="The body is too large",
        cause="No request of this API needs more than 256 KiB; a file may have 32 MiB.",
        cure="Send less, or split the file.",
    ),
}
UNREADABLE = Kind(
    slug="request-unreadable",
    status=400,
    title="This is no request that can be read",
    cause="The first line, a header or the framing of the body breaks the rules of HTTP, or a line is longer "
    "than 8 KiB.",
    cure="Send it by a common HTTP client; if there is a proxy between, ask it what it passes on.",
)
KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (*TABLE.values(), *HTTP_KINDS.values(), UNREADABLE)
    if kind not in (_MALFORMED, _JOB)
}
"""Each kind once, by slug."""

RETRY_AFTER_S = 5
"""What a client is told to wait where nobody knows better."""


def kind_of(error: CrossplayError) -> Kind:
    """Return the kind of the error's class, or of the nearest class above it."""
    return next(TABLE[one] for one in type(error).__mro__ if one in TABLE)


def body_of(
    kind: Kind, *, error: CrossplayError | None, request_id: str, trace_id: str | None
) -> dict[str, Any]:
    """Return the problem document; error brings the detail, the faulty fields and its own extras."""
    problem = schemas.Problem(
        type=f"/problems/{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=str(error) if error and kind.is_told else kind.cause,
        code=kind.slug,
        help=kind.cure,
        request_id=request_id,
        trace_id=trace_id,
        errors=tuple(_faults(getattr(error, "faults", ()))),
    )
    extras: dict[str, Any] = dict(getattr(error, "extras", {}))
    return {**msgspec.to_builtins(problem), **extras}


def retry_after_s(kind: Kind, *, error: CrossplayError | None) -> int | None:
    """Return the seconds for Retry-After; None where repeating does not help."""
    told_s = getattr(error, "retry_after_s", None)
    if told_s is not None:
        return max(1, int(told_s + 0.999))
    return RETRY_AFTER_S if kind.status == 503 else None


def _faults(faults: Iterable[Any]) -> Iterable[schemas.FaultyField]:
    for fault in faults:
        if isinstance(fault, FieldFault):
            yield schemas.FaultyField(pointer=fault.pointer, detail=fault.detail)
