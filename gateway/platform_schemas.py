"""Response bodies about platforms: what they can do, what they allow, how one stands with them."""

from datetime import datetime

import msgspec

from gateway.actions.show_platforms import BudgetState
from gateway.schemas import ConnectionResource
from shared.db.connect_sessions import ConnectFlow
from shared.models import Platform
from shared.platforms.collections import Collection
from shared.platforms.forms import FieldKind


class CollectionResource(msgspec.Struct, frozen=True, kw_only=True):
    """What an account keeps beside its playlists, read as a playlist of that id.

    *_batch: tracks, albums or artists of one request, 0 where it cannot be done.
    """

    id: Collection
    add_batch: int
    remove_batch: int


class CapabilitiesResource(msgspec.Struct, frozen=True, kw_only=True):
    """What Crossplay can do there.

    read, write, remove: playlists' tracks. isrc: recordings are looked up by their ISRC. albums: they are
    searched, too. insert: tracks are put at
    any position, not only at the end. playlist_limit: tracks of one playlist, null where no limit is known.
    *_batch, read_page: of one request, 0 where it cannot be done.
    visibility_delay_s: how long an accepted write may stay unseen.
    """

    read: bool
    write: bool
    remove: bool
    isrc: bool
    albums: bool
    collections: tuple[CollectionResource, ...]
    insert: bool
    playlist_limit: int | None
    read_page: int
    add_batch: int
    remove_batch: int
    isrc_batch: int
    visibility_delay_s: float


class PoolResource(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform counts together: at most `limit` in any `window_s` seconds, `burst` of them at once.

    day_zone: where the platform counts calendar days, the time zone at whose midnight it begins anew, as the
    tz database names it, and else null; all units of a day may be spent at once. state: `cooling_down` until
    resume_at after the platform has told us to wait; `used_up` until then, where the day has no units left;
    `unknown` where nobody can say. left_count: what is left of the day. wait_s: how long a request that is
    asked for now would wait.
    """

    name: str
    limit: float
    window_s: float
    burst: int
    day_zone: str | None
    state: BudgetState
    wait_s: float | None
    resume_at: datetime | None
    left_count: int | None


class LimitsResource(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that we keep. scope: whose requests are counted together. source, read_on: where from."""

    scope: str
    concurrency: int
    pools: tuple[PoolResource, ...]
    source: str
    read_on: str


class PlatformPauseResource(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever runs this server lets everything wait that touches the platform. text: why, maybe empty."""

    text: str
    paused_at: datetime


class FormFieldResource(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the form by which an account is connected. kind: a `secret` is not to be shown.

    help: a sentence for people, maybe empty.
    """

    name: str
    label: str
    kind: FieldKind
    required: bool
    help: str


class ConnectingResource(msgspec.Struct, frozen=True, kw_only=True):
    """How accounts are connected: flow is as in a connect session, fields are those of a `form`."""

    flow: ConnectFlow
    fields: tuple[FormFieldResource, ...]


class LinksResource(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a link to a playlist that everybody may see is read without an account. reason: why not."""

    readable: bool
    reason: str | None


class PlatformResource(msgspec.Struct, frozen=True, kw_only=True):
    """A platform. setup: what the operator has to do before accounts can be connected, null where none need.

    connecting: null where it is not set up, or nobody signs in. resume_at: when the last of its pools goes
    on, null where none has stopped. connections: your own.
    """

    platform: Platform
    label: str
    configured: bool
    setup: str | None
    connecting: ConnectingResource | None
    links: LinksResource
    capabilities: CapabilitiesResource
    limits: LimitsResource
    resume_at: datetime | None
    paused: PlatformPauseResource | None
    connections: tuple[ConnectionResource, ...]


class PlatformPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[PlatformResource, ...]
    next_cursor: None = None
