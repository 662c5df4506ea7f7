"""A Redis Cluster as one client: each command goes to the node that has its key, and is sent once as ever.

redis-py's own RedisCluster would not do. It refuses a call where no connection is free instead of waiting for
one, lets every call find out anew that a node is away, and sends ASKING over another connection than the
command that needs it (8.1), so that calls fail while slots are moved. Here each node has the same client as a
single server would have, and all that is added is the way to the right one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, ClusterError, MovedError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

HOP_COUNT = 16
"""How often a command is pointed on before it is given up; two are usual while a slot is moved."""
LOAD_EVERY_S = 1.0  # the map of the slots is asked for so often at most, whatever goes wrong meanwhile
TRY_AGAIN_S = 0.05

T = TypeVar("T")
Address: TypeAlias = tuple[str, int]
Command: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
Send: TypeAlias = Callable[[Redis, bool], Awaitable[T]]
"""What is sent to a node. It is told whether the node has to be asked: it gets the slot just now."""

_LOST = (RedisConnectionError, RedisTimeoutError, ClusterDownError, OSError, TimeoutError)
_POINTS_ON = (MovedError, AskError, TryAgainError)  # such an answer says that nothing was done
_TO_ALL = ("SCRIPT", "PING", "FLUSHALL", "FLUSHDB")
_KEYLESS = (
    *_TO_ALL,
    "ASKING",
    "CLIENT",
    "CLUSTER",
    "CONFIG",
    "DBSIZE",
    "INFO",
    "KEYS",
    "SCAN",
    "TIME",
    "WATCH",
)
_AFTER_VERB = ("XGROUP", "XINFO", "MEMORY", "OBJECT")  # XGROUP CREATE key …


def key_of(arguments: Sequence[Any]) -> str | bytes | None:
    """Return the first key of a command as redis-py puts it, None where it has none."""
    words = [*str(arguments[0]).split(), *arguments[1:]]
    name = words[0].upper()
    is_script = name in ("EVAL", "EVALSHA")
    if name in _KEYLESS or (is_script and not int(words[2])):
        return None
    if is_script:
        place = 3
    elif name in ("XREADGROUP", "XREAD"):
        place = words.index(b"STREAMS") + 1  # as redis-py puts it, so that no name can be taken for it
    else:
        place = 2 if name in _AFTER_VERB else 1
    key: str | bytes = words[place]
    return key


class ClusterRedis(Redis):
    """The client. seeds: the nodes that are asked first for the others. open_node: makes the client of one.

    Commands with several keys, and transactions, need keys of one slot; pipelines do not.
    """

    def __init__(self, seeds: Sequence[Address], *, open_node: Callable[[str, int], Redis]) -> None:
        self._open_node = open_node
        self._seeds = tuple(seeds)
        self._nodes: dict[Address, Redis] = {}
        self._owners: dict[int, Address] = {}
        self._primaries: tuple[Address, ...] = ()
        self._lost: set[Address] = set()  # since the map was loaded
        self._is_stale = True
        self._load_at_s = float("-inf")
        self._loading = asyncio.Lock()
        super().__init__(connection_pool=self._node(self._seeds[0]).connection_pool)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  # redis-py's way
        for client in self._nodes.values():
            await client.aclose(close_connection_pool)

    async def primaries(self) -> tuple[Redis, ...]:
        """Return the clients of all nodes that have slots, for what is asked of each of them."""
        await self._map()
        return tuple(map(self._node, self._primaries))

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        key = key_of(args)
        if key is None:
            return await self._send_to_all(args, options)
        return await self.follow(
            key, lambda node, is_asking: _send(node, (args, options), is_asking=is_asking)
        )

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:  # noqa: ARG002, FBT001, FBT002  # redis-py's way
        return _ClusterPipeline(self, transaction=transaction)

    async def follow(self, key: str | bytes, send: Send[T]) -> T:
        """Send something to the owner of a key, and on to where it points: who points on has done nothing."""
        slot = _slot(key)
        address, is_asking = await self._owner(slot), False
        for _ in range(HOP_COUNT):
            try:
                return await send(self._node(address), is_asking)
            except MovedError as error:
                address, is_asking = _pointed(error, address), False
                self._owners[slot], self._is_stale = address, True  # as a rule others have moved with it
            except AskError as error:
                address, is_asking = _pointed(error, address), True
            except TryAgainError:
                await asyncio.sleep(TRY_AGAIN_S)
            except _LOST:
                self._lose(address)
                raise
        raise ClusterError("The nodes of the cluster do not agree who has this slot.")

    async def send_many(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands, those of a node in one round trip; an error stands in its answer's place.

        What has no key goes with what stands beside it.
        """
        places = await self._places(commands)
        groups: dict[Address, list[int]] = {}
        for number, address in enumerate(places):
            groups.setdefault(address, []).append(number)
        parts = await asyncio.gather(
            *(self._send_group(where, [commands[n] for n in group]) for where, group in groups.items()),
            return_exceptions=True,
        )
        answers: list[Any] = [None] * len(commands)
        for group, part in zip(groups.values(), parts, strict=True):
            if isinstance(part, BaseException):
                raise part
            for number, answer in zip(group, part, strict=True):
                answers[number] = answer
        for number, answer in enumerate(answers):  # in their order, which counts where they share a key
            if isinstance(answer, _POINTS_ON):
                args, options = commands[number]
                answers[number] = await self.execute_command(*args, **options)
        return answers

    async def transact(self, commands: Sequence[Command]) -> list[Any]:
        """Do all of these or none; their keys must be of one slot."""
        keys = {key for args, _ in commands if (key := key_of(args)) is not None}
        if len(set(map(_slot, keys))) != 1:
            raise ClusterError("A transaction needs keys of one slot.")
        return await self.follow(
            next(iter(keys)), lambda node, is_asking: _transact(node, commands, is_asking=is_asking)
        )

    async def _send_group(self, address: Address, commands: Sequence[Command]) -> list[Any]:
        try:
            return await _pipe(self._node(address), commands)
        except _LOST:
            self._lose(address)
            raise

    async def _send_to_all(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Send what has no key to every node and return one answer; fail only where all have failed.

        A script that is missing at a node which is away just now is loaded again when it is missed.
        """
        if str(args[0]).split()[0].upper() not in _TO_ALL:
            raise RedisError(f"{args[0]} names no key: ask the nodes one by one.")
        answers = await asyncio.gather(
            *(node.execute_command(*args, **options) for node in await self.primaries()),  # type: ignore[no-untyped-call]  # redis-py leaves it so
            return_exceptions=True,
        )
        good = [answer for answer in answers if not isinstance(answer, BaseException)]
        if good:
            return good[0]
        raise next(answer for answer in answers if isinstance(answer, BaseException))

    def _node(self, address: Address) -> Redis:
        if address not in self._nodes:
            self._nodes[address] = self._open_node(*address)
        return self._nodes[address]

    async def _places(self, commands: Sequence[Command]) -> list[Address]:
        keys = [key_of(args) for args, _ in commands]
        known = [await self._owner(_slot(key)) if key is not None else None for key in keys]
        beside = next((address for address in known if address), None)
        if beside is None:
            raise RedisError("These commands name no key: ask the nodes one by one.")
        places = []
        for address in known:
            beside = address or beside
            places.append(beside)
        return places

    async def _owner(self, slot: int) -> Address:
        await self._map()
        try:
            return self._owners[slot]
        except KeyError:
            self._is_stale = True
            raise ClusterDownError("No node has this slot.") from None

    def _lose(self, address: Address) -> None:
        self._lost.add(address)
        self._is_stale = True

    async def _map(self) -> None:
        """Find out who has which slot, where that is not known or was wrong; an old map is better than none.

        Nobody waits for it who has an old one: most nodes are well as a rule.
        """
        if self._is_known() or (self._owners and self._loading.locked()):
            return
        async with self._loading:
            if not self._is_known():  # nobody else has found out meanwhile
                self._load_at_s = asyncio.get_running_loop().time() + LOAD_EVERY_S
                await self._load()

    def _is_known(self) -> bool:
        """Say whether the map is good, or too young to be asked for again."""
        is_young = bool(self._owners) and asyncio.get_running_loop().time() < self._load_at_s
        return not self._is_stale or is_young

    async def _load(self) -> None:
        known = dict.fromkeys((*self._primaries, *self._seeds))
        failure: Exception | None = None
        for address in sorted(known, key=self._lost.__contains__):
            try:
                answer: Any = await self._node(address).execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]  # redis-py leaves it so
            except (RedisError, *_LOST) as error:
                self._lost.add(address)
                failure = error
                continue
            self._take(answer, asked=address)
            return
        if not self._owners and failure:
            raise failure

    def _take(self, answer: Any, *, asked: Address) -> None:
        owners: dict[int, Address] = {}
        for first, last, (host, port, *_), *_replicas in answer:
            # A node that does not know its own host means the one by which it was asked.
            owners.update(dict.fromkeys(range(int(first), int(last) + 1), (host or asked[0], int(port))))
        self._owners, self._is_stale = owners, False
        self._primaries = tuple(dict.fromkeys(owners.values()))
        self._lost.clear()


class _ClusterPipeline(Pipeline):
    """Collects commands as any pipeline does, and leaves it to the client where they go."""

    def __init__(self, cluster: ClusterRedis, *, transaction: bool) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction, None)
        self._cluster = cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # redis-py's way
        commands: list[Any] = self.command_stack
        try:
            if not commands:
                return []
            is_one = self.is_transaction or self.explicit_transaction
            answers = await (self._cluster.transact if is_one else self._cluster.send_many)(commands)
        finally:
            await self.reset()  # type: ignore[no-untyped-call]  # redis-py leaves it so
        if raise_on_error:
            self.raise_first_error(commands, answers)
        return answers

    async def immediate_execute_command(self, *args: Any, **_: Any) -> Any:
        raise RedisError(f"{args[0]} is not done in a pipeline of a cluster.")


def _slot(key: str | bytes) -> int:
    return key_slot(key.encode() if isinstance(key, str) else key)


def _pointed(error: MovedError | AskError, address: Address) -> Address:
    """Return where an answer points; one without a host means another port of the node that gave it."""
    host = str(error.host)
    return (host or address[0], error.port)


async def _send(node: Redis, command: Command, *, is_asking: bool) -> Any:
    args, options = command
    if not is_asking:
        return await node.execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py leaves it so
    _, answer = await _pipe(node, [(("ASKING",), {}), command])
    if isinstance(answer, Exception):
        raise answer
    return answer


async def _pipe(node: Redis, commands: Sequence[Command]) -> list[Any]:
    async with node.pipeline(transaction=False) as pipe:
        for args, options in commands:
            pipe.execute_command(*args, **options)
        return await pipe.execute(raise_on_error=False)


async def _transact(node: Redis, commands: Sequence[Command], *, is_asking: bool) -> list[Any]:
    if not is_asking:
        async with node.pipeline(transaction=True) as pipe:
            for args, options in commands:
                pipe.execute_command(*args, **options)
            return await pipe.execute(raise_on_error=False)
    # The word ASKING before MULTI counts for all up to EXEC. The answers come as the server gives them.
    raw: list[Command] = [(("ASKING",), {}), (("MULTI",), {}), *commands, (("EXEC",), {})]
    answers = await _pipe(node, raw)
    refused = next((answer for answer in answers if isinstance(answer, Exception)), None)
    if refused:
        raise refused
    return list(answers[-1])
