"""A small copy of the project with a problem that trains in seconds: every stage runs in its own process."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from satiety.core.state import MARKER, SITE
from tests.pipeline.made import write_base, write_data
from tests.pipeline.project import Project

CODE = (
    "satiety",
    "tasks",
    "flows",
    "cli",
    "expectations",
    "dvc.yaml",
    "prefect.yaml",
    ".dvcignore",
    ".gitignore",
    str(SITE / "repo" / MARKER),
    "pyproject.toml",
)

CANDIDATES = [
    {"kind": "transductive"},
    {"kind": "linear"},
    {"kind": "contrastive", "training": {"min_steps": 10, "max_steps": 10}},
]
"""Recipes that `auto` compares in seconds, one of which trains the encoder."""


def shrink_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return the default problem's params, with the test's own sources and sizes."""
    ingest, few = params["ingest"], {"kind": "hybrid", "documents": 60, "candidates": 120}
    unpinned = {"sha256": None}
    columns = {"text": "text", "label": "label"}
    ingest["labelled"] = [ingest["labelled"][0] | unpinned | {"uri": "file:data/raw/labelled.csv", "columns": columns}]
    ingest["corpus"] = [ingest["corpus"][0] | unpinned | {"uri": "file:data/raw/corpus.json"}]
    params["project"]["base"] = unpinned | {"uri": "file:data/raw/base"}
    ingest |= {"budget": 60, "test": 160}
    params["levers"]["retrieve"]["retriever"] = few
    params["finetune"] = {"recipe": {"kind": "auto", "candidates": CANDIDATES, "folds": 2}}
    params["worth"] |= {"budgets": 5, "replicates": 3, "curve_replicates": 3, "resamples": 200, "documents": 60}
    params["evaluate"]["resamples"] = 400
    return params | {"promote": {"resamples": 400}, "monitor": {"simulation": {"windows": 160}}, "retrain": {}}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy before any stage ran in it."""
    root = tmp_path_factory.mktemp("template") / "project"
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in CODE:
        if Path(name).is_dir():
            shutil.copytree(name, root / name, ignore=skipped)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, root / name)
    (root / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy(f".dvc/{name}", root / ".dvc" / name)
    shutil.copytree(".dvc/plots", root / ".dvc/plots")
    write_data(root / "data" / "raw")
    write_base(root / "data" / "raw" / "base")
    params = shrink_params(yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8")))
    Project(root).write_params(params)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


@pytest.fixture(scope="session")
def copy_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Return a function that makes a new copy in which no stage has run."""
    return lambda: Project(template).copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="session")
def finished_project(
    template: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Project:
    """The copy in which the whole pipeline ran once, and then `promote`; no test changes it.

    It takes minutes, so all processes of a test run share it: the first one makes it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    log, project = shared / "finished/run.log", Project(shared / "finished/project")
    with FileLock(shared / "finished.lock"):
        if not log.exists():
            shutil.rmtree(log.parent, ignore_errors=True)
            log.write_text(run_pipeline(Project(template).copy(log.parent)), "utf-8")
    return project


def run_pipeline(project: Project) -> str:
    """Run the whole pipeline, then `promote`; return what both have printed."""
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    promoted = project.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert project.read_report("promote")["decision"] == "promoted", "the other tests need a champion"
    return process.stdout + process.stderr + promoted.stdout + promoted.stderr


@pytest.fixture(scope="session")
def committed_project(finished_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same with a commit, which DVC experiments need; no test changes it."""
    project = finished_project.copy(tmp_path_factory.mktemp("committed"))
    marker, identity = str(SITE / "repo" / MARKER), ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["add", "-A"], ["add", "-f", marker], [*identity, "commit", "-qm", "run"]):
        process = project.run("git", *command)
        assert process.returncode == 0, process.stderr
    project.run("git", "config", "user.name", "t")
    project.run("git", "config", "user.email", "t@example.org")
    return project


@pytest.fixture
def project(finished_project: Project, tmp_path: Path) -> Project:
    """A copy of the finished project for one test."""
    return finished_project.copy(tmp_path)
