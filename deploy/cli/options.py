"""The options that every client verb has."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.output import Format

DEFAULT_SERVER = "http://127.0.0.1:8080"

Server = Annotated[
    str, typer.Option("--server", envvar="CROSSPLAY_URL", help="Address of the gateway.", metavar="URL")
]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="CROSSPLAY_API_KEY", help="API key.", metavar="KEY", show_default=False),
]
IntoFile = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there, not to stdout.")
]
Output = Annotated[
    Format, typer.Option("-o", "--output", help="How data is printed; talk always goes to stderr.")
]
