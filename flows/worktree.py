"""A commit -> a git worktree of it below `.satiety/`, in which DVC and the stages find what they need; and back.

The worktree has no branch until there is something to commit, so one that was cut off leaves none behind. It shares
DVC's cache and the spool with the checkout, which itself is only read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from flows.commands import execute
from flows.dvc import DVC, surroundings
from satiety.asset import Asset
from satiety.errors import SetupError
from satiety.section import PARAMS_FILE
from satiety.settings import project_root
from satiety.state import STATE, prepare_site, prepare_state
from tasks.spool import ARRIVED, SPOOL

ROOM = STATE / "retrain"
"""Where the worktrees lie, each beside a note of how it ended, `<name>.json`."""
SHARED = (SPOOL, ARRIVED)
"""What is the checkout's: runs that MLflow has not heard of are delivered from there, whatever becomes of this."""
WITHOUT = ("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgsign=false")
"""Nobody is there to answer a hook or a key's passphrase."""
NOBODY = {"user.name": "satiety", "user.email": "satiety@localhost"}
"""Who commits where git does not know who the user is."""


@dataclass(frozen=True, slots=True)
class Worktree:
    """A checkout of its own. Paths are absolute."""

    root: Path
    folder: Path
    """In it, what the workspace is in the user's checkout."""
    code: Path
    """In it, the project's root."""
    base: str
    """The commit it was made of."""

    @property
    def name(self) -> str:
        """What it is called in `.satiety/retrain/`."""
        return self.root.name


def git(*words: str, folder: Path | None = None) -> str:
    """Run a command of git's; return what it said.

    Raises:
        SetupError: it failed, or is not installed.
    """
    return _said(["git", *WITHOUT, *words], folder or Path.cwd())


def changed() -> bool:
    """Return whether the checkout in which this is called has changes that are not committed."""
    return bool(git("status", "--porcelain", "--untracked-files=no"))


def make(name: str, sources: Sequence[Asset]) -> Worktree:
    """Make a worktree of the last commit, for the workspace in which this is called.

    Args:
        name: of the worktree.
        sources: of the workspace; those that lie beside the repository are linked to where they will be looked for.

    Raises:
        SetupError: there is no git repository, no commit, or no params.yaml in it.
    """
    here = Path.cwd().resolve()
    top, base = _last_commit(here)
    prepare_state(here)
    root = here / ROOM / name
    git("worktree", "add", "--quiet", "--detach", str(root), base)
    made = Worktree(root, root / here.relative_to(top), root / project_root(here).relative_to(top), base)
    if not (made.folder / PARAMS_FILE).is_file():
        raise SetupError(f"{here / PARAMS_FILE}: not in the last commit, which is what is retrained; commit it")
    prepare_state(made.folder)
    for shared in SHARED:
        (here / shared).mkdir(parents=True, exist_ok=True)
        (made.folder / shared).symlink_to(here / shared)
    _reach(here, made.folder, sources)
    _settle_dvc(project_root(here), made)
    _bring_raw(here, made.folder)
    return made


@contextmanager
def inside(worktree: Worktree) -> Iterator[None]:
    """Be in the worktree within the block, with its code, and the services and the history of the project."""
    code = os.pathsep.join([str(worktree.code), *filter(None, [os.environ.get("PYTHONPATH")])])
    ours = {"PYTHONPATH": code, "SATIETY_PROJECT": str(project_root())}
    before = {name: os.environ.get(name) for name in ours}
    with chdir(worktree.folder):
        os.environ.update(ours)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def begin_branch(worktree: Worktree, name: str) -> str:
    """Let the worktree be on a new branch; return its name, which has a number where others of the day are there."""
    there = set(git("for-each-ref", "--format=%(refname:short)", "refs/heads/satiety", folder=worktree.root).split())
    free = next(one for one in (name, *(f"{name}-{n}" for n in range(2, len(there) + 3))) if one not in there)
    git("switch", "--quiet", "--create", free, folder=worktree.root)
    return free


def commit(worktree: Worktree, paths: Sequence[str], message: str) -> str:
    """Commit these files of the workspace, those of them that there are; return the commit."""
    there = [path for path in paths if (worktree.folder / path).exists()]
    git("add", "--", *there, folder=worktree.folder)
    changed = git("diff", "--cached", "--name-only", folder=worktree.folder)
    if changed:
        git(*_identity(worktree.folder), "commit", "--quiet", "--no-verify", "-m", message, folder=worktree.folder)
    return git("rev-parse", "HEAD", folder=worktree.folder)


