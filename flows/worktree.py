"""A commit -> a git worktree of it below `.satiety/`, in which DVC and the stages find what they need; and back.

The worktree has no branch until there is something to commit, so one that was cut off leaves none behind. It shares
DVC's cache and the outbox with the checkout, which itself is only read.
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
from flows.dvc import DVC, build_environment
from satiety.core.asset import Asset
from satiety.core.errors import SetupError
from satiety.core.section import PARAMS_FILE
from satiety.core.settings import project_root
from satiety.core.state import STATE, prepare_site, prepare_state
from tasks.outbox import OUTBOX
from tasks.tracking import LOCATIONS

WORKTREES = STATE / "retrain"
"""Where the worktrees lie, each beside a note of how it ended, `<name>.json`."""
SHARED = (OUTBOX, LOCATIONS)
"""What is the checkout's: runs that MLflow has not heard of are delivered from there, whatever becomes of this."""
GIT_OPTIONS = ("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgsign=false")
"""Nobody is there to answer a hook or a key's passphrase."""
DEFAULT_IDENTITY = {"user.name": "satiety", "user.email": "satiety@localhost"}
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
    return _run_command(["git", *GIT_OPTIONS, *words], folder or Path.cwd())


def has_changes() -> bool:
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
    checkout = Path.cwd().resolve()
    top, base = _find_last_commit(checkout)
    prepare_state(checkout)
    root = checkout / WORKTREES / name
    git("worktree", "add", "--quiet", "--detach", str(root), base)
    worktree = Worktree(root, root / checkout.relative_to(top), root / project_root(checkout).relative_to(top), base)
    if not (worktree.folder / PARAMS_FILE).is_file():
        raise SetupError(f"{checkout / PARAMS_FILE}: not in the last commit, which is what is retrained; commit it")
    prepare_state(worktree.folder)
    for shared in SHARED:
        (checkout / shared).mkdir(parents=True, exist_ok=True)
        (worktree.folder / shared).symlink_to(checkout / shared)
    _link_sources(checkout, worktree.folder, sources)
    _configure_dvc(project_root(checkout), worktree)
    _copy_raw(checkout, worktree.folder)
    return worktree


