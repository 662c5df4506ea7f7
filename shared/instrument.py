"""What an instrument is: its name, unit and attributes, and what it is called at a Prometheus server."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import product

import msgspec

from shared.models import Platform


class Kind(StrEnum):
    """What an instrument does, in Prometheus' words."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


class Role(StrEnum):
    """Which process tells it. Gauges of the fleet are told by one process at a time, whatever its role."""

    GATEWAY = "gateway"
    WORKER = "worker"


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """What divides an instrument into series. values: all that it can be, () where that is not listed."""

    name: str
    values: tuple[str, ...] = ()
    meaning: str = ""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. bounds: upper bounds of a histogram's buckets, in its unit."""

    name: str
    kind: Kind
    unit: str = ""
    meaning: str
    attributes: tuple[Attribute, ...] = ()
    bounds: tuple[float, ...] = ()
    roles: tuple[Role, ...] = (Role.GATEWAY, Role.WORKER)

    @property
    def prometheus_name(self) -> str:
        """Its name at a Prometheus server; a histogram's series add _bucket, _sum and _count."""
        suffix = {"s": "_seconds", "By": "_bytes"}.get(self.unit, "")
        total = "_total" if self.kind is Kind.COUNTER else ""
        return self.name.replace(".", "_") + suffix + total

    def first_series(self) -> Iterator[dict[str, str]]:
        """Yield each set of attributes that is known before anything has happened."""
        if all(attribute.values for attribute in self.attributes):
            names = [attribute.name for attribute in self.attributes]
            for values in product(*(attribute.values for attribute in self.attributes)):
                yield dict(zip(names, values, strict=True))


PLATFORM = Attribute(name="crossplay.platform", values=tuple(Platform))
