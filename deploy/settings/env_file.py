"""The example of an environment file, as compose's `env_file` and systemd's `EnvironmentFile` read it."""

import re
import textwrap
from itertools import groupby

from shared.environment import FILE_SUFFIX
from shared.setting_kinds import Setting, settings_by_name

_WIDTH = 100
_CODE = re.compile(r"`[^`]+`")
_KEPT = "\0"
_HEAD = f"""\
Settings of Crossplay's gateways and workers. Written from the code by `python -m deploy.settings`.

Copy it, fill in what has no default, keep it readable for one user only, and check it:
`crossplay config check`. Each CROSSPLAY_<NAME> may also be given by a file, as container secrets are:
CROSSPLAY_<NAME>{FILE_SUFFIX}=/run/secrets/name. Lines with a # before the name show the default.
"""
_TELEMETRY = """\
Telemetry goes where OpenTelemetry's own variables point, as OTLP over HTTP. These are the usual ones;
the rest of them works as well.
"""
_TELEMETRY_EXAMPLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
    "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=production",
)


def env_example() -> str:
    """Return the whole file: required variables stand open, the others as comments with their default."""
    parts = [_comment(_HEAD)]
    for group, settings in groupby(settings_by_name().values(), key=lambda one: one.group):
        parts.append(f"## {group}\n\n" + "\n".join(map(_entry, settings)))
    parts.append(
        f"## OpenTelemetry\n\n{_comment(_TELEMETRY)}" + "".join(f"#{one}\n" for one in _TELEMETRY_EXAMPLES)
    )
    return "\n".join(parts)


def _entry(setting: Setting) -> str:
    mark = "" if setting.is_required else "#"
    return f"{_comment(setting.meaning)}{_bounds(setting)}{mark}{setting.variable}={setting.default}\n"


def _bounds(setting: Setting) -> str:
    if setting.is_secret:
        return "# Secret.\n"
    return "" if setting.kind in ("text", "address") else f"# Takes {setting.allowed}.\n"


def _comment(text: str) -> str:
    """Write paragraphs as comments; what stands between backticks is not cut."""
    lines = [
        line.replace(_KEPT, " ")
        for paragraph in text.strip().split("\n\n")
        for line in ("", *textwrap.wrap(_CODE.sub(_keep, paragraph), _WIDTH, break_on_hyphens=False))
    ]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines[1:])


def _keep(found: re.Match[str]) -> str:
    return found[0].replace(" ", _KEPT)
