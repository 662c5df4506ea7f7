"""Child processes are awaited, stopped, and never outlive their parent."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.dev.processes import Process, ProcessSpec, ProcessStartError
from tests.waiting import until

pytestmark = pytest.mark.integration

WaitGone = Callable[[list[int]], Awaitable[None]]


@asynccontextmanager
async def running(code: str, *, log_path: Path, **options: Any) -> AsyncIterator[Process]:
    spec = ProcessSpec(
        name="child",
        command=(sys.executable, "-c", code),
        log_path=log_path,
        environment=dict(os.environ),
        reads_stdout=True,
        **options,
    )
    process = await Process.start(spec)
    try:
        yield process
    finally:
        await process.kill()
        await process.stop()


async def test_ready_line_is_read_and_later_output_goes_to_the_log(tmp_path: Path) -> None:
    log_path = tmp_path / "child.log"
    code = "import sys; print('{\"port\": 7}'); print('later'); print('fault', file=sys.stderr)"
    async with running(code, log_path=log_path) as process:
        ready = await process.read_ready_line(timeout_s=30)
        await process.wait()
        status = await process.stop()

    assert ready == {"port": 7}
    assert status == 0
    assert sorted(log_path.read_text().split()) == ["fault", "later"]
    assert log_path.stat().st_mode & 0o777 == 0o600


async def test_more_output_than_a_pipe_holds_does_not_block_the_child(tmp_path: Path) -> None:
    code = "print('{}', flush=True); print('x' * 1_000_000)"
    async with running(code, log_path=tmp_path / "child.log") as process:
        await process.read_ready_line(timeout_s=30)
        async with asyncio.timeout(30):
            status = await process.wait()
        await process.stop()

    assert status == 0
    assert (tmp_path / "child.log").stat().st_size == 1_000_001


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import sys; sys.exit('no such world')", "ended or spoke.*no such world"),
        ("print('hello')", "ended or spoke"),
        ("print('[1]')", "ended or spoke"),
    ],
)
async def test_a_child_that_is_never_ready_is_reported_with_its_log(
    tmp_path: Path, code: str, complaint: str
) -> None:
    async with running(code, log_path=tmp_path / "child.log") as process:
        with pytest.raises(ProcessStartError, match=f"(?s){complaint}"):
            await process.read_ready_line(timeout_s=30)


async def test_a_silent_child_is_reported_when_the_time_is_up(tmp_path: Path) -> None:
    async with running("import time; time.sleep(600)", log_path=tmp_path / "child.log") as process:
        with pytest.raises(ProcessStartError, match=r"not ready within 0\.05 s"):
            await process.read_ready_line(timeout_s=0.05)


async def test_probe_ends_with_the_child(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async with running("raise SystemExit(3)", log_path=tmp_path / "child.log") as process:
        with pytest.raises(ProcessStartError, match="ended with status 3"):
            await process.wait_ready(never, timeout_s=30)


async def test_a_child_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('{}', flush=True); time.sleep(600)"
    async with running(code, log_path=tmp_path / "child.log") as process:
        await process.read_ready_line(timeout_s=30)
        status = await process.stop(timeout_s=0.1)
        status_again = await process.stop()

    assert status == status_again == -signal.SIGKILL


async def test_a_grandchild_that_keeps_stdout_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    code = (
        "import subprocess; child = subprocess.Popen(['/bin/sleep', '600'], start_new_session=True);"
        "print('{\"pid\": %d}' % child.pid, flush=True); child.wait()"
    )
    async with running(code, log_path=tmp_path / "child.log") as process:
        ready = await process.read_ready_line(timeout_s=30)
        async with asyncio.timeout(30):
            status = await process.stop()
    os.kill(ready["pid"], signal.SIGKILL)

    assert status == -signal.SIGTERM


async def test_a_program_that_is_missing_shows_as_one_that_ends_at_once(tmp_path: Path) -> None:
    spec = ProcessSpec(
        name="nothing",
        command=("/does/not/exist",),
        log_path=tmp_path / "log",
        environment=dict(os.environ),
    )
    process = await Process.start(spec)

    with pytest.raises(ProcessStartError, match="nothing ended with status"):
        await process.wait_ended_well(timeout_s=30)

    await process.stop()


def test_repr_hides_command_and_environment(tmp_path: Path) -> None:
    spec = ProcessSpec(
        name="x", command=("x", "--key", "s3cret"), log_path=tmp_path, environment={"KEY": "s3cret"}
    )

    assert "s3cret" not in repr(spec)


@pytest.fixture(params=["setpriv", "watcher"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """An environment with setpriv in it, and one of a platform that has none."""
    if request.param == "setpriv":
        if sys.platform != "linux" or shutil.which("setpriv") is None:
            pytest.skip("setpriv is part of util-linux")
        return dict(os.environ)
    return dict(os.environ) | {"PATH": str(tmp_path)}


async def test_child_dies_with_a_parent_that_is_killed(
    tmp_path: Path, environment: dict[str, str], start_parent: Any, wait_gone: WaitGone
) -> None:
    async with start_parent("sleep", str(tmp_path / "log"), env=environment) as (parent, ready):
        parent.kill()
        await parent.wait()

        await wait_gone(ready["pids"])


async def test_child_that_ended_by_itself_leaves_nothing_behind(
    tmp_path: Path, environment: dict[str, str], start_parent: Any
) -> None:
    async with start_parent("sleep", str(tmp_path / "log"), env=environment) as (parent, ready):
        [group] = ready["pids"]
        os.kill(group, signal.SIGKILL)
        await parent.communicate()

        await until(lambda: not _living_in_group(group))


def _living_in_group(group: int) -> list[int]:
    answer = subprocess.run(["ps", "-eo", "pgid=,pid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in answer.stdout.splitlines()]
    return [int(pid) for pgid, pid, state in rows if int(pgid) == group and not state.startswith("Z")]
