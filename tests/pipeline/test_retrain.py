"""Retraining for real: what people corrected becomes a branch and a decision; the checkout is only read.

One story, for each run takes a quarter of a minute: a run that is killed, two at once, one with nothing new, one
that fails.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from satiety.files import manifest
from satiety.problems.base import Prediction
from satiety.records import Example, Feedback, read
from satiety.retrain.version import LABELS, TEXTS
from satiety.traffic import Traffic, served
from tests.pipeline.made import BAD, GOOD, sentence
from tests.pipeline.project import Project
from tests.pipeline.server import alive, wait

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

CORRECTED, ASKED = 60, 80


class Retraining:
    """A copy of the project with a record of its own."""

    def __init__(self, project: Project) -> None:
        self.project, self.root = project, project.root
        self.environment = project.environment() | {"PREFECT_HOME": str(project.root.parent / "prefect")}

    def start(self) -> subprocess.Popen[str]:
        """Start the flow."""
        command = [sys.executable, "-m", "flows.retrain"]
        said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, cwd=self.root, env=self.environment, text=True, **said)

    def run(self) -> tuple[int, str]:
        """Run the flow; return its exit code and what it said."""
        process = self.start()
        said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def lock(self, stage: str) -> Path | None:
        """Return the lock of a stage that is at work in a worktree."""
        found = [p for p in self.root.glob(f".satiety/retrain/*/.satiety/{stage}.lock") if p.read_text().isdigit()]
        return found[0] if found else None

    def worktrees(self) -> list[Path]:
        """Return the worktrees that are there."""
        return sorted(path for path in self.root.glob(".satiety/retrain/*") if path.is_dir())

    def branches(self) -> list[str]:
        """Return the branches of retrainings."""
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads/satiety").split()

    def git(self, *words: str) -> str:
        """Return what git says."""
        done = self.project.run("git", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def champion(self) -> list[Any]:
        """Return which version each alias of the registry names."""
        with sqlite3.connect(self.root / "mlflow.db") as store:
            return sorted(store.execute("select name, alias, version from registered_model_aliases"))

    def running(self) -> int:
        """Return how many runs MLflow takes for running."""
        with sqlite3.connect(self.root / "mlflow.db") as store:
            return int(store.execute("select count(*) from runs where status = 'RUNNING'").fetchone()[0])

    def last(self) -> dict[str, Any]:
        """Return the note of the last decision."""
        found: dict[str, Any] = json.loads((self.root / ".satiety/retrain/last.json").read_text(encoding="utf-8"))
        return found

    def checkout(self) -> dict[str, Any]:
        """Return all that must stay: every file but those of DVC's cache, of git and of MLflow, and what git says."""
        files = {
            name: digest
            for name, digest in manifest(self.root).items()
            if not name.startswith((".satiety/", ".dvc/", ".git/", "mlflow.db", "mlartifacts/"))
            and "__pycache__" not in name
        }
        return {"files": files, "status": self.git("status", "--porcelain"), "head": self.git("rev-parse", "HEAD")}


@pytest.fixture(scope="module")
def retraining(committed: Project, tmp_path_factory: pytest.TempPathFactory) -> Retraining:
    root = tmp_path_factory.mktemp("retrain") / "project"
    shutil.copytree(committed.root, root, symlinks=True)
    shutil.rmtree(root / ".satiety/traffic", ignore_errors=True)  # what other tests asked
    return Retraining(Project(root))


def ask(root: Path, seed: int) -> None:
    """Let the record have texts, English and Chinese, most of them corrected."""
    draw = random.Random(seed)
    texts, labels = [], []
    for _ in range(ASKED):
        label, lexicon = draw.choice([("good", GOOD), ("bad", BAD)])
        language = draw.choice(["en", "zh"])
        texts.append(sentence(draw, language, lexicon[language]))
        labels.append(label)
    rows = list(served(texts, [Prediction("good", scores={"good": 0.6, "bad": 0.4})] * ASKED, "model", 0.1))
    traffic, now = Traffic(root / ".satiety/traffic"), rows[0].time
    traffic.add(rows)
    pairs = list(zip(rows, labels, strict=True))[:CORRECTED]
    traffic.correct([Feedback(row.id, now, json.dumps(label), "tester") for row, label in pairs])


