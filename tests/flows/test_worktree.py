"""A worktree of the last commit: its inputs are linked, its results go to a branch, the checkout is not changed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest

from flows import worktree
from flows.worktree import WORKTREES, enter, git, make, prune
from satiety.core.asset import Asset
from satiety.core.errors import SetupError
from satiety.core.settings import project_root

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flows")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a problem in its own folder, and a shared model outside the repository."""
    root = tmp_path / "project"
    for name in (".dvc/config", ".dvc/.gitignore", ".gitignore", ".dvcignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, root / name)
    workspace = root / "mine"
    (workspace / "data/raw").mkdir(parents=True)
    (workspace / "data/raw/.gitkeep").touch()
    (workspace / "params.yaml").write_text("a: 1\n")
    (workspace / ".gitignore").write_text("/data/raw/*\n!/data/raw/.gitkeep\n")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/model").write_text("weights")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        git(*command, folder=root)
    (workspace / "data/raw/评论.csv").write_text("text\n好\n", encoding="utf-8")
    (workspace / "params.yaml").write_text("a: 2  # not committed\n")
    monkeypatch.chdir(workspace)
    return root


def build_assets(*uris: str) -> list[Asset]:
    return [Asset(uri=uri, sha256="0" * 64) for uri in uris]


def test_a_worktree_has_the_last_commit_and_the_ignored_files(project: Path) -> None:
    tree = make("one", build_assets("local://../../shared/model", "local:///etc/hostname", "file:data/raw/评论.csv"))
    assert (tree.folder, tree.code) == (tree.root / "mine", tree.root)
    assert (tree.folder / "params.yaml").read_text() == "a: 1\n"
    assert (tree.folder / "data/raw/评论.csv").read_text(encoding="utf-8") == "text\n好\n"
    with enter(tree):
        assert Path.cwd() == tree.folder
        assert Path("../../shared/model").read_text() == "weights"
        assert project_root() == project
        assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(tree.code)
        cache = subprocess.run(["dvc", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    assert (cache, "SATIETY_PROJECT" in os.environ) == (str(project / ".dvc/cache"), False)
    assert (tree.folder / ".satiety/outbox").resolve() == project / "mine/.satiety/outbox"
    assert git("status", "--porcelain") == "M mine/params.yaml"


def test_the_state_folders_of_worktree_and_project_are_private(project: Path) -> None:
    tree = make("one", [])
    for folder in (project, project / "mine", tree.code, tree.folder):
        assert stat.S_IMODE((folder / ".satiety").stat().st_mode) == 0o700, folder


def test_a_second_branch_of_a_day_gets_a_number(project: Path) -> None:
    names = []
    for name in ("one", "two", "three"):
        tree = make(name, [])
        assert git("branch", "--show-current", folder=tree.root) == ""
        names.append(worktree.begin_branch(tree, "satiety/retrain-2026-01-01"))
        (tree.folder / "new.txt").write_text(name)
        commit_id = worktree.commit(tree, ["new.txt", "nowhere.txt"], "data: 新的")
        assert git("log", "-1", "--format=%H %s", names[-1]) == f"{commit_id} data: 新的"
    assert names == [f"satiety/retrain-2026-01-01{end}" for end in ("", "-2", "-3")]


def test_without_a_git_identity_satiety_is_the_author(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    tree = make("one", [])
    worktree.begin_branch(tree, "satiety/x")
    (tree.folder / "new.txt").touch()
    worktree.commit(tree, ["new.txt"], "data: new")
    assert git("log", "-1", "--format=%an", "satiety/x") == "satiety"


def test_hooks_are_not_run(project: Path) -> None:
    for name in ("pre-commit", "post-checkout"):
        hook = project / ".git/hooks" / name
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    tree = make("one", [])
    worktree.begin_branch(tree, "satiety/x")
    (tree.folder / "new.txt").touch()
    assert worktree.commit(tree, ["new.txt"], "data: new") != tree.base


def test_prune_removes_interrupted_worktrees_and_the_oldest(project: Path) -> None:
    for name in "123":
        worktree.begin_branch(make(name, []), "satiety/x")
        (WORKTREES / f"{name}.json").write_text("{}")
    make("4", [])
    git("worktree", "lock", str(WORKTREES / "4"))  # as git leaves an interrupted one
    (WORKTREES / "0/half").mkdir(parents=True)
    prune(2, {"1", "2", "3"})
    assert sorted(path.name for path in WORKTREES.iterdir()) == ["2", "2.json", "3", "3.json"]
    assert git("worktree", "list").count("\n") == 2
    assert git("for-each-ref", "--format=%(refname:short)", "refs/heads/satiety").split() == [
        "satiety/x",
        "satiety/x-2",
        "satiety/x-3",
    ]


def make_branch(project: Path) -> worktree.Worktree:
    tree = make("one", [])
    worktree.begin_branch(tree, "satiety/x")
    (tree.folder / "new.txt").write_text("new")
    worktree.commit(tree, ["new.txt"], "data: new")
    return tree


def test_a_clean_checkout_is_merged_to_the_branch(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_out: list[str] = []
    monkeypatch.setattr(
        worktree, "execute", lambda _, command, *__: checked_out.extend(command[2:])
    )  # its log needs a flow
    tree = make_branch(project)
    assert worktree.merge(tree, "satiety/x", ["ingest"]) == "the checkout has uncommitted changes"
    git("checkout", "-q", "params.yaml")
    assert worktree.merge(tree, "satiety/x", ["ingest"]) == ""
    assert Path("new.txt").read_text() == "new"
    assert checked_out == ["checkout", "ingest"]
    assert worktree.merge(tree, "satiety/x", ["ingest"]) == "the checkout has moved to another commit"


def test_a_missing_repository_commit_or_params_file_is_an_error(project: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copytree(project / ".dvc", bare / ".dvc")
    with chdir(bare):
        worktree.prune(1, set())
        with pytest.raises(SetupError, match=r"bare: not a git repository; run `git init` and commit the project"):
            make("one", [])
        git("init", "-q")
        with pytest.raises(SetupError, match=r"bare: no commit; commit the project"):
            make("one", [])
        git("commit", "-q", "--allow-empty", "-m", "first")
        with pytest.raises(SetupError, match=r"params.yaml: not in the last commit, from which a retraining starts"):
            make("one", [])
    with pytest.raises(SetupError, match=r"mine: `git frob -x` failed with exit code 1: .*'frob' is not a git command"):
        git("frob", "-x")
