"""Searches the model of the write protocol exhaustively: the full one holds, each weaker one breaks."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

MODEL = Path(__file__).with_name("write.pml")
PROPERTIES = {
    "once": "nothing twice",
    "kept": "nothing lost",
    "fenced": "a replaced worker changes no row",
    "ends": "it ends",
}
TIMELY = ("-DTIMELY", "-DFREEZES=2")  # without a bound of freezes and losses nothing need ever end
SEARCH_TIMEOUT_S = 600.0
_COUNT = re.compile(r"errors: (\d+)\s+(\d+) states, stored")


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A form of the protocol. breaks: what it must be seen to break; nothing: then all must hold."""

    name: str
    switches: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What the search said of one claim of the model. state_count: seen until its end or the violation."""

    write: str
    variant: Variant
    claim: str
    holds: bool
    state_count: int

    @property
    def is_expected(self) -> bool:
        return self.holds != (self.claim in self.variant.breaks)


WRITES = {"add tracks": (), "create playlist": ("-DCREATE",)}
FULL = Variant(name="full protocol")
VARIANTS = (
    FULL,
    Variant(name="with keys", switches=("-DKEYS", "-DCRASHES=1")),
    Variant(name="sent again under another key", switches=("-DKEYS", "-DOTHER_KEY"), breaks=("once",)),
    Variant(
        name="a refused second send is believed", switches=("-DKEYS", "-DWITHDRAW_ALWAYS"), breaks=("once",)
    ),
    Variant(name="no intent", switches=("-DNO_INTENT",), breaks=("once",)),
    Variant(name="no fence", switches=("-DNO_FENCE",), breaks=("once", "fenced")),
    Variant(name="no wait for calls under way", switches=("-DNO_WAIT",), breaks=("once",)),
    Variant(name="wait counted from the intent", switches=("-DWAIT_FROM_DECLARED",), breaks=("once",)),
    Variant(name="no gate: a pause before the send", switches=("-DNO_GATE",), breaks=("once",)),
    Variant(name="checkpoint before the send", switches=("-DEARLY_CHECKPOINT",), breaks=("kept",)),
    Variant(name="acknowledged before the checkpoint", switches=("-DACK_FIRST",)),
    Variant(name="the same, and no sweeper", switches=("-DACK_FIRST", "-DNO_SWEEPER"), breaks=("ends",)),
)


def missing_programs() -> list[str]:
    """Return which of the needed programs are not installed."""
    return [name for name in ("spin", "gcc") if shutil.which(name) is None]


def search() -> list[Finding]:
    """Search all variants, two at a time, each in less than 2 GB.

    Of a weaker variant only what it must break is looked for: all else takes minutes and gigabytes. Raises
    CalledProcessError with the program's words, and RuntimeError where a search was cut short.
    """
    with ThreadPoolExecutor(2) as executor:
        runs = [executor.submit(_search_one, write, variant) for variant in VARIANTS for write in WRITES]
        return [finding for run in runs for finding in run.result()]


def _search_one(write: str, variant: Variant) -> list[Finding]:
    names = variant.breaks or tuple(PROPERTIES)
    with tempfile.TemporaryDirectory(prefix="crossplay-model-") as directory:
        place = Path(directory)
        shutil.copy(MODEL, place / MODEL.name)
        found = _check_safety(place, write, variant, [name for name in names if name != "ends"])
        if "ends" in names:
            program = _program(place, write, variant, extra=TIMELY, compile_with=("-DNFAIR=3",))
            found["ends"] = _run(place, program, "-a", "-f", claim="ends")
    return [
        Finding(write=write, variant=variant, claim=name, holds=holds, state_count=state_count)
        for name, (holds, state_count) in found.items()
    ]


def _check_safety(
    place: Path, write: str, variant: Variant, names: Sequence[str]
) -> dict[str, tuple[bool, int]]:
    """Check at once what is hoped to hold together, one by one what is not."""
    if not names:
        return {}
    program = _program(place, write, variant, compile_with=("-DSAFETY",))
    if not variant.breaks:
        together = _run(place, program, claim="safe")
        if together[0]:
            return dict.fromkeys(names, together)
    return {name: _run(place, program, claim=name) for name in names}


def _program(
    place: Path, write: str, variant: Variant, *, compile_with: Sequence[str], extra: Sequence[str] = ()
) -> Path:
    _call(place, "spin", *WRITES[write], *variant.switches, *extra, "-a", MODEL.name)
    program = place / "pan"
    options = ("-O1", "-w", "-DCOLLAPSE", "-DMEMLIM=1800", *compile_with)
    _call(place, "gcc", *options, "-o", str(program), "pan.c")
    return program


def _run(place: Path, program: Path, *options: str, claim: str) -> tuple[bool, int]:
    """Return whether the claim holds, and how many states were seen."""
    text = _call(place, str(program), *options, "-m200000", "-N", claim)
    found = _COUNT.search(text)
    if found is None:
        raise RuntimeError(f"The search for {claim} did not report:\n{text}")
    holds = found[1] == "0"
    if "too small" in text or (holds and "not completed" in text):
        raise RuntimeError(f"The search for {claim} was cut short:\n{text}")
    return holds, int(found[2])


def _call(place: Path, *command: str) -> str:
    ended = subprocess.run(
        command,
        cwd=place,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SEARCH_TIMEOUT_S,
    )
    return ended.stdout


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as lines for people; a `!` marks what should not be."""
    lines = [f"{'write':<17}{'variant':<36}{'property':<34}{'':<12}{'states':>12}"]
    for one in findings:
        verdict = ("holds" if one.holds else "violated") + ("" if one.is_expected else " !")
        lines.append(
            f"{one.write:<17}{one.variant.name:<36}{PROPERTIES[one.claim]:<34}"
            f"{verdict:<12}{one.state_count:>12,}"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table; return 0 where every line is as it should be, else 1."""
    if missing := missing_programs():
        sys.stderr.write(
            f"Not installed: {', '.join(missing)}. On Debian: apt-get install spin gcc libc6-dev\n"
        )
        return 1
    findings = search()
    sys.stdout.write(table(findings) + "\n")
    return 0 if all(one.is_expected for one in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
