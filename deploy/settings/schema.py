"""JSON Schema of the settings, for the `values.schema.json` of a Helm chart."""

from collections.abc import Iterable
from typing import Any, get_type_hints

import msgspec

from shared.setting_kinds import Setting, settings_by_name
from shared.settings import Settings


def settings_schema() -> dict[str, Any]:
    """Return draft-07 definitions: `config` of what may be read by all, `secrets` of what may not.

    Properties are the names of the settings in small letters: CROSSPLAY_<NAME> without prefix. Nothing else
    is allowed in either, so that a misspelt setting, or a secret among the others, does not pass.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of Crossplay",
        "definitions": {
            "config": _object(one for one in settings_by_name().values() if not one.is_secret),
            "secrets": _object(one for one in settings_by_name().values() if one.is_secret),
        },
    }


def _object(settings: Iterable[Setting]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {one.name: _property(one) for one in settings},
    }


def _property(setting: Setting) -> dict[str, Any]:
    """Return the type and bounds of the model, and the meaning. What is not set is left out, never null."""
    kind = get_type_hints(Settings, include_extras=True)[setting.name]
    schema: dict[str, Any] = {"type": "string"} if setting.is_secret else msgspec.json.schema(kind)
    shape = next(one for one in schema.get("anyOf", [schema]) if one != {"type": "null"})
    return {"description": setting.meaning, **shape}
