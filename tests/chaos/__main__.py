"""`python -m tests.chaos [--runs N] [--seed S]`: random transfers, random faults, and what they break."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.dev.sandboxes import USES
from tests.chaos.campaign import Campaign, line_of, say
from tests.chaos.history import check
from tests.chaos.plans import EVERY_PLATFORM, FIRST_PAIR, Pair
from tests.chaos.records import History

KEEP = Path(".chaos")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="how many runs")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the first one's seed")
    parser.add_argument("--lanes", type=int, default=3, metavar="N", help="systems side by side")
    parser.add_argument("--keep", type=Path, default=KEEP, metavar="DIR", help="histories of broken runs")
    parser.add_argument("--check", type=Path, metavar="FILE", help="judge a kept history again and play none")
    parser.add_argument(
        "--platforms",
        type=_pairs,
        default=(FIRST_PAIR,),
        metavar="A,B",
        help=f"two of {', '.join(USES)}, or `all`; default: {','.join(FIRST_PAIR)}",
    )
    options = parser.parse_args(arguments)
    if options.check:
        history = msgspec.json.decode(options.check.read_bytes(), type=History)
        violations = check(history)
        say(line_of(history, violations))
        return 1 if violations else 0
    is_broken = False
    share, rest = divmod(options.runs, len(options.platforms))
    for number, pair in enumerate(options.platforms):
        seeds = range(options.seed, options.seed + share + (number < rest))
        campaign = Campaign(seeds, keep=options.keep / "-".join(pair), platforms=pair)
        asyncio.run(campaign.play(lane_count=options.lanes))
        say(f"{' and '.join(pair)}: {campaign.summary()}")
        is_broken = is_broken or bool(campaign.broken)
    return 1 if is_broken else 0


def _pairs(text: str) -> tuple[Pair, ...]:
    if text == "all":
        return EVERY_PLATFORM
    first, _, second = text.partition(",")
    if first == second or not {first, second} <= set(USES):
        raise argparse.ArgumentTypeError(f"expected `all`, or two of {', '.join(USES)}")
    return ((first, second),)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
