"""Which metrics and labels a question in PromQL uses, found without understanding the rest of it."""

import re

TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
RANGE = re.compile(r"\[[^\]]*\]")
RANGE_AFTER = re.compile(r"(?<=[})\w])\[[^\]]*\]")
MATCHERS = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
LABELS = re.compile(r"\b(by|on|without|ignoring)\s*\(([^)]*)\)")
NAME = re.compile(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])")
WORDS = frozenset({"and", "or", "unless", "offset", "bool", "inf", "nan"})


def metrics_of(expr: str) -> frozenset[str]:
    """Return the names of all metrics that are asked for."""
    bare = RANGE.sub("", TEXT.sub('""', expr))
    bare = LABELS.sub(" ", MATCHERS.sub(r"\1", bare))
    return frozenset(name for name in NAME.findall(bare) if name.lower() not in WORDS)


def labels_of(expr: str) -> frozenset[tuple[str, str]]:
    """Return which labels of which metric are matched or kept (`by`)."""
    bare = RANGE.sub("", TEXT.sub('""', expr))
    matched = {
        (selector[1], label)
        for selector in MATCHERS.finditer(bare)
        for label in re.findall(r"(\w+)\s*[=!]", selector[2])
    }
    kept = {
        (metric, label)
        for clause in LABELS.finditer(bare)
        if clause[1] == "by"
        for label in re.findall(r"\w+", clause[2])
        for metric in metrics_of(_parenthesis(bare, clause.end()))
    }
    return frozenset(matched | kept)


def values_of(expr: str) -> frozenset[tuple[str, str, str]]:
    """Return metric, label and pattern of all matchers; a plain text is a pattern, too."""
    return frozenset(
        (selector[1], label, pattern)
        for selector in MATCHERS.finditer(RANGE_AFTER.sub("", expr))
        for label, pattern in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', selector[2])
    )


def _parenthesis(text: str, start: int) -> str:
    """Return what the next parenthesis holds."""
    depth = 0
    opened_at = text.index("(", start)
    for at in range(opened_at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[opened_at + 1 : at]
    raise ValueError(f"a parenthesis is not closed: {text}")
