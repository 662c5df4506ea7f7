"""The command line of the sandbox: one process, one platform."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import msgspec
from aiohttp import web

from deploy.sandbox.ids import IDS
from deploy.sandbox.options import Options, RateLimit, TokenBucket
from deploy.sandbox.server import build_app
from deploy.sandbox.world import World
from deploy.sandbox.world_files import WorldFileError

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sandbox until SIGINT or SIGTERM. Returns the exit code."""
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        app = build_app(World.load(parsed.world), options=_options(parsed))
    except (WorldFileError, OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return USAGE_ERROR
    asyncio.run(_serve(app, host=parsed.host, port=parsed.port, platform=parsed.platform))
    return 0


async def _serve(app: web.Application, *, host: str, port: int, platform: str) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_port = runner.addresses[0][1]
        shown_host = f"[{host}]" if ":" in host else host
        ready = {"platform": platform, "url": f"http://{shown_host}:{bound_port}"}
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await runner.cleanup()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.sandbox",
        description="A simulated music platform that keeps the real wire contract.",
    )
    parser.add_argument("--platform", required=True, choices=list(IDS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--world", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep playlists and tokens here")
    parser.add_argument("--user", default="sandbox", help="the account that owns the world's playlists")
    parser.add_argument("--latency-ms", type=int, default=0, help="wait before every answer")
    parser.add_argument(
        "--write-hold-ms",
        type=int,
        default=5,
        help="how long a write to a playlist takes at Spotify, TIDAL and YouTube",
    )
    parser.add_argument("--limit", type=_rate_limit, metavar="N/SECONDS", help="requests per sliding window")
    parser.add_argument(
        "--auto-approve",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="agree to every sign-in at once, or show a page that asks",
    )
    parser.add_argument(
        "--control-from",
        type=_network,
        action="append",
        default=[],
        metavar="NETWORK",
        help="whose callers may use the control routes, beside this machine's; they may mint tokens",
    )
    spotify = parser.add_argument_group("Spotify")
    spotify.add_argument("--regime", choices=("dev", "extended"), default="dev")
    spotify.add_argument("--item-keys", choices=("both", "new", "old"), default="both")
    spotify.add_argument(
        "--client-id", action="append", default=[], metavar="ID[:SECRET]", help="YouTube too"
    )
    spotify.add_argument("--redirect-uri", action="append", default=[], metavar="URI", help="YouTube too")
    spotify.add_argument("--refresh-tokens", choices=("keep", "empty", "rotate"), default="keep")
    apple = parser.add_argument_group("Apple Music")
    apple.add_argument("--developer-public-key", type=Path, metavar="FILE", help="PEM; checks signatures")
    apple.add_argument("--storefront", default="us")
    apple.add_argument(
        "--playlist-songs",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="songs of playlists are in the library, too",
    )
    deezer = parser.add_argument_group("Deezer")
    deezer.add_argument(
        "--row-isrcs",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="rows of playlists and searches say their ISRC",
    )
    tidal = parser.add_argument_group("TIDAL")
    tidal.add_argument("--country", default="US", help="of the account")
    tidal.add_argument("--repeats", choices=("keep", "skip"), default="keep")
    tidal.add_argument("--token-bucket", type=_token_bucket, metavar="CAPACITY/PER_SECOND")
    _add_latest(parser)
    return parser


def _add_latest(parser: argparse.ArgumentParser) -> None:
    subsonic = parser.add_argument_group("Subsonic")
    subsonic.add_argument("--password", default=Options(platform="").password, help="of the account")
    for name in ("form-post", "api-keys", "open-subsonic"):
        subsonic.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=True)
    youtube = parser.add_argument_group("YouTube")
    for name, count in (("units", 10_000), ("searches", 100)):
        youtube.add_argument(f"--daily-{name}", type=int, default=count, help="of a day in Los Angeles")


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError("expected a network, for example 10.1.2.0/24") from error


def _rate_limit(text: str) -> RateLimit:
    count, _, window = text.partition("/")
    try:
        limit = RateLimit(request_count=int(count), window_s=float(window))
    except ValueError as error:
        raise argparse.ArgumentTypeError("expected N/SECONDS, for example 180/30") from error
    if limit.request_count < 1 or limit.window_s <= 0:
        raise argparse.ArgumentTypeError("both numbers must be above zero")
    return limit


def _token_bucket(text: str) -> TokenBucket:
    capacity, _, per_s = text.partition("/")
    try:
        wanted = {"capacity": int(capacity), "per_s": float(per_s)}
        return msgspec.convert(wanted, TokenBucket)
    except (ValueError, msgspec.ValidationError) as error:
        raise argparse.ArgumentTypeError("expected CAPACITY/PER_SECOND, for example 10/1") from error


def _options(parsed: argparse.Namespace) -> Options:
    key_file: Path | None = parsed.developer_public_key
    return Options(
        platform=parsed.platform,
        user=parsed.user,
        state_dir=parsed.state,
        latency_ms=parsed.latency_ms,
        write_hold_ms=parsed.write_hold_ms,
        rate_limit=parsed.limit,
        regime=parsed.regime,
        item_keys=parsed.item_keys,
        auto_approve=parsed.auto_approve,
        control_networks=tuple(parsed.control_from),
        clients={c.partition(":")[0]: c.partition(":")[2] for c in parsed.client_id},
        redirect_uris=tuple(parsed.redirect_uri),
        refresh_tokens=parsed.refresh_tokens,
        daily_units=parsed.daily_units,
        daily_searches=parsed.daily_searches,
        developer_public_key=key_file.read_text() if key_file else None,
        storefront=parsed.storefront,
        playlist_songs=parsed.playlist_songs,
        has_row_isrcs=parsed.row_isrcs,
        country=parsed.country.upper(),
        repeats=parsed.repeats,
        token_bucket=parsed.token_bucket,
        password=parsed.password,
        form_post=parsed.form_post,
        api_keys=parsed.api_keys,
        open_subsonic=parsed.open_subsonic,
    )
