"""Retraining in real processes: corrections become a branch and a decision; the checkout is not changed.

Also a killed run, two concurrent runs, a run without new labels, and a failing run.
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
from tests.pipeline.retraining import CORRECTED, RECORDED, Retraining, copy_project, record_traffic
from tests.pipeline.server import alive

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("retrain")]


@pytest.fixture
def retraining(committed_project: Project, tmp_path: Path) -> Retraining:
    return copy_project(committed_project, tmp_path)


@pytest.fixture(scope="module")
def retrained_project(committed_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Retraining:
    """A project after a retraining with new labels; a test that changes it must restore it."""
    retraining = copy_project(committed_project, tmp_path_factory.mktemp("retrained"))
    record_traffic(retraining.root, seed=1)
    code, output = retraining.run()
    assert code == 0, output
    return retraining


@pytest.mark.long
def test_a_killed_run_changes_nothing_and_of_two_next_runs_one_completes(retraining: Retraining) -> None:
    record_traffic(retraining.root, seed=1)
    snapshot, champions = retraining.take_snapshot(), retraining.find_champions()
    with retraining.start() as flow:
        wait_until(lambda: retraining.find_running_stage("finetune") or flow.poll() is not None, every=0.5)
        lock = retraining.find_running_stage("finetune")
        assert lock is not None, flow.stdout and flow.stdout.read()
        children = psutil.Process(flow.pid).children(recursive=True)
        os.kill(flow.pid, signal.SIGKILL)
    wait_until(lambda: not any(alive(process.pid) for process in children), every=0.5)
    assert retraining.count_running_flows() == 1, "the killed flow is not marked as running"
    assert (retraining.take_snapshot(), retraining.find_champions()) == (snapshot, champions)
    assert len(retraining.list_worktrees()) == 1

    flows = [retraining.start() for _ in range(2)]
    outputs = [flow.communicate(timeout=PATIENCE)[0] for flow in flows]
    assert sorted(flow.returncode for flow in flows) == [0, 1], "\n".join(outputs)
    busy = next(text for text, flow in zip(outputs, flows, strict=True) if flow.returncode)
    assert "retrain is already running in this workspace (process " in busy
    assert retraining.take_snapshot() == snapshot
    assert retraining.count_running_runs() == 0, "an MLflow run is marked as running"
    assert retraining.count_running_flows() == 0, "a Prefect run is marked as running"
    assert len(retraining.list_worktrees()) == 1, "the worktree of the killed run is still there"


def test_corrections_become_training_or_fresh_examples_and_the_splits_stay(retrained_project: Retraining) -> None:
    (worktree,), decision = retrained_project.list_worktrees(), retrained_project.read_last_decision()
    original, updated = (
        list(read(root / "data/train.parquet", Example)) for root in (retrained_project.root, worktree)
    )
    added = [e for e in updated if e.source.startswith(LABELS)]
    fresh = list(read(worktree / "data/fresh.parquet", Example))
    assert {e.id for e in original} == {e.id for e in updated} - {e.id for e in added}
    assert (len(added), len(fresh)) == (decision["trained_on"], decision["fresh"])
    assert len(added) + len(fresh) == CORRECTED
    assert not {e.id for e in added} & {e.id for e in fresh}
    assert {e.language for e in fresh} == {"en", "zh"}
    for split in ("dev", "test"):
        assert (worktree / f"data/{split}.parquet").read_bytes() == (
            retrained_project.root / f"data/{split}.parquet"
        ).read_bytes(), split


def test_the_branch_has_the_data_version_the_results_and_the_reason(retrained_project: Retraining) -> None:
    decision = retrained_project.read_last_decision()
    assert retrained_project.list_branches()[-1] == decision["branch"]
    files = retrained_project.git("ls-tree", "-r", "--name-only", decision["branch"]).splitlines()
    assert {f"{LABELS}.dvc", f"{TEXTS}.dvc", "data/fresh.parquet.dvc", "dvc.lock"} <= set(files)
    assert not {LABELS, TEXTS, "data/fresh.parquet", "data/raw/labelled.csv"} & set(files) - set(
        retrained_project.git("ls-files").splitlines()
    )
    params = yaml.safe_load(retrained_project.git("show", f"{decision['branch']}:params.yaml"))
    assert [source["uri"] for source in params["ingest"]["labelled"]][-1] == f"file:{LABELS}"
    assert decision["decision"] in ("promoted", "kept")
    assert decision["decision_reason"] in retrained_project.git("log", "-1", "--format=%B", decision["branch"]).replace(
        "\n", " "
    )
    assert (decision["cause"], decision["new"]) == (
        f"{CORRECTED} new labels",
        {"labels": CORRECTED, "texts": RECORDED - CORRECTED},
    )
    ((_, version),) = retrained_project.find_champions()
    assert str(version) == ("2" if decision["decision"] == "promoted" else "1")


def test_merging_the_branch_checks_out_its_model(retrained_project: Retraining) -> None:
    clone = Project(retrained_project.root.parent / "merged")
    shutil.copytree(retrained_project.root, clone.root, symlinks=True)
    assert (
        clone.run("git", "merge", "-q", "--ff-only", retrained_project.read_last_decision()["branch"]).returncode == 0
    )
    process = clone.run("dvc", "checkout", "--allow-missing")
    assert process.returncode == 0, process.stderr
    for name in (LABELS, TEXTS, "data/fresh.parquet"):
        assert (clone.root / name).is_file(), "a file with a .dvc file was not checked out"
    (worktree,) = retrained_project.list_worktrees()
    assert manifest(clone.root / "models/package") == manifest(worktree / "models/package")
    shutil.rmtree(clone.root)


def test_without_new_labels_it_does_not_retrain_even_with_damaged_state_files(retrained_project: Retraining) -> None:
    state_files = [retrained_project.root / ".satiety" / name for name in ("retrain/last.json", "retrain.run")]
    contents = {path: path.read_bytes() for path in state_files if path.exists()}
    for path in state_files:
        path.write_bytes(bytes(50))
    code, output = retrained_project.run()
    for path, content in contents.items():
        path.write_bytes(content)
    assert code == 0, output
    assert "not retrained: 0 new labels, retrain.min_examples is 20" in output
    assert "last.json: damaged, ignored, and renamed to last.damaged" in output
    assert len(retrained_project.list_worktrees()) == 1


def test_a_failed_run_changes_nothing_and_keeps_its_worktree(retraining: Retraining) -> None:
    record_traffic(retraining.root, seed=2)
    params = retraining.project.read_params()
    params["ingest"]["test"] = 100_000
    retraining.project.write_params(params)
    retraining.git("commit", "-qam", "more than there is")
    snapshot, champions = retraining.take_snapshot(), retraining.find_champions()
    code, output = retraining.run()
    assert code == 1, output
    assert "lower ingest.test or ingest.budget" in output
    assert (retraining.take_snapshot(), retraining.find_champions()) == (snapshot, champions)
    assert not (retraining.root / ".satiety/retrain/last.json").exists(), "there is a decision"
    failed = json.loads(retraining.list_worktrees()[-1].with_suffix(".json").read_text())
    assert "lower ingest.test or ingest.budget" in failed["failed"]
    assert len(retraining.list_branches()) == 1, "the branch with its data version is missing"
