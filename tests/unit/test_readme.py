"""The documents say what the code does."""

from pathlib import Path

import pytest
import typer

from deploy.cli.main import app
from deploy.settings.files import ROOT
from gateway.problems import KINDS
from shared.lifecycle import Bucket, State
from shared.models import Outcome

README = ROOT / "README.md"
CLI = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
API = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group


def test_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_verb_is_in_the_reference(name: str) -> None:
    assert f"`{name}" in CLI


@pytest.mark.parametrize("name", ["connect", "playlists", "transfer", "status", "decide", "rules"])
def test_every_option_of_a_client_verb_is_in_the_reference(name: str) -> None:
    options = [option for part in COMMANDS[name].params for option in part.opts if option.startswith("--")]

    assert [option for option in options if option not in CLI and option != "--help"] == []


@pytest.mark.parametrize("word", [*KINDS, *Outcome, *State, *Bucket])
def test_every_word_of_the_api_is_in_its_reference(word: str) -> None:
    assert f"`{word}`" in API


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=str)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = [part.split(")")[0].split("#")[0] for part in path.read_text(encoding="utf-8").split("](")[1:]]
    local = [target for target in targets if target and "://" not in target]

    assert [target for target in local if not (path.parent / target).exists()] == []