@contextmanager
def enter(worktree: Worktree) -> Iterator[None]:
    """Be in the worktree within the block, with its code, and the services and the history of the project."""
    code = os.pathsep.join([str(worktree.code), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {"PYTHONPATH": code, "SATIETY_PROJECT": str(project_root())}
    saved_values = {name: os.environ.get(name) for name in variables}
    with chdir(worktree.folder):
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in saved_values.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def begin_branch(worktree: Worktree, name: str) -> str:
    """Let the worktree be on a new branch; return its name, which has a number where others of the day are there."""
    branches = set(git("for-each-ref", "--format=%(refname:short)", "refs/heads/satiety", folder=worktree.root).split())
    branch_name = next(
        candidate
        for candidate in (name, *(f"{name}-{n}" for n in range(2, len(branches) + 3)))
        if candidate not in branches
    )
    git("switch", "--quiet", "--create", branch_name, folder=worktree.root)
    return branch_name


def commit(worktree: Worktree, paths: Sequence[str], message: str) -> str:
    """Commit these files of the workspace, those of them that there are; return the commit."""
    existing_paths = [path for path in paths if (worktree.folder / path).exists()]
    git("add", "--", *existing_paths, folder=worktree.folder)
    staged = git("diff", "--cached", "--name-only", folder=worktree.folder)
    if staged:
        git(
            *_identity_options(worktree.folder),
            "commit",
            "--quiet",
            "--no-verify",
            "-m",
            message,
            folder=worktree.folder,
        )
    return git("rev-parse", "HEAD", folder=worktree.folder)


def merge(worktree: Worktree, branch: str, stages: Iterable[str]) -> str:
    """Merge the branch into the checkout in which this is called; return why that was left to the user, if it was.

    Of DVC's files those come with it that the branch has: outs of these stages, and what is kept below `data/`. Other
    workspaces of the repository may never have run here.
    """
    if has_changes():
        return "the checkout has changes that are not committed"
    if git("rev-parse", "HEAD") != worktree.base:
        return "the checkout is at another commit by now"
    git("merge", "--quiet", "--ff-only", branch)
    execute("checkout", [*DVC, "checkout", *stages, *_list_dvc_files(Path())], build_environment())
    return ""


def prune(keep: int, finished: Collection[str]) -> None:
    """Remove the worktrees of runs that were cut off, and of the others all but the newest; branches stay."""
    paths = sorted(path for path in WORKTREES.glob("*") if path.is_dir() and not path.is_symlink())
    complete = [path for path in paths if path.name in finished]
    for path in [*(path for path in paths if path.name not in finished), *complete[: max(0, len(complete) - keep)]]:
        with suppress(SetupError):  # git does not know it
            git("worktree", "remove", "--force", "--force", str(path.resolve()))  # twice: it may be locked, half-made
        shutil.rmtree(path, ignore_errors=True)
        path.with_suffix(".json").unlink(missing_ok=True)
    with suppress(SetupError):  # no repository: `make` says so
        git("worktree", "prune")


def _find_last_commit(checkout: Path) -> tuple[Path, str]:
    try:
        top = Path(git("rev-parse", "--show-toplevel", folder=checkout)).resolve()
    except SetupError:
        raise SetupError(
            f"{checkout}: no git repository; a retraining is a branch of one: `git init`, and commit the project"
        ) from None
    try:
        return top, git("rev-parse", "--verify", "HEAD", folder=checkout)
    except SetupError:
        raise SetupError(f"{top}: nothing is committed; commit the project: a retraining starts from there") from None


def _link_sources(checkout: Path, folder: Path, sources: Sequence[Asset]) -> None:
    """Link what is named by a way out of the repository, seen from the workspace, to where that way leads from here."""
    for source in sources:
        scheme, _, path = source.uri.partition("://")
        if scheme != "local" or Path(path).is_absolute():
            continue
        target, expected = Path(os.path.normpath(checkout / path)), Path(os.path.normpath(folder / path))
        if target.exists() and not expected.exists() and expected.is_relative_to(checkout / STATE):
            expected.parent.mkdir(parents=True, exist_ok=True)
            expected.symlink_to(target)


def _configure_dvc(project: Path, worktree: Worktree) -> None:
    """Let DVC use the checkout's cache, and what else is set there for this machine alone."""
    local = Path(".dvc/config.local")
    if (project / local).is_file():
        shutil.copyfile(project / local, worktree.code / local)
    cache = Path(_run_command(["dvc", "cache", "dir"], project))
    if cache.is_relative_to(project):  # then no path of the project's own, which may not be ASCII, stands in there
        cache = Path(os.path.relpath(cache, worktree.code))
    for name, value in {"cache.dir": str(cache), "core.site_cache_dir": str(prepare_site(project))}.items():
        _run_command(["dvc", "config", "--local", name, value], worktree.code)


def _copy_raw(checkout: Path, folder: Path) -> None:
    """Bring what the commit does not have: from DVC's cache what DVC keeps, from the checkout what is only there."""
    if dvc_files := _list_dvc_files(folder):
        with chdir(folder):
            execute("checkout", [*DVC, "checkout", *dvc_files], build_environment())
    for path in sorted((checkout / "data/raw").rglob("*")):
        target = folder / path.relative_to(checkout)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def _list_dvc_files(folder: Path) -> list[str]:
    """Return the .dvc files of a workspace."""
    return sorted(path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*.dvc"))


def _identity_options(folder: Path) -> list[str]:
    identity = {}
    for name in DEFAULT_IDENTITY:
        with suppress(SetupError):
            identity[name] = git("config", name, folder=folder)
    return [
        word for name, value in DEFAULT_IDENTITY.items() if not identity.get(name) for word in ("-c", f"{name}={value}")
    ]


def _run_command(command: Sequence[str], folder: Path) -> str:
    devnull, env = subprocess.DEVNULL, build_environment()
    try:
        process = subprocess.run(
            command, cwd=folder, env=env, stdin=devnull, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SetupError(f"{command[0]}: not installed; a retraining is a branch of a git repository") from None
    if process.returncode:
        command_line = " ".join(word for word in command if word not in GIT_OPTIONS)
        raise SetupError(f"{folder}: `{command_line}` ended with code {process.returncode}: {process.stderr.strip()}")
    return process.stdout.strip()
