"""The `fields` filter of playlist reads: items(added_at,item(id,name)),total,!next."""

import re
from typing import Any

from deploy.sandbox.answers import Refused

PART = re.compile(r"[(),.!]|[^(),.!\s]+")


class Mask:
    """A parsed filter: names to keep with what to keep inside, and names to leave out."""

    def __init__(self) -> None:
        self.kept: dict[str, Mask] = {}
        self.dropped: dict[str, Mask] = {}

    def apply(self, value: Any) -> Any:
        """Return the value with only what the filter wants; unknown names are dropped silently."""
        if isinstance(value, list):
            return [self.apply(entry) for entry in value]
        if not isinstance(value, dict) or not (self.kept or self.dropped):
            return value
        chosen = {name: value[name] for name in self.kept if name in value} if self.kept else dict(value)
        result = {name: self.kept[name].apply(v) if name in self.kept else v for name, v in chosen.items()}
        for name, inner in self.dropped.items():
            if name in result and inner.dropped:
                result[name] = inner.apply(result[name])
            else:
                result.pop(name, None)
        return result


def parse_mask(text: str) -> Mask:
    """Parse a filter. Raises Refused(400) when brackets or names do not fit together."""
    parts = PART.findall(text)
    mask = Mask()
    rest = _parse_list(parts, mask)
    if rest:
        raise Refused(400, "Invalid fields")
    return mask


def _parse_list(parts: list[str], mask: Mask) -> list[str]:
    while parts and parts[0] != ")":
        parts = _parse_entry(parts, mask)
        if parts and parts[0] == ",":
            parts = parts[1:]
        elif parts and parts[0] != ")":
            raise Refused(400, "Invalid fields")
    return parts


def _parse_entry(parts: list[str], mask: Mask) -> list[str]:
    is_dropped = parts[0] == "!"
    parts = parts[1:] if is_dropped else parts
    if not parts or parts[0] in "(),.!":
        raise Refused(400, "Invalid fields")
    inner = (mask.dropped if is_dropped else mask.kept).setdefault(parts[0], Mask())
    parts = parts[1:]
    if parts and parts[0] == ".":
        return _parse_entry([*(["!"] if is_dropped else []), *parts[1:]], inner)
    if parts and parts[0] == "(":
        if is_dropped:
            raise Refused(400, "Invalid fields")
        parts = _parse_list(parts[1:], inner)
        if not parts:
            raise Refused(400, "Invalid fields")
        return parts[1:]
    return parts
