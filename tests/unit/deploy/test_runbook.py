"""The runbook: one page for each alert, and nothing in it that does not exist."""

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from deploy.cli.main import app
from tests.runbook import PAGES, ROOT, alerts, page_name

INDEX = "README.md"
SECTIONS = ["## Meaning", "## Look at", "## Do", "## Afterwards"]
CROSSPLAY = get_command(app)
COMMAND = re.compile(r"`crossplay ([^`]+)`")
EVENT = re.compile(r"log event `(\w+)`")
LOGS = ROOT.joinpath("docs/reference/logs.md").read_text()
SETTING = re.compile(r"CROSSPLAY_[A-Z_]+")
SETTINGS = ROOT.joinpath("docs/reference/settings.md").read_text()
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
BY_ALERT = {page_name(alert["alert"]): alert for alert in alerts()}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))


def unknown_part(words: list[str]) -> str | None:
    """Return the first word of a command line that the command does not know."""
    command = CROSSPLAY
    for word in words:
        if word.startswith("--"):
            options = {name for parameter in command.params for name in parameter.opts}
            if word not in options:
                return word
        elif isinstance(command, TyperGroup):
            found = command.commands.get(word)
            if found is None:
                return word
            command = found
    return None


def test_alerts_and_pages_are_one_to_one() -> None:
    assert {page.name for page in PAGES} - {INDEX} == set(BY_ALERT)


def test_the_index_names_every_alert_with_its_severity_and_page() -> None:
    index = next(page for page in PAGES if page.name == INDEX).read_text()

    for name, alert in BY_ALERT.items():
        line = next(line for line in index.splitlines() if f"`{alert['alert']}`" in line)
        assert f"| {alert['labels']['severity']} |" in line
        assert f"({name})" in line


@pytest.mark.parametrize("name", sorted(BY_ALERT))
def test_a_page_names_its_alert_and_has_every_section(name: str) -> None:
    alert, page = BY_ALERT[name], next(page for page in PAGES if page.name == name)
    text = page.read_text()

    assert f"Alert `{alert['alert']}`, {alert['labels']['severity']}." in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == SECTIONS


@pages
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    lost = [to for to in LINK.findall(page.read_text()) if not (page.parent / to).resolve().exists()]

    assert lost == []


@pages
def test_commands_of_a_page_exist(page: Path) -> None:
    lines = COMMAND.findall(page.read_text())

    unknown = {line: part for line in lines if (part := unknown_part(shlex.split(line)))}

    assert unknown == {}


@pages
def test_log_events_of_a_page_are_listed(page: Path) -> None:
    assert [event for event in EVENT.findall(page.read_text()) if f"| `{event}` |" not in LOGS] == []


@pages
def test_settings_of_a_page_exist(page: Path) -> None:
    assert [name for name in SETTING.findall(page.read_text()) if f"`{name}`" not in SETTINGS] == []


def test_a_command_that_does_not_exist_is_found() -> None:
    lines = ("revive 7", "reviv 7", "keys rotate", "keys turn", "retry ID --only all", "retry ID --all")

    assert [unknown_part(line.split()) for line in lines] == [None, "reviv", None, "turn", None, "--all"]
