"""Reads the settings: variables CROSSPLAY_<NAME>, or the files that CROSSPLAY_<NAME>_FILE name."""

import difflib
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from shared.errors import SettingsError
from shared.secret import Secret
from shared.setting_kinds import settings_by_name
from shared.setting_rules import Fault, broken_rules
from shared.settings import PREFIX, Settings, variable_of

FILE_SUFFIX = "_FILE"
_FILE_LIMIT_BYTES = 65_536

# Variables with our prefix that are no settings: those of the client's verbs, of developers and of tests,
# and what Kubernetes tells each container about the Services beside it.
_FOREIGN = re.compile(
    r"(?: URL | API_KEY | DEBUG | PG_BIN | REDIS_BIN | TEST_\w+ | FUZZ_\w+"
    r" | (?:\w+_)? SERVICE_HOST | (?:\w+_)? SERVICE_PORT (?:_\w+)?"
    r" | (?:\w+_)? PORT_\d+_(?:TCP|UDP) (?:_\w+)? )",
    re.VERBOSE,
)
_KUBERNETES_PORT = re.compile(r"(?:tcp|udp)://")


class Source(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A variable with our prefix that means nothing. meant: the one that was probably meant, if any."""

    variable: str
    meant: str | None

    @property
    def text(self) -> str:
        return f"{self.variable} is no setting." + (f" Did you mean {self.meant}?" if self.meant else "")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """All that the environment says. Where a value has a fault the settings have its default."""

    settings: Settings
    sources: dict[str, Source]
    faults: tuple[Fault, ...]
    unknown: tuple[Unknown, ...]


class _Unusable(Exception):
    """Carries the fault of one variable."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.variable)
        self.fault = fault


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError that lists every fault at once; texts show no value."""
    reading = read(environ)
    if reading.faults:
        raise SettingsError(tuple(fault.text for fault in reading.faults))
    return reading.settings


def read(environ: Mapping[str, str]) -> Reading:
    """Read the settings with all that is to be said about them; raises nothing."""
    values: dict[str, Any] = {}
    sources = dict.fromkeys(settings_by_name(), Source.DEFAULT)
    faults: list[Fault] = []
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        try:
            text, source = _given(environ, name)
            if text:
                values[name] = _convert(text, name=name, kind=kind)
                sources[name] = source
        except _Unusable as unusable:
            faults.append(unusable.fault)
    settings = Settings(**values)
    return Reading(
        settings=settings,
        sources=sources,
        faults=(*faults, *broken_rules(settings)),
        unknown=unknown_variables(environ),
    )


def unknown_variables(environ: Mapping[str, str]) -> tuple[Unknown, ...]:
    """Return what begins like a setting and is none, each with the setting that its name is nearest to."""
    ours = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
    names = [name.upper() for name in settings_by_name()]
    known = {*names, *(name + FILE_SUFFIX for name in names)}
    return tuple(
        Unknown(variable=PREFIX + name, meant=_nearest(name, known))
        for name, value in sorted(ours.items())
        if name not in known and not _FOREIGN.fullmatch(name) and not _KUBERNETES_PORT.match(value)
    )


def _nearest(name: str, known: set[str]) -> str | None:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return PREFIX + near[0] if near else None


def _given(environ: Mapping[str, str], name: str) -> tuple[str, Source]:
    """Return the text of a setting, empty where it is not set, and where it stands."""
    variable = variable_of(name)
    text = environ.get(variable, "").strip()
    path = environ.get(variable + FILE_SUFFIX, "").strip()
    if not path:
        return text, Source.ENVIRONMENT
    file_variable = variable + FILE_SUFFIX
    if text:
        what = f"and {file_variable} are both set: one of them must go"
        raise _Unusable(Fault(variable=variable, what=what))
    return _file_text(path, variable=file_variable), Source.FILE


def _file_text(path: str, *, variable: str) -> str:
    """Return what a file holds, without the line end that editors put there. Never tells the path.

    Somebody may have set the secret itself where its file's name belongs.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_FILE_LIMIT_BYTES + 1)
        text = content.decode().strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise _Unusable(
            Fault(variable=variable, what=f"names a file that cannot be read: {reason}")
        ) from None
    if len(content) > _FILE_LIMIT_BYTES:
        what = f"names a file of more than {_FILE_LIMIT_BYTES // 1024} KiB, which no setting needs"
        raise _Unusable(Fault(variable=variable, what=what))
    if not text:
        raise _Unusable(Fault(variable=variable, what="names a file that is empty"))
    return text


def _convert(text: str, *, name: str, kind: Any) -> Any:
    try:
        value = msgspec.convert(_as_chosen(text, kind), kind, strict=False, dec_hook=_decode)
    except msgspec.ValidationError:
        value = None
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise _Unusable(_type_fault(text, name=name))
    return value


def _as_chosen(text: str, kind: Any) -> str:
    """Write a choice as the model has it, whatever case the operator chose."""
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return next((choice for choice in choices if choice.casefold() == text.casefold()), text)


def _type_fault(text: str, *, name: str) -> Fault:
    setting = settings_by_name()[name]
    if _KUBERNETES_PORT.match(text):
        cure = "Kubernetes sets it for a Service of that name: set enableServiceLinks: false in the pod."
    elif setting.default:
        cure = f"Leave it out to have {setting.default}."
    else:
        cure = "Leave it out if you do not need it."
    return Fault(
        variable=setting.variable,
        what=f"must be {setting.allowed}",
        cure=cure,
        value=None if setting.is_secret else text,
    )


def _decode(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(kind)  # how a hook tells msgspec that the type is none of its own
