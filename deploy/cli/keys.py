"""The verbs of operators who look after the keys that encrypt what is secret: made, counted, replaced."""

import asyncio
import base64
import os
import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from deploy.cli.database import database
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import Output
from deploy.cli.output import Format, print_json, print_rows, print_text, say
from shared.cipher import Cipher
from shared.db import seals
from shared.db.seals import KeyUse, Resealed
from shared.environment import load
from shared.secret import Secret
from shared.settings import parse_key_ring

app = typer.Typer()
verbs = typer.Typer(no_args_is_help=True, help="Make, count and replace the keys that encrypt tokens.")
app.add_typer(verbs, name="keys")


class RingKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the ring without its material. text_count: stored texts that it alone opens."""

    id: str
    is_sealing: bool
    text_count: int
    may_be_dropped: bool


class RingStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The ring against what is stored. missing: ids of keys that stored texts need and the ring lacks.

    unreadable_count: what stands in the place of a sealed text and is none.
    """

    ring: tuple[RingKey, ...]
    places: tuple[KeyUse, ...]
    missing: tuple[str, ...]
    unreadable_count: int


@verbs.command()
def generate(
    *,
    ring: Annotated[bool, typer.Option("--ring", help="Print the whole ring: this key, then yours.")] = False,
) -> None:
    """Make a key and print it as an entry of CROSSPLAY_SECRET_KEYS; nothing is stored or changed."""
    entry = new_entry()
    present = load(os.environ).secret_keys.reveal() if ring else ""
    text = f"{entry},{present}" if present else entry
    parse_key_ring(Secret(text))  # what is printed here can be used, even if chance had a bad day
    print_text(text)
    if ring:
        say("This is the new value of CROSSPLAY_SECRET_KEYS: give it to every gateway and worker.")
        say("Once all of them run with it: crossplay keys rotate")
    else:
        say(
            "Put it first in CROSSPLAY_SECRET_KEYS, with a comma behind it, and keep the keys that are there:"
        )
        say("the first key seals, all of them open. `--ring` prints the whole of it.")


@verbs.command()
def status(*, output: Output = Format.TEXT) -> None:
    """Tell which keys the ring has, what each has sealed, which are missing and which may go."""
    found = asyncio.run(_read_status())
    if output is Format.TEXT:
        _print_status(found)
    else:
        print_json(found)
    if found.missing or found.unreadable_count:
        raise _lacking(found)


@verbs.command()
def rotate(*, output: Output = Format.TEXT) -> None:
    """Seal everything anew that another key than the first has sealed.

    Gateways and workers may run meanwhile. Repeat it as often as you like, also after it was cut off.
    """
    done = asyncio.run(_rotate())
    if output is Format.TEXT:
        print_rows(
            [(one.place, str(one.resealed_count), str(one.left_count), str(len(one.locked))) for one in done],
            columns=("place", "sealed anew", "in motion", "not to be opened"),
        )
        for one in done:
            for row in one.locked:
                say(f"{one.place} {row.id}: {row.reason}")
    else:
        print_json(done)
    if any(one.locked for one in done):
        raise CommandStopped(
            "Some stored texts cannot be opened; they stay as they are.",
            code=Exit.FAILED,
            cure="Add their key to CROSSPLAY_SECRET_KEYS again, or let their accounts be connected again.",
        )
    if any(one.left_count for one in done):
        raise CommandStopped("Some rows changed all the time.", code=Exit.FAILED, cure="Repeat the command.")


def judge(uses: Iterable[KeyUse], *, kids: tuple[str, ...]) -> RingStatus:
    """Compare what is stored with a ring. kids: ids of the ring's keys, the sealing one first."""
    places = tuple(uses)
    counts: Counter[str | None] = Counter()
    for use in places:
        counts[use.kid] += use.text_count
    return RingStatus(
        ring=tuple(
            RingKey(
                id=kid,
                is_sealing=kid == kids[0],
                text_count=counts[kid],
                may_be_dropped=kid != kids[0] and not counts[kid],
            )
            for kid in kids
        ),
        places=places,
        missing=tuple(sorted(kid for kid in counts if kid is not None and kid not in kids)),
        unreadable_count=counts[None],
    )


async def _read_status() -> RingStatus:
    async with database() as pool:
        return judge(await seals.key_uses(pool), kids=_cipher().kids)


async def _rotate() -> list[Resealed]:
    async with database() as pool:
        return [await seals.reseal(pool, _cipher(), column=column) for column in seals.SEALED]


def _cipher() -> Cipher:
    return Cipher(parse_key_ring(load(os.environ).secret_keys))


def _print_status(found: RingStatus) -> None:
    known = {key.id for key in found.ring}
    rows = [(use.place, use.kid or "?", str(use.text_count), _note(use, known=known)) for use in found.places]
    print_rows(rows, columns=("place", "key", "texts", ""))
    for key in found.ring:
        say(f"{key.id} {_fate(key)}")


def _note(use: KeyUse, *, known: set[str]) -> str:
    if use.kid is None:
        return "no sealed texts"
    return "" if use.kid in known else "not in the ring"


def _fate(key: RingKey) -> str:
    if key.is_sealing:
        return f"seals what is stored from now on, and opens {key.text_count}."
    if key.may_be_dropped:
        return "may be dropped, if every gateway and worker runs with this ring."
    return f"is still needed for {key.text_count}; this replaces it: crossplay keys rotate"


def _lacking(found: RingStatus) -> CommandStopped:
    faults = []
    if found.missing:
        faults.append(f"Stored texts need keys that the ring lacks: {', '.join(found.missing)}.")
    if found.unreadable_count:
        faults.append(f"In {found.unreadable_count} places something stands that is no sealed text.")
    return CommandStopped(
        " ".join(faults),
        code=Exit.FAILED,
        cure="Add the keys to CROSSPLAY_SECRET_KEYS again; where one is lost, accounts are connected again.",
    )


def new_entry() -> str:
    """Make a key, as it stands in CROSSPLAY_SECRET_KEYS."""
    # The day tells people how old a key is; the rest keeps two of one day apart.
    kid = f"k{datetime.now(UTC):%Y%m%d}{secrets.token_hex(2)}"
    return f"{kid}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
