"""What each setting takes, in words: read off the model's own types, so that no text can differ from it."""

import functools

import msgspec
from msgspec import inspect

from shared.platform_settings import PlatformSettings
from shared.secret import Secret
from shared.settings import DESCRIPTIONS, GROUPS, REQUIRED, Settings, variable_of


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. kind: what it takes, in one or two words. allowed: the same with its bounds.

    default: as an operator would write it; empty where there is none.
    """

    name: str
    group: str
    kind: str
    allowed: str
    default: str
    meaning: str
    is_secret: bool
    is_required: bool

    @property
    def variable(self) -> str:
        return variable_of(self.name)


@functools.cache
def settings_by_name() -> dict[str, Setting]:
    """Return all settings in the order of the model, the platforms' behind all others."""
    described: dict[str, Setting] = {}
    group = ""
    shape = inspect.type_info(Settings)
    assert isinstance(shape, inspect.StructType)  # noqa: S101 - tells mypy what a Struct is
    of_platforms = set(PlatformSettings.__struct_fields__)
    for field in sorted(shape.fields, key=lambda field: field.name in of_platforms):
        name = field.name
        group = GROUPS.get(name, group)
        taken = _set_type(field.type)
        described[name] = Setting(
            name=name,
            group=group,
            kind=_kind(name, taken),
            allowed=_allowed(name, taken),
            default=as_text(field.default),
            meaning=DESCRIPTIONS[name],
            is_secret=_is_secret(taken),
            is_required=name in REQUIRED,
        )
    return described


def as_text(value: object) -> str:
    """Write a value as the environment has it. A secret is not told: it writes as empty."""
    if value is None or isinstance(value, Secret):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _set_type(taken: inspect.Type) -> inspect.Type:
    """Return the type of a value that is given: one that may be left out has another type beside it."""
    if isinstance(taken, inspect.UnionType):
        return next(one for one in taken.types if not isinstance(one, inspect.NoneType))
    return taken


def _is_secret(taken: inspect.Type) -> bool:
    return isinstance(taken, inspect.CustomType) and taken.cls is Secret


def _kind(name: str, taken: inspect.Type) -> str:
    if isinstance(taken, inspect.IntType):
        return "whole number"
    if isinstance(taken, inspect.FloatType):
        return "number"
    if isinstance(taken, inspect.LiteralType):
        return "word"
    return "address" if name.endswith("_url") else "text"


def _allowed(name: str, taken: inspect.Type) -> str:
    if isinstance(taken, inspect.LiteralType):
        return f"one of {', '.join(map(str, taken.values))}"
    kind = _kind(name, taken)
    words = f"an {kind}" if kind == "address" else f"a {kind}"
    if not isinstance(taken, inspect.IntType | inspect.FloatType):
        return words
    if taken.gt is not None:
        return f"{words} above {taken.gt:g}"
    if taken.le is not None:
        return f"{words} from {taken.ge or 0:g} to {taken.le:.0f}"
    return words if taken.ge is None else f"{words} of {taken.ge:g} or more"
