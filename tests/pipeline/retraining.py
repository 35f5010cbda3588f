"""A copy of the project that retrains, with its own traffic record, and helpers for tests."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from satiety.core.answers import Label, dump
from satiety.core.files import manifest
from satiety.core.records import Feedback
from satiety.problems.base import Prediction
from satiety.serving.traffic import Traffic
from tests.patience import PATIENCE
from tests.pipeline.made import BAD, GOOD, sentence
from tests.pipeline.project import Project
from tests.pipeline.server import alive
from tests.recording import served_texts

CORRECTED, RECORDED = 60, 80
NAME = "tweets-sentiment"
"""Name of the project's model, as in params.yaml."""


def copy_project(committed_project: Project, folder: Path) -> Retraining:
    """Copy the committed project."""
    return Retraining(committed_project.copy(folder))


class Retraining:
    """A copy of the project with its own traffic record."""

    def __init__(self, project: Project) -> None:
        self.project, self.root = project, project.root
        self.environment = project.build_environment() | {"PREFECT_HOME": str(project.root.parent / "prefect")}

    def start(self, **variables: str) -> subprocess.Popen[str]:
        """Start the flow with more environment variables."""
        command = [sys.executable, "-m", "flows.retrain"]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, cwd=self.root, env=self.environment | variables, text=True, **output)

    def run(self) -> tuple[int, str]:
        """Run the flow; return its exit code and output."""
        process = self.start()
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    def find_running_stage(self, stage: str) -> Path | None:
        """Return the lock file of a stage that is running in a worktree."""
        locks = self.root.glob(f".satiety/retrain/*/.satiety/{stage}.lock")
        return next((lock for lock in locks if (pid := lock.read_text()).isdigit() and alive(int(pid))), None)

    def list_worktrees(self) -> list[Path]:
        """Return the existing worktrees."""
        return sorted(path for path in self.root.glob(".satiety/retrain/*") if path.is_dir())

    def list_branches(self) -> list[str]:
        """Return the branches that retraining made."""
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads/satiety").split()

    def git(self, *words: str) -> str:
        """Return the output of a git command."""
        process = self.project.run("git", *words)
        assert process.returncode == 0, process.stderr
        return process.stdout

    def find_champions(self) -> list[Any]:
        """Return the champion version of each model name."""
        query = "select name, version from registered_model_aliases where alias = 'champion'"
        with sqlite3.connect(self.root / "mlflow.db") as store:
            return sorted(store.execute(query))

    def count_running_runs(self) -> int:
        """Return how many runs are marked as running in MLflow."""
        with sqlite3.connect(self.root / "mlflow.db") as store:
            return int(store.execute("select count(*) from runs where status = 'RUNNING'").fetchone()[0])

    def count_running_flows(self) -> int:
        """Return how many flow runs are marked as running in Prefect, in the database of the flow's own server."""
        with sqlite3.connect(self.root.parent / "prefect/prefect.db") as store:
            return int(store.execute("select count(*) from flow_run where state_type = 'RUNNING'").fetchone()[0])

    def read_last_decision(self) -> dict[str, Any]:
        """Return the file of the last decision."""
        values: dict[str, Any] = json.loads((self.root / ".satiety/retrain/last.json").read_text(encoding="utf-8"))
        return values

    def take_snapshot(self) -> dict[str, Any]:
        """Return what retraining must not change: the files outside DVC's cache, git and MLflow, and the git status."""
        files = {
            name: digest
            for name, digest in manifest(self.root).items()
            if not name.startswith((".satiety/", ".dvc/", ".git/", "mlflow.db", "mlartifacts/"))
            and "__pycache__" not in name
        }
        return {"files": files, "status": self.git("status", "--porcelain"), "head": self.git("rev-parse", "HEAD")}


def record_traffic(root: Path, seed: int) -> None:
    """Record predictions for English and Chinese texts, and corrections of most of them."""
    draw = random.Random(seed)
    texts, labels = [], []
    for _ in range(RECORDED):
        label, lexicon = draw.choice([("good", GOOD), ("bad", BAD)])
        language = draw.choice(["en", "zh"])
        texts.append(sentence(draw, language, lexicon[language]))
        labels.append(label)
    rows = list(
        served_texts(
            texts, [Prediction(Label("good"), scores={"good": 0.6, "bad": 0.4})] * RECORDED, NAME, "model", 0.1
        )
    )
    traffic, time = Traffic(root / ".satiety/traffic"), rows[0].time
    traffic.add(rows)
    pairs = list(zip(rows, labels, strict=True))[:CORRECTED]
    traffic.correct([Feedback(row.id, time, dump(Label(label)), "tester") for row, label in pairs])
