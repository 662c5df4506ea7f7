"""The verb `init`: the settings of a new installation, with every secret that nobody has to choose."""

import os
import secrets
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.keys import new_entry
from deploy.cli.output import print_text, say
from deploy.dev import sandboxes
from shared.settings import PREFIX

app = typer.Typer()

_SANDBOX_URLS = {
    "spotify": "http://sandbox-spotify:9000",
    "apple_music": "http://sandbox-apple-music:9000",
}
_PLATFORMS = (
    "# Your apps at the platforms, of one of them at least: see docs/how-to/spotify.md and apple-music.md.",
    "# The MusicKit key is the text of the .p8 file, in double quotes.",
    f"{PREFIX}SPOTIFY_CLIENT_ID=",
    f"{PREFIX}SPOTIFY_CLIENT_SECRET=",
    f"{PREFIX}APPLE_MUSIC_TEAM_ID=",
    f"{PREFIX}APPLE_MUSIC_KEY_ID=",
    f"{PREFIX}APPLE_MUSIC_PRIVATE_KEY=",
)


class Profile(StrEnum):
    """A profile of the compose file."""

    TLS = "tls"
    OBSERVABILITY = "observability"
    SANDBOX = "sandbox"


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to make; - prints it.")] = Path(".env"),
    *,
    profile: Annotated[
        list[Profile] | None, typer.Option(help="A profile of the compose file that shall run; repeatable.")
    ] = None,
    own_stores: Annotated[
        bool, typer.Option("--own-stores", help="Postgres and Redis are there already: not by compose.")
    ] = False,
) -> None:
    """Make the settings of a new installation, with new passwords and a new key; never over a file."""
    profiles = tuple(profile or ())
    if own_stores and profiles:
        raise CommandStopped(
            "--own-stores is for installations without compose, which have no profiles.",
            code=Exit.USAGE_OR_CANCELLED,
        )
    text = environment_text(profiles, has_own_stores=own_stores)
    if str(path) == "-":
        print_text(text)
    else:
        _write(path, text=text)
    for line in still_to_do(profiles, has_own_stores=own_stores):
        say(line)


def environment_text(profiles: Sequence[Profile], *, has_own_stores: bool) -> str:
    """Return the file's text, with secrets that were never before."""
    stores = _stores_to_fill_in() if has_own_stores else _new_passwords(profiles)
    platforms = _sandbox() if Profile.SANDBOX in profiles else _PLATFORMS
    return "\n".join(
        (
            "# Made by `crossplay init`. Keep it secret, and a copy of it elsewhere: without the key below,",
            "# no stored sign-in can be read again.",
            *stores,
            f"{PREFIX}SECRET_KEYS={new_entry()}",
            "",
            "# Where users reach the gateway, https://music.example.org; empty: on this machine alone.",
            f"{PREFIX}PUBLIC_URL=",
            "",
            *platforms,
            *_observability(profiles),
        )
    )


def still_to_do(profiles: Sequence[Profile], *, has_own_stores: bool) -> tuple[str, ...]:
    """Return what a person has to fill in, one line each."""
    lines = ["Keep this file secret, and a copy of it elsewhere. Still to be filled in:"]
    if has_own_stores:
        lines.append(f"  {PREFIX}DATABASE_URL and {PREFIX}REDIS_URL: where your stores are")
    if Profile.SANDBOX not in profiles:
        lines.append(f"  {PREFIX}SPOTIFY_… and {PREFIX}APPLE_MUSIC_…: your apps at the platforms")
    if Profile.TLS in profiles:
        lines.append(f"  {PREFIX}PUBLIC_URL: the address for which Caddy gets a certificate")
    if len(lines) == 1:
        return ("Keep this file secret. Nothing has to be filled in.",)
    return tuple(lines)


def _new_passwords(profiles: Sequence[Profile]) -> tuple[str, ...]:
    names = ["POSTGRES_PASSWORD", "REDIS_PASSWORD"]
    if Profile.OBSERVABILITY in profiles:
        names.append("GRAFANA_PASSWORD")
    # Only signs that mean nothing in an address.
    return (
        f"COMPOSE_PROFILES={','.join(dict.fromkeys(profiles))}",
        *(f"{name}={secrets.token_hex(24)}" for name in names),
    )


def _stores_to_fill_in() -> tuple[str, ...]:
    return (
        f"{PREFIX}DATABASE_URL=",
        f"{PREFIX}REDIS_URL=",
    )


def _sandbox() -> tuple[str, ...]:
    wanted = {
        **sandboxes.defaults(_SANDBOX_URLS),
        **sandboxes.settings(_SANDBOX_URLS, apple_private_key=sandboxes.new_apple_key()),
    }
    return (
        "# The simulated platforms of the profile sandbox.",
        *(f"{PREFIX}{name}={_quoted(value)}" for name, value in wanted.items()),
    )


def _observability(profiles: Sequence[Profile]) -> tuple[str, ...]:
    if Profile.OBSERVABILITY not in profiles:
        return ()
    return (
        "",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-collector:4318",
        f"{PREFIX}TRACE_URL=http://127.0.0.1:16686/trace/{{trace_id}}",
    )


def _quoted(value: str) -> str:
    """Return a value as it stands in such a file: lines become one, which every reader takes apart again."""
    lines = value.replace("\n", "\\n")
    return f'"{lines}"' if "\n" in value else value


def _write(path: Path, *, text: str) -> None:
    """Make the file, for its owner alone. Raises CommandStopped where there is one already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandStopped(
            f"{path} is there already and stays as it is.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Name another file, or move that one away: its key is needed for what is stored.",
        ) from None
    except OSError as error:
        raise CommandStopped(f"{path} cannot be made: {error.strerror}.", code=Exit.FAILED) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
