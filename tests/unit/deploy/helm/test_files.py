"""What the chart says twice is written by the code, and is current."""

import importlib.metadata
from pathlib import Path

import pytest
import yaml

from deploy.helm.files import CHART, ROOT, stale_files, written_files


@pytest.mark.parametrize("path", sorted(written_files()), ids=lambda path: path.name)
def test_written_file_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written_files()[path], "run: python -m deploy.helm"


def test_no_copy_outlives_its_original() -> None:
    assert stale_files() == []


def test_chart_belongs_to_this_release() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert chart["appVersion"] == chart["version"] == importlib.metadata.version("crossplay")


def test_packed_chart_is_whole_and_holds_no_link(tmp_path: Path) -> None:
    helm = pytest.importorskip("helm_python", reason="needs `make validators`")

    helm.expand(tmp_path, helm.package(CHART, destination=tmp_path))

    packed = {path.relative_to(tmp_path / "crossplay") for path in (tmp_path / "crossplay").rglob("*.*")}
    ours = {path.relative_to(CHART) for path in CHART.rglob("*.*") if path.is_file()}
    assert (
        ours - packed
        == {path for path in ours if path.parts[0] == "ci"} | {Path(".helmignore")} & ours - packed
    )
    assert not any(path.is_symlink() for path in CHART.rglob("*"))


def test_how_to_names_every_set_of_values_that_is_checked() -> None:
    page = (ROOT / "docs/how-to/kubernetes.md").read_text(encoding="utf-8")

    assert [path.name for path in CHART.glob("ci/*.yaml") if path.name not in page] == []
