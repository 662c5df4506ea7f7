"""Faults on demand: what shall go wrong, for which calls, and how often."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

# Kinds that the gate itself plays, before, instead of or after the platform's own answer.
CALL_KINDS = frozenset(
    {
        "status",
        "html",
        "rate_limit",
        "quota",
        "premium_required",
        "not_registered",
        "delay",
        "timeout",
        "drop",
        "garbage",
        "empty",
        "applied_then_lost",
        "applied_then_error",
        "applied_then_delay",
        "applied_then_empty",
    }
)

Kind = Literal[
    "status",
    "html",
    "rate_limit",
    "quota",
    "premium_required",
    "not_registered",
    "delay",
    "timeout",
    "drop",
    "garbage",
    "empty",
    "applied_then_lost",
    "applied_then_error",
    "applied_then_delay",
    "applied_then_empty",
    # The rest changes what the platform does with its data.
    "deny",
    "visibility_delay",
    "shuffle",
    "append_at_front",
    "poison",
    "ignore_ids",
    "dead_ids",
    "churned_ids",
    "no_catalog_id",
    "no_results",
    "empty_include",
    "empty_page",
    "snapshot_delay",
    "snapshot_refused",
    "not_manual",
]

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault; README.md lists kinds and fields.

    operation: a name, "*", "read" or "write" (the last three never mean the OAuth calls).
    after: matching calls that pass first. count: how often it strikes, None for ever.
    """

    kind: Kind
    operation: str = "*"
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    body: Any = None
    retry_after_s: Seconds | None = None
    plain_text: bool = False
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    seed: int = 0
    count: Count | None = None
    after: Count = 0
    delay_ms: Count | None = None
    partial: Count | None = None
    visibility_delay_s: Seconds = 30.0
    ids: tuple[str, ...] = ()
    poison_ids: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a platform, by the name under which it is counted and broken."""

    name: str
    is_write: bool = False
    is_account: bool = False  # OAuth: another host in reality, so general faults leave it alone


class _Armed:
    """A fault with its own counters and its own seeded dice."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen_count = 0
        self.struck_count = 0
        self.closed_count = 0
        self.closed_until_s: float | None = None
        self._dice = random.Random(fault.seed)

    def meets(self, operation: Operation) -> bool:
        wanted = self.fault.operation
        if operation.is_account or wanted not in {"*", "read", "write"}:
            return wanted == operation.name
        return wanted == "*" or (wanted == "write") == operation.is_write

    def strikes(self, now_s: float) -> bool:
        if self.fault.kind == "quota":
            return self._quota_is_used(now_s)
        self.seen_count += 1
        spent = self.fault.count is not None and self.struck_count >= self.fault.count
        if spent or self.seen_count <= self.fault.after:
            return False
        if self.fault.probability < 1 and self._dice.random() >= self.fault.probability:
            return False
        self.struck_count += 1
        return True

    def _quota_is_used(self, now_s: float) -> bool:
        """A quota lets `after` calls pass, then is shut until the clock has passed its end; `count` times."""
        if self.closed_until_s is not None and now_s >= self.closed_until_s:
            self.closed_until_s = None
            self.seen_count = 0
        if self.closed_until_s is None:
            self.seen_count += 1
            is_spent = self.fault.count is not None and self.closed_count >= self.fault.count
            if is_spent or self.seen_count <= self.fault.after:
                return False
            self.closed_count += 1
            # 13.6 hours: the longest measured wait of a development-mode app.
            wait_s = 48925.0 if self.fault.retry_after_s is None else self.fault.retry_after_s
            self.closed_until_s = now_s + wait_s
        self.struck_count += 1
        return True


@dataclass(frozen=True, kw_only=True)
class Strike:
    """A fault that strikes now; `wait_s` is what is left of its Retry-After."""

    fault: Fault
    wait_s: float | None


class FaultBook:
    """The faults that are armed, asked by the gate and by the handlers."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, faults: Iterable[Fault]) -> None:
        self._armed.extend(_Armed(fault) for fault in faults)

    def clear(self) -> None:
        self._armed.clear()

    def listing(self) -> list[dict[str, Any]]:
        return [
            {**msgspec.to_builtins(a.fault), "seen_count": a.seen_count, "struck_count": a.struck_count}
            for a in self._armed
        ]

    def call_fault(self, operation: Operation, *, now_s: float) -> Strike | None:
        """Return the first fault that strikes this call itself."""
        for armed in self._armed:
            if armed.fault.kind in CALL_KINDS and armed.meets(operation) and armed.strikes(now_s):
                until_s = armed.closed_until_s
                wait_s = armed.fault.retry_after_s if until_s is None else until_s - now_s
                return Strike(fault=armed.fault, wait_s=wait_s)
        return None

    def data_fault(self, kind: Kind, operation: Operation) -> Fault | None:
        """Return the first fault of this kind that strikes the operation's data."""
        for armed in self._armed:
            if armed.fault.kind == kind and armed.meets(operation) and armed.strikes(0):
                return armed.fault
        return None
