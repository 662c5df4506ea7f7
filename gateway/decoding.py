"""From bytes and query strings to bodies, or to faults that point at the very field."""

import re
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar, get_args

import msgspec

from gateway.actions.refusals import BodyMalformed
from gateway.schemas import OnDuplicate
from gateway.webhook_schemas import Subscription
from shared.db.retries import RetryScope
from shared.errors import FieldFault, ValidationFailed
from shared.models import Explicit, Platform, Policy

T = TypeVar("T")

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `(?:key )?(?:in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_FIELD = re.compile(r"(?:missing required|contains unknown) field `(?P<name>[^`]*)`")
_CHOICES: dict[str, type[StrEnum]] = {
    "platform": Platform,
    "source_platform": Platform,
    "target_platform": Platform,
    "policy": Policy,
    "explicit": Explicit,
    "on_duplicate": OnDuplicate,
    "scope": RetryScope,
    "events": Subscription,
}


def decode_body(content: bytes, *, into: type[T]) -> T:
    """Decode a JSON body. Raises BodyMalformed for what is no JSON, ValidationFailed for another form."""
    try:
        return msgspec.json.decode(content, type=into)
    except msgspec.ValidationError as error:
        raise ValidationFailed("The body does not have the promised form.", faults=(_fault(error),)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = FieldFault("", str(error) if isinstance(error, msgspec.DecodeError) else "Not readable.")
        raise BodyMalformed("The body is no JSON.", faults=(fault,)) from None


def decode_query(query: Mapping[str, str], *, into: type[T], prefix: str = "/query") -> T:
    """Read texts by name, such as query parameters; prefix: where they stand.

    Raises ValidationFailed, also for a name that is given twice.
    """
    twice = sorted(name for name, count in Counter(name for name, _ in query.items()).items() if count > 1)
    if twice:
        faults = tuple(FieldFault(f"{prefix}/{_escaped(name)}", "Give it once.") for name in twice)
        raise ValidationFailed("The request names something twice.", faults=faults)
    try:
        found = msgspec.convert(dict(query), into, strict=False)
    except msgspec.ValidationError as error:
        raise ValidationFailed(
            "The request does not have the promised form.",
            faults=(_fault(error, choices=_choices(into), prefix=prefix),),
        ) from None
    # msgspec reads the text "null" as nothing, which in an address is said by leaving the name out.
    nothing = tuple(
        FieldFault(f"{prefix}/{name}", "Leave it out for none.")
        for name in query
        if getattr(found, name, query) is None
    )
    if nothing:
        raise ValidationFailed("The request does not have the promised form.", faults=nothing)
    return found


def _choices(into: Any) -> dict[str, type[StrEnum]]:
    """Return what the fields of a query can be: the same name stands for other things in another list."""
    return {
        field.name: kind
        for field in msgspec.structs.fields(into)
        for kind in (field.type, *get_args(field.type))
        if isinstance(kind, type) and issubclass(kind, StrEnum)
    }


def _fault(
    error: msgspec.ValidationError, *, choices: Mapping[str, type[StrEnum]] = _CHOICES, prefix: str = ""
) -> FieldFault:
    parts = _WHERE.fullmatch(str(error))
    what, path = (parts["what"], parts["path"] or "") if parts else (str(error), "")
    steps: list[Any] = [name or index for name, index in _STEP.findall(path)]
    named = _FIELD.search(what)
    if named:
        steps.append(named["name"])
    detail = f"{what}."
    field = next((step for step in reversed(steps) if step in choices), None)
    if what.startswith("Invalid enum value") and field:
        detail = f"{what}: choose one of {', '.join(choices[field])}."
    pointer = prefix + "".join("/" + _escaped(step) for step in steps)
    return FieldFault(pointer, detail)


def _escaped(step: str) -> str:
    """Write a step of a JSON pointer (RFC 6901)."""
    return step.replace("~", "~0").replace("/", "~1")
