"""`crossplay match`: asks the matcher itself, without platforms, servers or accounts."""

from typing import Annotated

import typer

from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.output import print_json
from shared.errors import ValidationFailed
from shared.models import Explicit, Policy
from worker.matching.cases import answer, read_case

app = typer.Typer()


@app.command()
def match(
    *,
    cases: Annotated[
        typer.FileBinaryRead,
        typer.Option(help="File with a JSON object {id, source, candidates} in each line; - is stdin."),
    ],
    ignore_isrc: Annotated[
        bool, typer.Option("--ignore-isrc", help="Judge by title, artist, duration and album alone.")
    ] = False,
    policy: Annotated[Policy, typer.Option(help="How near a match must be.")] = Policy.SAME_RECORDING,
    explicit: Annotated[
        Explicit, typer.Option(help="Which of a clean and an explicit release is wanted.")
    ] = Explicit.AS_SOURCE,
) -> None:
    """Say which candidate is the source's recording: lines {id, choice, verdict, score, reason}.

    A track is {title, artists, album, duration_ms, isrc, explicit, release_date, track_number, disc_number};
    what is not known is left out. choice is the candidate's index, null where none is good enough; verdict is
    the outcome that an item of a transfer would get.
    """
    try:
        for number, line in enumerate(cases, start=1):
            if line.strip():
                case = read_case(line, number=number)
                print_json(answer(case, policy=policy, explicit=explicit, ignore_isrc=ignore_isrc))
    except ValidationFailed as error:
        cure = "Every line is a JSON object of its own; `crossplay match --help` names its fields."
        raise CommandStopped(str(error), code=Exit.USAGE_OR_CANCELLED, cure=cure) from error
