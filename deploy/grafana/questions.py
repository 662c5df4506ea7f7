"""How figures are asked for, so that the same is asked for in the same way everywhere."""

ON_PLATFORM = 'crossplay_platform=~"$platform"'
EVERY = "$__rate_interval"


def told(metric: str, *, by: str = "", where: str = "") -> str:
    """A gauge of the fleet: for a moment two processes may tell it, so the larger one counts."""
    return f"max{_by(by)}({metric}{_where(where)})"


def per_minute(metric: str, *, by: str = "", where: str = "") -> str:
    """How often it happens, of all processes together."""
    return f"60 * sum{_by(by)}(rate({metric}{_where(where)}[{EVERY}]))"


def per_second(metric: str, *, by: str = "", where: str = "") -> str:
    return f"sum{_by(by)}(rate({metric}{_where(where)}[{EVERY}]))"


def quantile(part: float, metric: str, *, by: str = "", where: str = "") -> str:
    """What this part of all cases stays below; metric without _bucket."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({part}, sum by ({labels}) (rate({metric}_bucket{_where(where)}[{EVERY}])))"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""


def _where(matchers: str) -> str:
    return f"{{{matchers}}}" if matchers else ""
