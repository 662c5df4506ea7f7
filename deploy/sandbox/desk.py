"""What every handler of a simulated platform works with."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from aiohttp import web

from deploy.sandbox.changes import Item
from deploy.sandbox.clock import Clock
from deploy.sandbox.faults import Fault, Kind
from deploy.sandbox.gate import OPERATION, PARTIAL, Gate
from deploy.sandbox.options import Options
from deploy.sandbox.store import Store
from deploy.sandbox.world import Catalog


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The parts of one running sandbox."""

    options: Options
    catalog: Catalog
    store: Store
    clock: Clock
    gate: Gate

    def fault(self, kind: Kind, request: web.Request) -> Fault | None:
        """Return the data fault of this kind that strikes the request now."""
        return self.gate.book.data_fault(kind, request[OPERATION])

    def visible_at_s(self, request: web.Request) -> float:
        """When what this request writes can be read: now, unless a visibility fault strikes."""
        fault = self.fault("visibility_delay", request)
        return self.clock.now_s() + fault.visibility_delay_s if fault else 0.0

    def as_written(self, items: Sequence[Item], *, request: web.Request) -> tuple[Item, ...]:
        """Return the items as the platform really stores them: cut, mixed or late if so ordered."""
        written = list(items)
        if (kept := request.get(PARTIAL)) is not None:
            written = written[:kept]
        if fault := self.fault("shuffle", request):
            random.Random(fault.seed).shuffle(written)
        visible_at_s = self.visible_at_s(request)
        now_s = self.clock.now_s()
        return tuple(
            msgspec.structs.replace(item, added_at_s=now_s, visible_at_s=visible_at_s) for item in written
        )
