"""`make compose-test`: build the image, run the stack of the compose file, move a playlist, kill, drain.

The stack runs in a network namespace of its own, so that bridges, packet filter rules and forwarding go with
it, and in a store of its own below .crossplay; nothing else of the machine is changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.compose import images
from tests.compose.podman import CallFailed, call, configure, say
from tests.compose.stack import Stack
from tests.compose.trial import Trial
from tests.compose.world import write_playlist

INSIDE = "--inside"
PACKAGES = "buildah podman runc netavark aardvark-dns catatonit iptables iproute2 debootstrap uidmap"
_PROGRAMS = ("buildah", "podman", "runc", "debootstrap", "catatonit", "iptables", "ip", "unshare")
_PARTS = ("/usr/lib/podman/netavark", "/usr/lib/podman/aardvark-dns")


def main(arguments: Sequence[str]) -> int:
    if INSIDE in arguments:
        return _try()
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    missing += [path for path in _PARTS if not Path(path).exists()]
    if os.geteuid() != 0 or missing:
        why = f"{', '.join(missing)} missing" if missing else "only root may build and run containers here"
        say(f"compose-test skipped: {why}. On Debian: apt-get install --no-install-recommends {PACKAGES}")
        return 0
    environ = configure()
    began = time.monotonic()
    images.make_base(environ)
    say(f"base: {time.monotonic() - began:.1f} s")
    began = time.monotonic()
    images.build_ours(environ)
    images.build_standins(environ)
    size = call(
        "podman", "images", "--format", "{{.Size}}", images.compose_images()["gateway"], environ=environ
    )
    say(f"images: {time.monotonic() - began:.1f} s; ours has {size.strip()}")
    alone = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    return subprocess.run((*alone, sys.executable, "-m", "tests.compose", INSIDE), check=False).returncode


def _try() -> int:
    environ = configure()
    with tempfile.TemporaryDirectory(prefix="crossplay-compose-") as made:
        stack = Stack(Path(made), environ=environ)
        isrcs = write_playlist(Path(made) / "docs/examples/harbour-lights.json")
        stack.down()  # what an earlier run may have left
        trial = Trial(stack, isrcs=isrcs)
        began = time.monotonic()
        try:
            for step in (
                trial.check_image,
                trial.start,
                trial.check_metrics,
                trial.check_hardening,
                trial.move_and_kill,
                trial.drain,
                trial.stop_without_init,
            ):
                step()
        except (AssertionError, CallFailed) as error:
            say(f"compose-test FAILED: {error}")
            say(stack.diagnosis())
            return 1
        finally:
            stack.down()
    say(f"compose-test passed: {time.monotonic() - began:.1f} s with the stack")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
