"""How old something has to be to be removed: said in days or weeks, and never by mistake in nothing."""

import pytest

from deploy.cli.main import run


@pytest.mark.parametrize("age", ["0d", "90", "x", "3h", "-1d", "1d2w"])
def test_an_age_that_is_none_is_explained(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["prune", f"--older-than={age}"])

    assert code == 2
    assert "--older-than 90d" in capsys.readouterr().err
