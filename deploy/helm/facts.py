"""What the chart has to know of the program, told by the program: streams, limits, defaults, secrets."""

from typing import Any

from gateway.app import STOP_TIMEOUT_S
from shared.models import Platform
from shared.platforms.base import Budget
from shared.platforms.profile import REQUESTS, PlatformProfile
from shared.platforms.registry import Platforms
from shared.setting_kinds import settings_by_name
from shared.settings import REQUIRED, Settings
from shared.streams import GROUP, key
from shared.telemetry import FLUSH_TIMEOUT_S

DEFAULTS = ("drain_s", "gateway_drain_s", "port", "worker_concurrency")


def facts() -> dict[str, Any]:
    """Return what templates read from files/facts.json."""
    settings = Settings()
    platforms = Platforms(settings, budgets=_no_budget)
    return {
        "defaults": {name: getattr(settings, name) for name in DEFAULTS},
        "gateway_stop_s": STOP_TIMEOUT_S + FLUSH_TIMEOUT_S,
        "group": GROUP,
        "platforms": {platform.value: _platform(platforms, platform) for platform in Platform},
        "required_secrets": list(REQUIRED),
        "secrets": [one.name for one in settings_by_name().values() if one.is_secret],
    }


def _platform(platforms: Platforms, platform: Platform) -> dict[str, Any]:
    pool = platforms.profile(platform).pools[REQUESTS]
    return {"requests_per_s": pool.limit / pool.window_s, "stream": key(platform, "jobs")}


def _no_budget(profile: PlatformProfile, limit_key: str) -> Budget:
    raise NotImplementedError(f"no request is sent here: {profile.platform}, {limit_key}")
