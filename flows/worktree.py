"""Git worktrees for retraining below `.satiety/`: create one from the last commit, commit in it, merge it back.

A worktree has no branch before its first commit, so an aborted run leaves none behind. It shares DVC's cache and the
outbox with the checkout. The checkout itself is only read, except by `merge`.
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
"""Folder of the worktrees; the result of each is in `<name>.json` beside it."""
SHARED = (OUTBOX, LOCATIONS)
"""Folders shared with the checkout: undelivered MLflow runs, which must outlive the worktree."""
GIT_OPTIONS = ("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgsign=false")
"""No hooks and no signing, which may prompt for a passphrase."""
DEFAULT_IDENTITY = {"user.name": "satiety", "user.email": "satiety@localhost"}
"""Author of commits if git has none configured."""


@dataclass(frozen=True, slots=True)
class Worktree:
    """A git worktree. Paths are absolute."""

    root: Path
    folder: Path
    """Folder of the workspace in the worktree."""
    code: Path
    """Root of the project in the worktree."""
    base: str
    """Commit that it was created from."""

    @property
    def name(self) -> str:
        """Name of its folder in `.satiety/retrain/`."""
        return self.root.name


def git(*words: str, folder: Path | None = None) -> str:
    """Run a git command; return its output.

    Raises:
        SetupError: the command failed, or git is not installed.
    """
    return _run_command(["git", *GIT_OPTIONS, *words], folder or Path.cwd())


def has_changes() -> bool:
    """Return whether the current checkout has uncommitted changes."""
    return bool(git("status", "--porcelain", "--untracked-files=no"))


def make(name: str, sources: Sequence[Asset]) -> Worktree:
    """Create a worktree of the last commit for the current workspace.

    Args:
        name: name of the worktree.
        sources: raw data of the workspace; paths outside the repository are linked, so that they stay valid.

    Raises:
        SetupError: there is no git repository, no commit, or the commit has no params.yaml.
    """
    checkout = Path.cwd().resolve()
    top, base = _find_last_commit(checkout)
    prepare_state(checkout)
    root = checkout / WORKTREES / name
    git("worktree", "add", "--quiet", "--detach", str(root), base)
    worktree = Worktree(root, root / checkout.relative_to(top), root / project_root(checkout).relative_to(top), base)
    if not (worktree.folder / PARAMS_FILE).is_file():
        raise SetupError(f"{checkout / PARAMS_FILE}: not in the last commit, from which a retraining starts; commit it")
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
    """Change to the worktree within the block; use its code, and the services and state of the project."""
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
    """Create and check out a branch; return its name, numbered if the day has other branches."""
    branches = set(git("for-each-ref", "--format=%(refname:short)", "refs/heads/satiety", folder=worktree.root).split())
    branch_name = next(
        candidate
        for candidate in (name, *(f"{name}-{n}" for n in range(2, len(branches) + 3)))
        if candidate not in branches
    )
    git("switch", "--quiet", "--create", branch_name, folder=worktree.root)
    return branch_name


def commit(worktree: Worktree, paths: Sequence[str], message: str) -> str:
    """Commit the existing ones of these files of the workspace; return the commit."""
    existing_paths = [path for path in paths if (worktree.folder / path).exists()]
    git("add", "--", *existing_paths, folder=worktree.folder)
    staged = git("diff", "--cached", "--name-only", folder=worktree.folder)
    if staged:
        options = (*_identity_options(worktree.folder), "commit", "--quiet", "--no-verify", "-m", message)
        git(*options, folder=worktree.folder)
    return git("rev-parse", "HEAD", folder=worktree.folder)


def merge(worktree: Worktree, branch: str, stages: Iterable[str]) -> str:
    """Fast-forward the current checkout to the branch; return why it was not merged, or "".

    `dvc checkout` restores the outs of these stages and the .dvc files below `data/` only, since other workspaces of
    the repository may never have run here.
    """
    if has_changes():
        return "the checkout has uncommitted changes"
    if git("rev-parse", "HEAD") != worktree.base:
        return "the checkout has moved to another commit"
    git("merge", "--quiet", "--ff-only", branch)
    execute("checkout", [*DVC, "checkout", *stages, *_list_dvc_files(Path())], build_environment())
    return ""


def prune(keep: int, finished: Collection[str]) -> None:
    """Remove the worktrees of aborted runs and all but the `keep` newest of finished ones; branches stay."""
    paths = sorted(path for path in WORKTREES.glob("*") if path.is_dir() and not path.is_symlink())
    complete = [path for path in paths if path.name in finished]
    for path in [*(path for path in paths if path.name not in finished), *complete[: max(0, len(complete) - keep)]]:
        with suppress(SetupError):  # not registered in git
            git("worktree", "remove", "--force", "--force", str(path.resolve()))  # twice: removes locked ones too
        shutil.rmtree(path, ignore_errors=True)
        path.with_suffix(".json").unlink(missing_ok=True)
    with suppress(SetupError):  # without a repository, `make` raises the error
        git("worktree", "prune")


def _find_last_commit(checkout: Path) -> tuple[Path, str]:
    try:
        top = Path(git("rev-parse", "--show-toplevel", folder=checkout)).resolve()
    except SetupError:
        raise SetupError(
            f"{checkout}: not a git repository; run `git init` and commit the project: a retraining creates a branch"
        ) from None
    try:
        return top, git("rev-parse", "--verify", "HEAD", folder=checkout)
    except SetupError:
        raise SetupError(f"{top}: no commit; commit the project: a retraining starts from the last commit") from None


def _link_sources(checkout: Path, folder: Path, sources: Sequence[Asset]) -> None:
    """Link sources with a relative path out of the repository, so that the path is valid from the worktree."""
    for source in sources:
        scheme, _, path = source.uri.partition("://")
        if scheme != "local" or Path(path).is_absolute():
            continue
        target, expected = Path(os.path.normpath(checkout / path)), Path(os.path.normpath(folder / path))
        if target.exists() and not expected.exists() and expected.is_relative_to(checkout / STATE):
            expected.parent.mkdir(parents=True, exist_ok=True)
            expected.symlink_to(target)


def _configure_dvc(project: Path, worktree: Worktree) -> None:
    """Copy DVC's local settings and set the checkout's cache."""
    local = Path(".dvc/config.local")
    if (project / local).is_file():
        shutil.copyfile(project / local, worktree.code / local)
    cache = Path(_run_command(["dvc", "cache", "dir"], project))
    if cache.is_relative_to(project):  # relative, since the path of the project may not be ASCII
        cache = Path(os.path.relpath(cache, worktree.code))
    for name, value in {"cache.dir": str(cache), "core.site_cache_dir": str(prepare_site(project))}.items():
        _run_command(["dvc", "config", "--local", name, value], worktree.code)


def _copy_raw(checkout: Path, folder: Path) -> None:
    """Restore tracked data from DVC's cache, and copy untracked raw data from the checkout."""
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
        raise SetupError(f"{command[0]}: not installed, but a retraining needs it; install it") from None
    if process.returncode:
        command_line = " ".join(word for word in command if word not in GIT_OPTIONS)
        raise SetupError(
            f"{folder}: `{command_line}` failed with exit code {process.returncode}: {process.stderr.strip()}"
        )
    return process.stdout.strip()