def merge(worktree: Worktree, branch: str, stages: Iterable[str]) -> str:
    """Merge the branch into the checkout in which this is called; return why that was left to the user, if it was.

    Of DVC's files those come with it that the branch has: outs of these stages, and what is kept below `data/`. Other
    workspaces of the repository may never have run here.
    """
    if changed():
        return "the checkout has changes that are not committed"
    if git("rev-parse", "HEAD") != worktree.base:
        return "the checkout is at another commit by now"
    git("merge", "--quiet", "--ff-only", branch)
    execute("checkout", [*DVC, "checkout", *stages, *_kept(Path())], surroundings())
    return ""


def tidy(keep: int, ended: Collection[str]) -> None:
    """Remove the worktrees of runs that were cut off, and of the others all but the newest; branches stay."""
    there = sorted(path for path in ROOM.glob("*") if path.is_dir() and not path.is_symlink())
    whole = [path for path in there if path.name in ended]
    for path in [*(path for path in there if path.name not in ended), *whole[: max(0, len(whole) - keep)]]:
        with suppress(SetupError):  # git does not know it
            git("worktree", "remove", "--force", "--force", str(path.resolve()))  # twice: it may be locked, half-made
        shutil.rmtree(path, ignore_errors=True)
        path.with_suffix(".json").unlink(missing_ok=True)
    with suppress(SetupError):  # no repository: `make` says so
        git("worktree", "prune")


def _last_commit(here: Path) -> tuple[Path, str]:
    try:
        top = Path(git("rev-parse", "--show-toplevel", folder=here)).resolve()
    except SetupError:
        raise SetupError(
            f"{here}: no git repository; a retraining is a branch of one: `git init`, and commit the project"
        ) from None
    try:
        return top, git("rev-parse", "--verify", "HEAD", folder=here)
    except SetupError:
        raise SetupError(f"{top}: nothing is committed; commit the project: a retraining starts from there") from None


def _reach(here: Path, folder: Path, sources: Sequence[Asset]) -> None:
    """Link what is named by a way out of the repository, seen from the workspace, to where that way leads from here."""
    for source in sources:
        scheme, _, way = source.uri.partition("://")
        if scheme != "local" or Path(way).is_absolute():
            continue
        real, looked_for = Path(os.path.normpath(here / way)), Path(os.path.normpath(folder / way))
        if real.exists() and not looked_for.exists() and looked_for.is_relative_to(here / STATE):
            looked_for.parent.mkdir(parents=True, exist_ok=True)
            looked_for.symlink_to(real)


def _settle_dvc(project: Path, made: Worktree) -> None:
    """Let DVC use the checkout's cache, and what else is set there for this machine alone."""
    local = Path(".dvc/config.local")
    if (project / local).is_file():
        shutil.copyfile(project / local, made.code / local)
    cache = Path(_said(["dvc", "cache", "dir"], project))
    if cache.is_relative_to(project):  # then no path of the project's own, which may not be ASCII, stands in there
        cache = Path(os.path.relpath(cache, made.code))
    for name, value in {"cache.dir": str(cache), "core.site_cache_dir": str(prepare_site(project))}.items():
        _said(["dvc", "config", "--local", name, value], made.code)


def _bring_raw(here: Path, folder: Path) -> None:
    """Bring what the commit does not have: from DVC's cache what DVC keeps, from the checkout what is only there."""
    if kept := _kept(folder):
        with chdir(folder):
            execute("checkout", [*DVC, "checkout", *kept], surroundings())
    for path in sorted((here / "data/raw").rglob("*")):
        target = folder / path.relative_to(here)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def _kept(folder: Path) -> list[str]:
    """Return the .dvc files of a workspace."""
    return sorted(path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*.dvc"))


def _identity(folder: Path) -> list[str]:
    known = {}
    for name in NOBODY:
        with suppress(SetupError):
            known[name] = git("config", name, folder=folder)
    return [word for name, value in NOBODY.items() if not known.get(name) for word in ("-c", f"{name}={value}")]


def _said(command: Sequence[str], folder: Path) -> str:
    none, env = subprocess.DEVNULL, surroundings()
    try:
        done = subprocess.run(command, cwd=folder, env=env, stdin=none, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SetupError(f"{command[0]}: not installed; a retraining is a branch of a git repository") from None
    if done.returncode:
        shown = " ".join(word for word in command if word not in WITHOUT)
        raise SetupError(f"{folder}: `{shown}` ended with code {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()