def test_a_killed_run_leaves_champion_and_checkout_and_the_next_one_completes_alone(retraining: Retraining) -> None:
    ask(retraining.root, seed=1)
    before, champion = retraining.checkout(), retraining.champion()
    with retraining.start() as flow:
        wait(lambda: retraining.lock("finetune") or flow.poll() is not None, 200)
        lock = retraining.lock("finetune")
        assert lock is not None, flow.stdout and flow.stdout.read()
        below = psutil.Process(flow.pid).children(recursive=True)
        os.kill(flow.pid, signal.SIGKILL)
    wait(lambda: not any(alive(process.pid) for process in below), 60)
    assert (retraining.checkout(), retraining.champion()) == (before, champion)
    assert len(retraining.worktrees()) == 1

    both = [retraining.start() for _ in range(2)]
    said = [one.communicate(timeout=300)[0] for one in both]
    assert sorted(one.returncode for one in both) == [0, 1], "\n".join(said)
    busy = next(text for text, one in zip(said, both, strict=True) if one.returncode)
    assert "retrain is busy here: process " in busy
    assert retraining.checkout() == before
    assert retraining.running() == 0, "in MLflow, that of the killed flow among them"
    assert len(retraining.worktrees()) == 1, "what the killed run left half-made is gone"


def test_what_was_corrected_is_learned_or_tests_and_the_rest_stays_where_it_was(retraining: Retraining) -> None:
    (tree,), note = retraining.worktrees(), retraining.last()
    old, new = (list(read(root / "data/train.parquet", Example)) for root in (retraining.root, tree))
    added = [e for e in new if e.source.startswith(LABELS)]
    fresh = list(read(tree / "data/fresh.parquet", Example))
    assert {e.id for e in old} == {e.id for e in new} - {e.id for e in added}
    assert (len(added), len(fresh)) == (note["learned"], note["fresh"])
    assert len(added) + len(fresh) == CORRECTED
    assert not {e.id for e in added} & {e.id for e in fresh}
    assert {e.language for e in fresh} == {"en", "zh"}
    for split in ("dev", "test"):
        assert (tree / f"data/{split}.parquet").read_bytes() == (
            retraining.root / f"data/{split}.parquet"
        ).read_bytes(), split


def test_the_branch_has_the_data_version_the_results_and_why(retraining: Retraining) -> None:
    note = retraining.last()
    assert retraining.branches()[-1] == note["branch"]
    files = retraining.git("ls-tree", "-r", "--name-only", note["branch"]).splitlines()
    assert {f"{LABELS}.dvc", f"{TEXTS}.dvc", "data/fresh.parquet.dvc", "dvc.lock"} <= set(files)
    assert not {LABELS, TEXTS, "data/fresh.parquet", "data/raw/labelled.csv"} & set(files) - set(
        retraining.git("ls-files").splitlines()
    )
    params = yaml.safe_load(retraining.git("show", f"{note['branch']}:params.yaml"))
    assert [one["uri"] for one in params["ingest"]["labelled"]][-1] == f"file:{LABELS}"
    assert note["decision"] in ("promoted", "kept")
    assert note["because"] in retraining.git("log", "-1", "--format=%B", note["branch"]).replace("\n", " ")
    assert (note["why"], note["new"]) == (
        f"{CORRECTED} new labels",
        {"labels": CORRECTED, "texts": ASKED - CORRECTED},
    )
    assert dict((a, str(v)) for _, a, v in retraining.champion())["champion"] == (
        "2" if note["decision"] == "promoted" else "1"
    )


def test_the_branch_can_be_merged_and_brings_the_model_that_was_decided_on(retraining: Retraining) -> None:
    clone = Project(retraining.root.parent / "merged")
    shutil.copytree(retraining.root, clone.root, symlinks=True)
    assert clone.run("git", "merge", "-q", "--ff-only", retraining.last()["branch"]).returncode == 0
    done = clone.run("dvc", "checkout", "models/package", f"{LABELS}.dvc", f"{TEXTS}.dvc", "data/fresh.parquet.dvc")
    assert done.returncode == 0, done.stderr
    (tree,) = retraining.worktrees()
    assert manifest(clone.root / "models/package") == manifest(tree / "models/package")
    shutil.rmtree(clone.root)


def test_with_little_new_it_ends_at_once_and_says_so(retraining: Retraining) -> None:
    code, said = retraining.run()
    assert code == 0, said
    assert "not worth it yet: 0 new labels, and retrain.least is 20" in said
    assert len(retraining.worktrees()) == 1


def test_a_step_that_fails_leaves_the_champion_and_is_kept_to_be_looked_at(retraining: Retraining) -> None:
    ask(retraining.root, seed=2)
    params = retraining.project.params()
    params["ingest"]["test"] = 100_000
    retraining.project.write_params(params)
    retraining.git("commit", "-qam", "more than there is")
    before, champion, last = retraining.checkout(), retraining.champion(), retraining.last()
    branches = len(retraining.branches())
    code, said = retraining.run()
    assert code == 1, said
    assert "lower ingest.test or ingest.budget" in said
    assert (retraining.checkout(), retraining.champion(), retraining.last()) == (before, champion, last)
    failed = json.loads(retraining.worktrees()[-1].with_suffix(".json").read_text())
    assert "lower ingest.test or ingest.budget" in failed["failed"]
    assert len(retraining.branches()) == branches + 1, "its data version is kept, too"
