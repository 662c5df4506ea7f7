"""The model of the write protocol: the full one holds in every state, each weaker one is seen to break."""

import pytest

from tests.model.run import FULL, PROPERTIES, VARIANTS, WRITES, Finding, missing_programs, search, table


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    if missing := missing_programs():
        pytest.skip(f"the model needs {' and '.join(missing)}; on Debian: apt-get install spin gcc libc6-dev")
    return search()


def test_full_protocol_holds_in_every_state(findings: list[Finding]) -> None:
    full = [one for one in findings if one.variant == FULL]

    assert len(full) == len(WRITES) * len(PROPERTIES)
    assert all(one.holds for one in full), table(full)


def test_each_weaker_protocol_is_seen_to_break(findings: list[Finding]) -> None:
    broken = {(one.write, one.variant.name, one.claim) for one in findings if not one.holds}

    meant = {(write, one.name, name) for write in WRITES for one in VARIANTS for name in one.breaks}
    assert broken == meant, table(findings)
