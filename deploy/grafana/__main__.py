"""Writes the dashboards anew: python -m deploy.grafana."""

from pathlib import Path

import msgspec

from deploy.grafana.operations import OPERATIONS
from deploy.grafana.panels import as_json
from deploy.grafana.platforms import PLATFORMS

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = (OPERATIONS, PLATFORMS)


def texts() -> dict[Path, bytes]:
    """Return what belongs into which file."""
    return {
        FOLDER / f"{dashboard.uid.removeprefix('crossplay-')}.json": _text(
            as_json(dashboard, others=[other for other in DASHBOARDS if other is not dashboard])
        )
        for dashboard in DASHBOARDS
    }


def _text(model: dict[str, object]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(model), indent=2) + b"\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in texts().items():
        path.write_bytes(text)
