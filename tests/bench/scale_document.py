"""The recorded figures of scale as tables: those of docs/explanation/scale.md are made from them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from shared.models import Platform
from shared.platforms.apple_music.adapter import DECLARATION as APPLE_MUSIC
from shared.platforms.profile import REQUESTS, USED_SHARE, PlatformProfile
from shared.platforms.spotify.adapter import DECLARATION as SPOTIFY
from tests.bench.scale_model import (
    WORKER_SLOTS,
    Budget,
    Cost,
    Demand,
    Measured,
    Need,
    capped_per_minute,
    most_transfers_per_day,
    need,
)

RECORDED = Path(__file__).with_name("scale_recorded.json")
DOCUMENT = Path(__file__).parents[2] / "docs/explanation/scale.md"
DEMANDS = (1, 100, 10_000, 1_000_000, 10_000_000)
CORES = 2.0
RUN_TRANSFER_COUNT = 16


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Many small transfers at once. limit_per_s: of the target platform, None for as many as it serves.

    worker_cpu_s: of all workers, for each transfer.
    """

    worker_count: int
    limit_per_s: float | None
    per_minute: float
    worker_cpu_s: float
    elapsed_s: float


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured."""

    measured: Measured
    runs: tuple[Run, ...]


def recorded() -> Scale:
    return msgspec.json.decode(RECORDED.read_bytes(), type=Scale)


def budget_of(profile: PlatformProfile) -> Budget:
    """Return what one account of a platform may do, as its profile says."""
    pool = profile.pools[REQUESTS]
    account = {Platform.SPOTIFY: "Spotify app", Platform.APPLE_MUSIC: "Apple team"}[profile.platform]
    return Budget(requests_per_s=1 / pool.unit_s, account=account)


SPOTIFY_APP, APPLE_TEAM = budget_of(SPOTIFY.profile), budget_of(APPLE_MUSIC.profile)


def tables(scale: Scale) -> dict[str, str]:
    """Return each table in Markdown, by its name in the document."""
    return {
        "costs": _costs(scale.measured),
        "caps": _caps(scale.measured),
        "needs": _needs(scale.measured),
        "waiting": _waiting(scale.measured),
        "runs": _runs(scale),
    }


def write_document(scale: Scale) -> None:
    text = DOCUMENT.read_text()
    for name, table in tables(scale).items():
        before, marker, rest = text.partition(_begin(name))
        _, end, after = rest.partition(_END)
        text = f"{before}{marker}\n{table}\n{end}{after}"
    DOCUMENT.write_text(text)


def told(name: str) -> str:
    """Return the table of this name as it stands in the document."""
    _, _, rest = DOCUMENT.read_text().partition(_begin(name))
    return rest.partition(_END)[0].strip()


_END = "<!-- end -->"


def _begin(name: str) -> str:
    return f"<!-- scale: {name} -->"


def _costs(measured: Measured) -> str:
    base, track = measured.line()
    rows = [(f"{count:,} tracks, new", cost) for count, cost in measured.by_tracks.items()]
    rows += [
        ("100 tracks, known", measured.known),
        ("100 tracks, Spotify to Apple Music", measured.back),
        ("*line: a transfer*", base),
        ("*line: each track*", track),
        ("*idle, a second*", measured.idle),
    ]
    head = (
        *("What", "Statements", "Transactions", "WAL", "On disk", "Redis calls", "Redis bytes"),
        *("Worker CPU", "Gateway CPU", "Postgres CPU", "Spotify", "Apple Music"),
    )
    return _table(head, (_cost_row(name, cost, is_back="Spotify to" in name) for name, cost in rows))


def _cost_row(name: str, cost: Cost, *, is_back: bool) -> Sequence[str]:
    requests = (cost.target_requests, cost.source_requests)
    spotify, apple = requests[::-1] if is_back else requests
    return (
        name,
        *map(_number, (cost.statements, cost.transactions)),
        *map(_bytes, (cost.wal_bytes, cost.disk_bytes)),
        *(_number(cost.redis_commands), _bytes(cost.redis_bytes)),
        *(f"{1000 * one:.3g} ms" for one in (cost.worker_cpu_s, cost.gateway_cpu_s, cost.postgres_cpu_s)),
        *map(_number, (spotify, apple)),
    )


def _caps(measured: Measured) -> str:
    rows = []
    for count, cost in measured.by_tracks.items():
        rows.append(_cap_row(f"Apple Music to Spotify, {count:,} tracks", cost, is_back=False))
    rows.append(_cap_row("the same, 100 tracks that were known", measured.known, is_back=False))
    rows.append(_cap_row("Spotify to Apple Music, 100 tracks", measured.back, is_back=True))
    return _table(
        ("Way", "Spotify requests", "Apple requests", "A day, one Spotify app", "A day, one Apple team"), rows
    )


def _cap_row(name: str, cost: Cost, *, is_back: bool) -> Sequence[str]:
    requests = (cost.target_requests, cost.source_requests)
    spotify, apple = requests[::-1] if is_back else requests
    return (
        *(name, _number(spotify), _number(apple)),
        _number(most_transfers_per_day(spotify, budget=SPOTIFY_APP)),
        _number(most_transfers_per_day(apple, budget=APPLE_TEAM)),
    )


def _needs(measured: Measured) -> str:
    needs = [
        need(measured, Demand(transfers_per_day=count), source=APPLE_TEAM, target=SPOTIFY_APP)
        for count in DEMANDS
    ]
    lines: dict[str, list[str]] = {
        "Transfers a second, busiest hour": [f"{one.transfers_per_s:.3g}" for one in needs],
        "Spotify apps": [f"{one.target_accounts:,}" for one in needs],
        "Apple developer teams": [f"{one.source_accounts:,}" for one in needs],
        f"Workers ({WORKER_SLOTS} slots each)": [f"{one.worker_count:,}" for one in needs],
        "Memory of the workers": [_bytes(one.worker_count * measured.worker_bytes) for one in needs],
        "Gateways": [f"{one.gateway_count:,}" for one in needs],
        "Statements a second": [_number(one.statements_per_s) for one in needs],
        "Commits a second": [_number(one.transactions_per_s) for one in needs],
        "WAL a second": [_bytes(one.wal_bytes_per_s) for one in needs],
        "Postgres cores": [f"{one.postgres_cores:.2g}" for one in needs],
        "Connections to Postgres": [f"{one.postgres_connection_count:,}" for one in needs],
        "New on disk, a month": [_bytes(one.disk_bytes_per_month) for one in needs],
        "On disk, 90 days kept": [_bytes(one.disk_bytes_kept) for one in needs],
        "Redis calls a second": [_number(one.redis_commands_per_s) for one in needs],
        "Redis cores": [f"{one.redis_cores:.2g}" for one in needs],
        "Redis memory": [_bytes(one.redis_bytes) for one in needs],
    }
    head = ("Transfers a day", *(f"{count:,}" for count in DEMANDS))
    return _table(head, ((name, *cells) for name, cells in lines.items()))


def needs_at(measured: Measured, transfers_per_day: float) -> Need:
    return need(measured, Demand(transfers_per_day=transfers_per_day), source=APPLE_TEAM, target=SPOTIFY_APP)


def _waiting(measured: Measured) -> str:
    rows = [(f"{count:,}", f"{choose_ms:.0f} ms") for count, choose_ms in measured.choose_ms.items()]
    return _table(("Jobs of a platform that wait", "One choice"), rows)


def _runs(scale: Scale) -> str:
    free = Budget(requests_per_s=1e9, account="no limit")
    rows = []
    for run in scale.runs:
        cost = scale.measured.by_tracks[25].plus(
            scale.measured.idle, times=run.worker_count * run.elapsed_s / RUN_TRANSFER_COUNT
        )
        limited = Budget(requests_per_s=USED_SHARE * (run.limit_per_s or 0), account="the limit")
        per_minute, cap = capped_per_minute(
            scale.measured.by_tracks[25],
            worker_count=run.worker_count,
            cores=CORES,
            source=free,
            target=limited if run.limit_per_s else free,
        )
        cells = (
            f"{per_minute:.0f} ({cap})",
            f"{run.per_minute:.0f}",
            f"{run.per_minute / per_minute - 1:+.0%}",
        )
        cpu = (f"{1000 * cost.worker_cpu_s:.0f} ms", f"{1000 * run.worker_cpu_s:.0f} ms")
        limit = f"{run.limit_per_s:g} a second" if run.limit_per_s else "none"
        deviation = f"{run.worker_cpu_s / cost.worker_cpu_s - 1:+.0%}"
        rows.append((str(run.worker_count), limit, *cells, *cpu, deviation))
    head = (
        "Workers",
        "Limit",
        "Predicted a minute",
        "Measured",
        "",
        "Worker CPU of one, predicted",
        "Measured",
        "",
    )
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.3g} {unit}"
