"""Child processes that are started, watched and stopped together, and die with their parent."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import msgspec

Probe = Callable[[], Awaitable[bool]]

# setpriv cannot help when the parent died before it asked for the signal; the shell looks once more.
_SAME_PARENT = '[ "$PPID" = "$0" ] && exec "$@"'
# Where there is no setpriv, an orphaned shell waits on its stdin, a pipe that only the parent holds: a line
# means that the server is gone already, the end of the file that the parent is. `$$` is the later server.
_WATCHER = '( exec 3<&0; ( read -r _ <&3 || kill -s "$0" $$ ) >/dev/null 2>&1 & ); exec "$@" </dev/null'
_READY_LINE_LIMIT_BYTES = 1 << 20
_LOG_TAIL_BYTES = 2000


class StartError(Exception):
    """Something of this machine could not be started; the text is for the person who wanted it."""


class ProcessStartError(StartError):
    """A child process ended or stayed silent before it was ready; the text holds the end of its log."""


class ProcessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to start, and how to end it.

    prefix stands before everything else (`unshare …`). uid: user and group of the child, None for ours.
    inherited_fds stay open in the child. orphan_signal is what it gets when we die without a word.
    reads_stdout: its stdout begins with a ready line, the rest goes to the log.
    """

    name: str
    command: tuple[str, ...]
    log_path: Path
    environment: Mapping[str, str]
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    inherited_fds: tuple[int, ...] = ()
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    reads_stdout: bool = False

    def __repr__(self) -> str:
        return f"ProcessSpec(name={self.name!r}, log_path={str(self.log_path)!r}, …)"


