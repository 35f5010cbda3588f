"""Retraining for real: what people corrected becomes a branch and a decision; the checkout is only read.

A run that is killed, two at once, one with nothing new, one that fails.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest
import yaml

from satiety.core.files import manifest
from satiety.core.records import Example, read
from satiety.retrain.version import LABELS, TEXTS
from tests.patience import PATIENCE, wait_until
from tests.pipeline.project import Project
from tests.pipeline.retraining import ASKED, CORRECTED, Retraining, ask, settle
from tests.pipeline.server import alive

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


@pytest.fixture
def retraining(committed: Project, tmp_path: Path) -> Retraining:
    return settle(committed, tmp_path)


@pytest.fixture(scope="module")
def retrained(committed: Project, tmp_path_factory: pytest.TempPathFactory) -> Retraining:
    """After a run with something to learn; what a test changes in it, it puts back."""
    made = settle(committed, tmp_path_factory.mktemp("retrained"))
    ask(made.root, seed=1)
    code, said = made.run()
    assert code == 0, said
    return made


def test_a_killed_run_leaves_champion_and_checkout_and_the_next_one_completes_alone(retraining: Retraining) -> None:
    ask(retraining.root, seed=1)
    before, champion = retraining.checkout(), retraining.champion()
    with retraining.start() as flow:
        wait_until(lambda: retraining.lock("finetune") or flow.poll() is not None, every=0.5)
        lock = retraining.lock("finetune")
        assert lock is not None, flow.stdout and flow.stdout.read()
        below = psutil.Process(flow.pid).children(recursive=True)
        os.kill(flow.pid, signal.SIGKILL)
    wait_until(lambda: not any(alive(process.pid) for process in below), every=0.5)
    assert retraining.flowing() == 1, "nobody was left to say so"
    assert (retraining.checkout(), retraining.champion()) == (before, champion)
    assert len(retraining.worktrees()) == 1

    both = [retraining.start() for _ in range(2)]
    said = [one.communicate(timeout=PATIENCE)[0] for one in both]
    assert sorted(one.returncode for one in both) == [0, 1], "\n".join(said)
    busy = next(text for text, one in zip(said, both, strict=True) if one.returncode)
    assert "retrain is already running in this workspace (process " in busy
    assert retraining.checkout() == before
    assert retraining.running() == 0, "in MLflow, that of the killed flow among them"
    assert retraining.flowing() == 0, "and in Prefect"
    assert len(retraining.worktrees()) == 1, "what the killed run left half-made is gone"


def test_what_was_corrected_is_learned_or_tests_and_the_rest_stays_where_it_was(retrained: Retraining) -> None:
    (tree,), note = retrained.worktrees(), retrained.last()
    old, new = (list(read(root / "data/train.parquet", Example)) for root in (retrained.root, tree))
    added = [e for e in new if e.source.startswith(LABELS)]
    fresh = list(read(tree / "data/fresh.parquet", Example))
    assert {e.id for e in old} == {e.id for e in new} - {e.id for e in added}
    assert (len(added), len(fresh)) == (note["learned"], note["fresh"])
    assert len(added) + len(fresh) == CORRECTED
    assert not {e.id for e in added} & {e.id for e in fresh}
    assert {e.language for e in fresh} == {"en", "zh"}
    for split in ("dev", "test"):
        assert (tree / f"data/{split}.parquet").read_bytes() == (
            retrained.root / f"data/{split}.parquet"
        ).read_bytes(), split


def test_the_branch_has_the_data_version_the_results_and_why(retrained: Retraining) -> None:
    note = retrained.last()
    assert retrained.branches()[-1] == note["branch"]
    files = retrained.git("ls-tree", "-r", "--name-only", note["branch"]).splitlines()
    assert {f"{LABELS}.dvc", f"{TEXTS}.dvc", "data/fresh.parquet.dvc", "dvc.lock"} <= set(files)
    assert not {LABELS, TEXTS, "data/fresh.parquet", "data/raw/labelled.csv"} & set(files) - set(
        retrained.git("ls-files").splitlines()
    )
    params = yaml.safe_load(retrained.git("show", f"{note['branch']}:params.yaml"))
    assert [source["uri"] for source in params["ingest"]["labelled"]][-1] == f"file:{LABELS}"
    assert note["decision"] in ("promoted", "kept")
    assert note["because"] in retrained.git("log", "-1", "--format=%B", note["branch"]).replace("\n", " ")
    assert (note["why"], note["new"]) == (
        f"{CORRECTED} new labels",
        {"labels": CORRECTED, "texts": ASKED - CORRECTED},
    )
    ((_, version),) = retrained.champion()
    assert str(version) == ("2" if note["decision"] == "promoted" else "1")


def test_the_branch_can_be_merged_and_brings_the_model_that_was_decided_on(retrained: Retraining) -> None:
    clone = Project(retrained.root.parent / "merged")
    shutil.copytree(retrained.root, clone.root, symlinks=True)
    assert clone.run("git", "merge", "-q", "--ff-only", retrained.last()["branch"]).returncode == 0
    process = clone.run("dvc", "checkout", "--allow-missing")
    assert process.returncode == 0, process.stderr
    for name in (LABELS, TEXTS, "data/fresh.parquet"):
        assert (clone.root / name).is_file(), "what a .dvc file names comes, too"
    (tree,) = retrained.worktrees()
    assert manifest(clone.root / "models/package") == manifest(tree / "models/package")
    shutil.rmtree(clone.root)


def test_with_little_new_it_ends_at_once_and_says_so_whatever_a_power_loss_left(retrained: Retraining) -> None:
    torn = [retrained.root / ".satiety" / name for name in ("retrain/last.json", "retrain.run")]
    before = {path: path.read_bytes() for path in torn if path.exists()}
    for path in torn:
        path.write_bytes(bytes(50))
    code, said = retrained.run()
    for path, content in before.items():
        path.write_bytes(content)
    assert code == 0, said
    assert "not retrained: 0 new labels, retrain.min_examples is 20" in said
    assert "last.json: damaged, ignored, and renamed to last.damaged" in said
    assert len(retrained.worktrees()) == 1


def test_a_step_that_fails_leaves_the_champion_and_is_kept_to_be_looked_at(retraining: Retraining) -> None:
    ask(retraining.root, seed=2)
    params = retraining.project.params()
    params["ingest"]["test"] = 100_000
    retraining.project.write_params(params)
    retraining.git("commit", "-qam", "more than there is")
    before, champion = retraining.checkout(), retraining.champion()
    code, said = retraining.run()
    assert code == 1, said
    assert "lower ingest.test or ingest.budget" in said
    assert (retraining.checkout(), retraining.champion()) == (before, champion)
    assert not (retraining.root / ".satiety/retrain/last.json").exists(), "nothing was decided"
    failed = json.loads(retraining.worktrees()[-1].with_suffix(".json").read_text())
    assert "lower ingest.test or ingest.budget" in failed["failed"]
    assert len(retraining.branches()) == 1, "its data version is kept, too"
