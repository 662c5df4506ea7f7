"""The settings as Markdown: the reference page, and the short table of the README."""

from itertools import groupby

from shared.setting_kinds import Setting, settings_by_name
from shared.settings import REQUIRED

FIRST = (
    *REQUIRED,
    "public_url",
    "spotify_client_id",
    "apple_music_team_id",
    "apple_music_key_id",
    "apple_music_private_key",
)
"""What nearly every installation sets: the README tells of these alone."""


def short_table() -> str:
    """Return the README's table."""
    known = settings_by_name()
    rows = [f"| `{known[name].variable}` | {known[name].meaning} |" for name in FIRST]
    return "\n".join(["| Variable | Meaning |", "|---|---|", *rows])


def reference_tables() -> str:
    """Return one table for each group."""
    return "\n\n".join(
        f"### {group}\n\n" + "\n".join([*_HEADING, *map(_row, settings)])
        for group, settings in groupby(settings_by_name().values(), key=lambda one: one.group)
    )


_HEADING = ("| Variable | Takes | Default | Meaning |", "|---|---|---|---|")


def _row(setting: Setting) -> str:
    taken = "**secret**" if setting.is_secret else setting.allowed
    default = f"`{setting.default}`" if setting.default else "required" if setting.is_required else "–"
    return f"| `{setting.variable}` | {taken} | {default} | {setting.meaning} |"
