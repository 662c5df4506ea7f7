"""What a look at one thing has found: that it is well, that it may hurt, or that it does not work."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line. check: what was looked at. cure: what to do, empty where nothing has to be done."""

    check: str
    verdict: Verdict
    text: str
    cure: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check=check, verdict=Verdict.OK, text=text)


def warn(check: str, text: str, *, cure: str) -> Finding:
    return Finding(check=check, verdict=Verdict.WARN, text=text, cure=cure)


def fail(check: str, text: str, *, cure: str) -> Finding:
    return Finding(check=check, verdict=Verdict.FAIL, text=text, cure=cure)


def words_of(error: BaseException) -> str:
    """Return what an error says, to stand in a sentence of ours."""
    first_line = next(iter(str(error).splitlines()), "")
    return first_line.rstrip(".: ") or type(error).__name__


def worst(findings: Sequence[Finding]) -> Verdict:
    """Return the worst verdict of all; that of nothing is well."""
    ranks = list(Verdict)
    return max((finding.verdict for finding in findings), key=ranks.index, default=Verdict.OK)


def worst_of(findings: Sequence[Finding]) -> Finding:
    """Return the worst finding itself, of several about the same thing."""
    ranks = list(Verdict)
    return max(findings, key=lambda finding: ranks.index(finding.verdict))
