"""What the adapters declare, as the README's table."""

from shared.models import Platform
from shared.platforms.base import Capabilities, WriteClass
from shared.platforms.declaration import Declaration
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool
from shared.platforms.registry import declarations

_COLUMNS = (
    "Platform",
    "Read from a link without an account",
    "Looked up by ISRC",
    "Added per request",
    "A track twice",
    "Removed",
    "One playlist",
    "Songs, albums, artists kept",
    "Pace, all workers together",
    "Read after",
    "Sign-in",
)
_PLACES = {
    WriteClass.POSITIONED_INSERT: "at any place",
    WriteClass.APPEND_AND_READ_BACK: "at the end",
    WriteClass.IDEMPOTENCY_KEY: "at the end, under a key",
    WriteClass.REPLACE_WHOLE_LIST: "the whole list anew",
}
_PAGES = {Platform.FILE: "docs/how-to/files.md"}
_MONTH = "about {} months"


def capability_table() -> str:
    """Return the table, a row for each platform of this package."""
    heading = (f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|")
    return "\n".join([*heading, *map(_row, declarations().values())])


def how_to(platform: Platform) -> str:
    """Return the page that says how a platform is set up."""
    return _PAGES.get(platform) or f"docs/how-to/{platform.replace('_', '-')}.md"


def _row(declared: Declaration) -> str:
    can, profile = declared.capabilities, declared.profile
    cells = (
        f"[{declared.label}]({how_to(profile.platform)})",
        "yes" if declared.public.is_possible else "no",
        f"{can.isrc_batch} per request" if can.isrc_batch else "no",
        _added(can),
        "kept" if can.keeps_repeats else "once",
        f"{can.remove_batch} per request" if can.can_remove else "no",
        f"{can.playlist_limit:,} tracks" if can.playlist_limit else "no limit known",
        _collections(can),
        "nobody counts" if declared.shelve else _pace(profile),
        f"{can.visibility_delay_s:g} s",
        _sign_in(declared),
    )
    return f"| {' | '.join(cells)} |"


def _added(can: Capabilities) -> str:
    if not can.can_write:
        return "no"
    return f"{can.add_batch}, {_PLACES[can.write_class]}"


def _collections(can: Capabilities) -> str:
    told = [
        f"{collection} ({'both ways' if keeping.add_batch else 'read'})"
        for collection, keeping in can.collections.items()
    ]
    return ", ".join(told) or "no"


def _pace(profile: PlatformProfile) -> str:
    others = [name for name, pool in profile.pools.items() if pool.day_zone and name != REQUESTS]
    told = [_told(profile.pools[REQUESTS])]
    told += [f"{profile.pools[name].limit:g} of {name} a day" for name in others]
    return f"{', '.join(told)}; per {profile.scope}"


def _told(pool: Pool) -> str:
    if pool.day_zone:
        return f"{pool.limit:,.0f} units a day ({pool.day_zone})"
    return f"{pool.limit / pool.window_s:g} a second"


def _sign_in(declared: Declaration) -> str:
    if declared.shelve:
        return "none"
    months = declared.sign_in.life_months
    return _MONTH.format(months) if months else "no end known"