class Process:
    """One running child, in a session of its own.

    Start it from a thread that lives as long as the child should: Linux sends the orphan signal when the
    thread ends that started it. The main thread's event loop is right.
    """

    def __init__(
        self, spec: ProcessSpec, *, child: asyncio.subprocess.Process, lifeline_fd: int | None
    ) -> None:
        self._spec = spec
        self._child = child
        self._lifeline_fd = lifeline_fd
        self._stdout: asyncio.StreamReader | None = None
        self._stdout_transport: asyncio.ReadTransport | None = None
        self._drain: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, spec: ProcessSpec) -> Self:
        """Start the child; stop() has to follow. A program that is missing shows as one that ends at once."""
        has_setpriv = await asyncio.to_thread(_has_setpriv)
        with contextlib.ExitStack() as fds:
            lifeline = None if has_setpriv else _pipe(fds)
            stdout = _pipe(fds) if spec.reads_stdout else None
            log_fd = _open_log(spec.log_path, fds=fds)
            child = await asyncio.create_subprocess_exec(
                *_command_line(spec, has_setpriv=has_setpriv),
                stdin=lifeline[0] if lifeline else subprocess.DEVNULL,
                stdout=stdout[1] if stdout else log_fd,
                stderr=log_fd,
                env=dict(spec.environment),
                cwd=spec.cwd,
                start_new_session=True,
                pass_fds=spec.inherited_fds,
                user=spec.uid,
                group=spec.uid,
                extra_groups=None if spec.uid is None else [],
            )
            process = cls(spec, child=child, lifeline_fd=os.dup(lifeline[1]) if lifeline else None)
            if stdout:
                await process._read_from(os.dup(stdout[0]))
        return process

    @property
    def name(self) -> str:
        return self._spec.name

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._child.returncode

    async def wait(self) -> int:
        """Wait until the child ended; returns its exit status, negative for a signal."""
        status = await self._child.wait()
        if self._lifeline_fd is not None:
            # From now on its number may be another program's.
            with contextlib.suppress(BrokenPipeError):
                os.write(self._lifeline_fd, b"\n")
            os.close(self._lifeline_fd)
            self._lifeline_fd = None
        return status

    def send_signal(self, signal_number: signal.Signals) -> None:
        """Signal the child; nothing happens if it ended already."""
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(signal_number)

    async def wait_ready(self, probe: Probe, *, timeout_s: float, interval_s: float = 0.02) -> None:
        """Ask probe until it says yes. Raises ProcessStartError when the child ends or the time is up."""
        exited = asyncio.ensure_future(self.wait())
        try:
            async with asyncio.timeout(timeout_s):
                while not await probe():
                    await asyncio.wait([exited], timeout=interval_s)
                    if exited.done():
                        raise self._start_error(f"ended with status {exited.result()}")
        except TimeoutError as error:
            raise self._start_error(f"was not ready within {timeout_s:g} s") from error
        finally:
            exited.cancel()

    async def wait_ended_well(self, *, timeout_s: float) -> None:
        """Wait for an end with status 0. Raises ProcessStartError for another one or when the time is up."""
        try:
            async with asyncio.timeout(timeout_s):
                status = await self.wait()
        except TimeoutError as error:
            raise self._start_error(f"did not end within {timeout_s:g} s") from error
        if status != 0:
            raise self._start_error(f"ended with status {status}")

    async def read_ready_line(self, *, timeout_s: float) -> dict[str, Any]:
        """Read the first line of stdout, a JSON object; what follows is drained to the log.

        Raises ProcessStartError when the child ends, says something else or the time is up.
        """
        if self._stdout is None:
            raise ValueError(f"{self.name} was started without reads_stdout")
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._stdout.readline()
            ready = msgspec.json.decode(line, type=dict[str, Any])
        except TimeoutError as error:
            raise self._start_error(f"was not ready within {timeout_s:g} s") from error
        except (ValueError, msgspec.MsgspecError) as error:  # no JSON, or a line without an end
            raise self._start_error("ended or spoke before its ready line") from error
        self._drain = asyncio.create_task(self._drain_stdout(self._stdout), name=f"drain-{self.name}")
        return ready

    async def stop(self, *, timeout_s: float = 10.0) -> int:
        """End the child: its stop signal, then SIGKILL when the time is up. Returns its exit status."""
        self.send_signal(self._spec.stop_signal)
        try:
            async with asyncio.timeout(timeout_s):
                status = await self.wait()
        except TimeoutError:
            status = await self.kill()
        await self._close()
        return status

    async def kill(self) -> int:
        """End the child with SIGKILL at once. Returns its exit status; stop() still has to follow."""
        self.send_signal(signal.SIGKILL)
        return await self.wait()

    async def _read_from(self, fd: int) -> None:
        reader = asyncio.StreamReader(limit=_READY_LINE_LIMIT_BYTES)
        self._stdout_transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
        )
        self._stdout = reader

    async def _drain_stdout(self, reader: asyncio.StreamReader) -> None:
        with contextlib.ExitStack() as fds:
            log_fd = _open_log(self._spec.log_path, fds=fds)
            while part := await reader.read(65536):
                os.write(log_fd, part)

    async def _close(self) -> None:
        if self._drain:
            # A grandchild may still hold the pipe: what it says later is nobody's.
            await asyncio.wait([self._drain], timeout=1.0)
            self._drain.cancel()
            await asyncio.wait([self._drain])
        if self._stdout_transport:
            self._stdout_transport.close()
            await asyncio.sleep(0)  # the transport closes its file in the next round of the loop

    def _start_error(self, what: str) -> ProcessStartError:
        with self._spec.log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            tail = log.read().decode(errors="replace").strip()
        return ProcessStartError(f"{self.name} {what}; the end of {self._spec.log_path}:\n{tail}")


def _pipe(fds: contextlib.ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for fd in ends:
        fds.callback(os.close, fd)
    return ends


def _open_log(path: Path, *, fds: contextlib.ExitStack) -> int:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fds.callback(os.close, fd)
    return fd


def _command_line(spec: ProcessSpec, *, has_setpriv: bool) -> tuple[str, ...]:
    signal_name = spec.orphan_signal.name.removeprefix("SIG")
    if not has_setpriv:
        return (*spec.prefix, "/bin/sh", "-c", _WATCHER, signal_name, *spec.command)
    # A change of user or namespace forgets the signal, so it is asked for after the prefix.
    guard = ("setpriv", "--pdeathsig", signal_name, "/bin/sh", "-c", _SAME_PARENT, str(os.getpid()))
    return (*spec.prefix, *guard, *spec.command)


@lru_cache(maxsize=1)
def _has_setpriv() -> bool:
    """Whether util-linux can set the signal here; busybox has a setpriv that cannot."""
    program = shutil.which("setpriv")
    if program is None:
        return False
    command = [program, "--pdeathsig", "KILL", "true"]
    return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0  # noqa: S603 - our own words
