"""One request to a platform, and what proves who sends it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from yarl import URL

from shared.models import TokenSet


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What proves who calls: headers, the query, or fields, which go into a call's form where it has one.

    Fields of a call without a form go into its query.
    """

    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    fields: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return "Proof(…)"


NO_PROOF = Proof()
Sign: TypeAlias = Callable[[TokenSet | None], Proof]
"""Makes the proof; the tokens are None where a call needs no user."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. route is a template whose {names} are filled from path; query values are never logged.

    body is sent as JSON of that media type, form as a form; at most one of them, and only in writes. nothing:
    a 404 whose text holds the word is no error but an answer, namely the bytes.
    """

    operation: str
    route: str
    method: str = "GET"
    path: Mapping[str, str] = {}
    query: Mapping[str, str | int | list[str]] = {}
    body: Any = None
    media_type: str = "application/json"
    form: Mapping[str, str | list[str]] | None = None
    headers: Mapping[str, str] = {}
    nothing: tuple[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"Call(operation={self.operation!r}, method={self.method!r}, route={self.route!r}, …)"

    def url(self, base_url: str, *, proof: Proof) -> URL:
        route = self.route.format(**{name: quote(value, safe="") for name, value in self.path.items()})
        fields = proof.fields if self.form is None else {}
        query = {**self.query, **proof.query, **fields}
        return URL(base_url.rstrip("/") + route, encoded=True).with_query(query)

    def content(self, *, proof: Proof = NO_PROOF) -> tuple[str, bytes]:
        """Return content type and bytes of the request body."""
        if self.form is not None:
            form = urlencode({**self.form, **proof.fields}, doseq=True)
            return "application/x-www-form-urlencoded", form.encode()
        return self.media_type, b"" if self.body is None else msgspec.json.encode(self.body)
