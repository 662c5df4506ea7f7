"""Response bodies that explain problems."""

import msgspec


class ProblemKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a type of problem means. cause: what leads to it. help: what cures it."""

    type: str
    code: str
    status: int
    title: str
    cause: str
    help: str


class ProblemKinds(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[ProblemKind, ...]
    next_cursor: None = None
