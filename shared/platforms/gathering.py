"""Questions of many that a platform answers together: those of one moment become one call."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeAlias, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")
AskAll: TypeAlias = Callable[[Sequence[Question]], Awaitable[Sequence[Reply]]]
"""Answers each question, in their order. What it raises is raised to everybody who asked."""


class Gathering(Generic[Question, Reply]):
    """Collects what is asked at about the same time, up to `most`, and asks it together.

    wait_s: how long the first one waits for others at most; as long as it takes to look questions up
    elsewhere. Where all who ask have said so before (`coming`), nobody waits for more than the last of them.
    """

    def __init__(self, ask_all: AskAll[Question, Reply], *, most: int, wait_s: float) -> None:
        self._ask_all = ask_all
        self._most = most
        self._wait_s = wait_s
        self._waiting: list[tuple[Question, asyncio.Future[Reply]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._coming_count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Say that a question may be put before this is left."""
        self._coming_count += 1
        try:
            yield
        finally:
            self._coming_count -= 1
            if not self._coming_count:
                self._send()

    async def ask(self, question: Question) -> Reply:
        """Return the answer to this one."""
        return await self.put(question)

    def put(self, question: Question) -> asyncio.Future[Reply]:
        """Return where the answer to this one will be."""
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Reply] = loop.create_future()
        self._waiting.append((question, reply))
        if len(self._waiting) >= self._most:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(self._wait_s, self._send)
        return reply

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Who has gone away meanwhile is not asked for.
        batch = [(question, reply) for question, reply in self._waiting if not reply.done()]
        self._waiting = []
        if batch:
            task = asyncio.create_task(self._answer(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, batch: Sequence[tuple[Question, asyncio.Future[Reply]]]) -> None:
        try:
            answers = await self._ask_all([question for question, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is raised to those who asked
            for _, reply in batch:
                if not reply.done():
                    reply.set_exception(error)
            return
        for (_, reply), answer in zip(batch, answers, strict=True):
            if not reply.done():
                reply.set_result(answer)
