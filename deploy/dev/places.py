"""Where a part of the system runs: on this machine's loopback, or on a host of its own."""

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The address that a server listens on, and what stands before a command to run it there.

    prefix is empty for this machine; `nsenter …` leads into a network namespace.
    """

    address: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()


HERE = Place()


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of a system run that others call; workers are placed one by one."""

    stores: Place = HERE
    platforms: Place = HERE
    gateway: Place = HERE


ALL_HERE = Places()
