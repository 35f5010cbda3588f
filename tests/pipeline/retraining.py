"""A copy of the project that retrains, with a record of its own, and what tests ask of it."""

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

CORRECTED, ASKED = 60, 80
NAME = "tweets-sentiment"
"""Of the project's models: it keeps what params.yaml has."""


def settle(committed: Project, folder: Path) -> Retraining:
    """Copy the committed project."""
    return Retraining(committed.copy(folder))


class Retraining:
    """A copy of the project with a record of its own."""

    def __init__(self, project: Project) -> None:
        self.project, self.root = project, project.root
        self.environment = project.environment() | {"PREFECT_HOME": str(project.root.parent / "prefect")}

    def start(self, **around: str) -> subprocess.Popen[str]:
        """Start the flow; ``around`` is added to its environment."""
        command = [sys.executable, "-m", "flows.retrain"]
        said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, cwd=self.root, env=self.environment | around, text=True, **said)

    def run(self) -> tuple[int, str]:
        """Run the flow; return its exit code and what it said."""
        process = self.start()
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def lock(self, stage: str) -> Path | None:
        """Return the lock of a stage that is at work in a worktree."""
        locks = self.root.glob(f".satiety/retrain/*/.satiety/{stage}.lock")
        return next((lock for lock in locks if (pid := lock.read_text()).isdigit() and alive(int(pid))), None)

    def worktrees(self) -> list[Path]:
        """Return the worktrees that are there."""
        return sorted(path for path in self.root.glob(".satiety/retrain/*") if path.is_dir())

    def branches(self) -> list[str]:
        """Return the branches of retrainings."""
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads/satiety").split()

    def git(self, *words: str) -> str:
        """Return what git says."""
        process = self.project.run("git", *words)
        assert process.returncode == 0, process.stderr
        return process.stdout

    def champion(self) -> list[Any]:
        """Return which version of each name is champion."""
        asked = "select name, version from registered_model_aliases where alias = 'champion'"
        with sqlite3.connect(self.root / "mlflow.db") as store:
            return sorted(store.execute(asked))

    def running(self) -> int:
        """Return how many runs MLflow takes for running."""
        with sqlite3.connect(self.root / "mlflow.db") as store:
            return int(store.execute("select count(*) from runs where status = 'RUNNING'").fetchone()[0])

    def flowing(self) -> int:
        """Return how many runs Prefect takes for running; no server but the runs' own had its database."""
        with sqlite3.connect(self.root.parent / "prefect/prefect.db") as store:
            return int(store.execute("select count(*) from flow_run where state_type = 'RUNNING'").fetchone()[0])

    def last(self) -> dict[str, Any]:
        """Return the note of the last decision."""
        values: dict[str, Any] = json.loads((self.root / ".satiety/retrain/last.json").read_text(encoding="utf-8"))
        return values

    def checkout(self) -> dict[str, Any]:
        """Return all that must stay: every file but those of DVC's cache, of git and of MLflow, and what git says."""
        files = {
            name: digest
            for name, digest in manifest(self.root).items()
            if not name.startswith((".satiety/", ".dvc/", ".git/", "mlflow.db", "mlartifacts/"))
            and "__pycache__" not in name
        }
        return {"files": files, "status": self.git("status", "--porcelain"), "head": self.git("rev-parse", "HEAD")}


def ask(root: Path, seed: int) -> None:
    """Let the record have texts, English and Chinese, most of them corrected."""
    draw = random.Random(seed)
    texts, labels = [], []
    for _ in range(ASKED):
        label, lexicon = draw.choice([("good", GOOD), ("bad", BAD)])
        language = draw.choice(["en", "zh"])
        texts.append(sentence(draw, language, lexicon[language]))
        labels.append(label)
    rows = list(
        served_texts(texts, [Prediction(Label("good"), scores={"good": 0.6, "bad": 0.4})] * ASKED, NAME, "model", 0.1)
    )
    traffic, now = Traffic(root / ".satiety/traffic"), rows[0].time
    traffic.add(rows)
    pairs = list(zip(rows, labels, strict=True))[:CORRECTED]
    traffic.correct([Feedback(row.id, now, dump(Label(label)), "tester") for row, label in pairs])
