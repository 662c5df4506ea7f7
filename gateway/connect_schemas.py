"""Request and response bodies about connecting accounts."""

from datetime import datetime
from typing import Annotated

import msgspec

from gateway.schemas import ConnectionResource, Id
from shared.db.connect_sessions import ConnectFlow, ConnectStatus
from shared.models import Platform

Token = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
Answers = Annotated[dict[str, str], msgspec.Meta(max_length=20)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]


class ConnectRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an account is to be connected; every field may be left out.

    another: one more account, where the platform does not say whose it is. hand_in: you bring us the address
    that the sign-in ends at. music_user_token: what MusicKit gave to a page of yours; only for Apple Music.
    form: the fields that GET /platforms names, by their names; only where the flow is `form`.
    """

    another: bool = False
    hand_in: bool = False
    music_user_token: Token | None = None
    form: Answers | None = None

    def __repr__(self) -> str:
        return "ConnectRequest(…)"


class ConnectQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """connection: the one that is to be renewed; another account is refused then."""

    connection: Id | None = None


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in sends back, maybe with fields of its own. error_reason: Deezer's word for error."""

    state: str = ""
    code: str | None = None
    error: str | None = None
    error_reason: str | None = None

    def __repr__(self) -> str:
        return f"CallbackQuery(error={self.error!r}, …)"


class HandInRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """address: where the platform's sign-in has sent the browser, whole."""

    address: Address

    def __repr__(self) -> str:
        return "HandInRequest(…)"


class PageForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a page of ours sends: its proof, and one of the others. form: answers by the fields' names."""

    proof: str
    go: str | None = None
    deny: str | None = None
    address: Address | None = None
    music_user_token: Token | None = None
    form: Answers = {}

    def __repr__(self) -> str:
        return "PageForm(…)"


class ConnectSessionResource(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to connect.

    flow: `redirect` leads to the platform's sign-in, `browser_token` has it on a page of this server, `form`
    asks for what the user knows. The user opens page_url in a browser, whichever it is. authorize_url,
    redirect_uri: where you hand the answer in, the platform's own sign-in, and how the address begins that it
    ends at. failure, failure_code: why it has not succeeded; while status is pending, it can be tried again.
    """

    id: str
    platform: Platform
    flow: ConnectFlow
    status: ConnectStatus
    page_url: str
    authorize_url: str | None
    redirect_uri: str | None
    hand_in: bool
    failure_code: str | None
    failure: str | None
    expires_at: datetime
    connection: ConnectionResource | None

    def __repr__(self) -> str:
        # An address of it holds the state.
        return f"ConnectSessionResource(id={self.id!r}, status={self.status!r}, …)"
