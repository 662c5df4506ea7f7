"""Blanks secrets in what leaves the process as text: a net below the rule that none is ever put there."""

import functools
import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

import msgspec
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import Attributes, AttributeValue

from shared.secret import Secret
from shared.settings import Settings, private_key_pem

BLANK = "[redacted]"

_REMEMBERED_COUNT = 4096

_LEAST_LENGTH = 12  # a shorter password may be a common word, and blanking it would spoil every line

# Shapes that can be nothing else. A break is one within a token that was printed over several lines; JSON
# may have escaped it, and JSON in JSON once more.
_BREAK = r"(?: \\{1,8}[nr] | [\r\n] )"
_GAP = r"(?: \s | \\{1,8}[nrt] | %20 )+"
_IS = r"""(?: [\\"']* \s* [:=] \s* [\\"']* | ["'] \s* , \s* b? ["'] )"""
_PRIVATE_KEY = rf"""
    -----BEGIN [^-]{{0,40}} PRIVATE\ KEY-----        # also one that was cut off
    (?: [\w+/=\s] | {_BREAK} )* (?: -----END [^-]{{0,40}} ----- )?
"""
_SPOTIFY = rf"(?-i: [AB]Q ) (?: [\w-] | {_BREAK} ){{60,}}"
_JWT = rf"""
    (?-i: eyJ ) (?: [\w-] | {_BREAK} )+ \. (?: [\w-] | {_BREAK} )+ \. (?: [\w-] | {_BREAK} )*
"""
_WELL_KNOWN = rf"(?: {_PRIVATE_KEY} | {_SPOTIFY} | {_JWT} )"
_VALUE = rf"""(?: {_WELL_KNOWN} | [^\s"'\\&,}}]+ )"""
_SHAPES = re.compile(
    rf"""
      (?P<header> \b (?:proxy-)? authorization {_IS} (?: (?:Bearer | Basic | Digest) {_GAP} )? ) {_VALUE}
    | (?P<scheme> \b (?:Bearer | Basic) {_GAP} )
        (?: {_WELL_KNOWN} | [\w.~+/=-] (?: [\w.~+/=-] | {_BREAK} ){{15,}} )
    | (?P<name> \b (?: (?: access | refresh | id | user | developer | music[-_]user | api ) [-_]? token
          | client[-_]?secret | code[-_]?verifier | api[-_]?key | private[-_]?key | secret[-_]?keys?
          | password | passwd | (?:set-)? cookie | CROSSPLAY_ \w* (?: KEYS? | SECRET ) (?= = )
        ) {_IS} ) {_VALUE}
    | (?P<query> [?&] (?: code | state | token | key ) = ) [^\s"'\\&]+
    | (?P<user> :// [^\s:/@"']* : (?! password@ ) ) [^\s/"'\\]+ (?= @ )
    | \b cp_live_ \w+                                # our own API keys
    | \b whsec_ [\w+/=-]+                           # secrets of webhooks
    | \b whsec_ [\w+/=-]+                            # secrets of webhooks
    | \b {_SPOTIFY} | \b {_JWT} | {_PRIVATE_KEY}
    """,
    re.VERBOSE | re.IGNORECASE,
)

# What each shape holds at least: most lines hold none of it, and that is seen a hundred times faster.
_MARKS = (
    *("authorization", "bearer", "basic", "token", "secret", "verifier", "key", "passw", "cookie"),
    *("code=", "state=", "://", "cp_live_", "whsec_", "aq", "bq", "eyj"),
)


def redact(text: str, *, known: Sequence[str] = ()) -> str:
    """Blank what looks like a token, key or password, and the known values wherever they stand."""
    for value in known:
        text = text.replace(value, BLANK)
    lowered = text.casefold()
    if not any(mark in lowered for mark in _MARKS):
        return text
    return _SHAPES.sub(lambda found: next(filter(None, found.groups()), "") + BLANK, text)


def known_values(settings: Settings) -> tuple[str, ...]:
    """Return the secrets of this process in each spelling that texts may have, longest first."""
    raw = {part for name in settings.__struct_fields__ for part in _parts(settings, name)}
    spelled = {spelling for value in raw if len(value) >= _LEAST_LENGTH for spelling in _spellings(value)}
    return tuple(sorted(spelled, key=len, reverse=True))


class RedactingExporter(SpanExporter):
    """Blanks secrets in names, attributes, events and states of spans, then hands them on."""

    def __init__(self, inner: SpanExporter, *, known: Sequence[str] = ()) -> None:
        self._inner = inner
        # Most texts of spans come again and again: names, routes, platforms, the ids of one transfer.
        self._text = functools.lru_cache(maxsize=_REMEMBERED_COUNT)(functools.partial(redact, known=known))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([self._clean(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def _clean(self, span: ReadableSpan) -> ReadableSpan:
        description = span.status.description
        return ReadableSpan(
            name=self._text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[
                Event(self._text(event.name), self._attributes(event.attributes), timestamp=event.timestamp)
                for event in span.events
            ],
            links=span.links,
            kind=span.kind,
            instrumentation_scope=span.instrumentation_scope,
            status=Status(span.status.status_code, description and self._text(description)),
            start_time=span.start_time,
            end_time=span.end_time,
        )

    def _attributes(self, attributes: Attributes) -> dict[str, AttributeValue]:
        return {name: self._value(value) for name, value in (attributes or {}).items()}

    def _value(self, value: AttributeValue) -> AttributeValue:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return [self._text(one) if isinstance(one, str) else one for one in value]
        return value


def _parts(settings: Settings, name: str) -> tuple[str, ...]:
    """Return what is secret in a setting, without what is around it."""
    secret = getattr(settings, name)
    if not isinstance(secret, Secret) or not secret:
        return ()
    text = secret.reveal()
    if name in ("database_url", "redis_url"):
        password = urlsplit(text).password or ""
        return (password, unquote(password))
    if name == "secret_keys":
        return tuple(entry.partition(":")[2].strip() for entry in text.split(","))
    if name == "apple_music_private_key":
        return tuple(line for line in private_key_pem(settings).splitlines() if "-----" not in line)
    return (text,)


def _spellings(value: str) -> tuple[str, ...]:
    return value, quote(value, safe=""), msgspec.json.encode(value).decode()[1:-1]
