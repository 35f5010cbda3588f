"""Stage `finetune` on files: its outputs, their reproducibility, and the resumption of a killed run."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from satiety.core.answers import Label
from satiety.core.checksums import read_json, write_json
from satiety.core.errors import DataError, ParamsError
from satiety.core.files import manifest
from satiety.core.records import Document, Example, write
from satiety.problems import PROBLEMS
from satiety.training.loop import TrainingJob, TrainingLoop
from satiety.tuning import METHODS, load
from tasks.finetune import main
from tasks.outbox import CURVE, OUTBOX
from tests.patience import PATIENCE, wait_until

ROOT = Path.cwd()
PATHS = {
    "problem": "problem.json",
    "base": "base",
    "pretrained": "base",
    "augmented": "augmented.parquet",
    "retrieved": "retrieved.parquet",
    "dev": "dev.parquet",
    "tuned": "models/tuned",
    "labels_only": "models/labels_only",
    "loss": "plots/loss.csv",
    "progress": "plots/dev.csv",
}
GOOD = ["the good film", "good hotel in paris", "anna lives in the good hotel", "这部电影很好看", "我爱北京", "好酒店"]
BAD = ["the bad film", "bad hotel in paris", "anna lives in the bad hotel", "这部电影很差", "我不爱上海", "差酒店"]
TRAINING: dict[str, Any] = {
    "epochs": 8,
    "min_steps": 1,
    "max_steps": 1000,
    "batch_size": 4,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "weight_averaging": 1.0,
    "evaluations": 4,
    "patience": None,
}


def write_params(
    method: str = "full", *, max_length: int = 32, self_training: dict[str, Any] | None = None, **training: Any
) -> None:
    section = {
        "seed": 1,
        "max_length": max_length,
        "prefix": "",
        "pooling": "mean",
        "recipe": {
            "dropout": 0.1,
            "method": METHODS[method].sample().model_dump(),
            "head": {"l2": [0.1, 0.01], "folds": 2, "rows": 1000},
            "training": TRAINING | training,
        },
    }
    levers = {"levers": {"mine": self_training | {"kind": "self_training"}}, "use": ["mine"]} if self_training else {}
    Path("params.yaml").write_text(yaml.safe_dump({"finetune": section} | levers), encoding="utf-8")


@pytest.fixture
def workspace(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    Path("base").symlink_to(tiny)
    PROBLEMS["classify"].sample().save(Path("problem.json"))
    examples = [
        Example(f"{label}{i}", {"text": t}, answer=Label(label))
        for label, ts in (("good", GOOD), ("bad", BAD))
        for i, t in enumerate(ts)
    ]
    copies = [replace(e, id=f"{e.id}/swap", origin="swap", parent=e.id) for e in examples]
    write(Path("augmented.parquet"), [*examples, *copies], Example)
    write(Path("retrieved.parquet"), [Document(f"d{i}", f"{text}!") for i, text in enumerate((*GOOD, *BAD))], Document)
    write(
        Path("dev.parquet"),
        [replace(e, id=f"dev-{e.id}", inputs={"text": f"{e.text} 是的"}, split="dev") for e in examples],
        Example,
    )
    return tmp_path


def run() -> dict[str, Any]:
    main.run(**{name: Path(path) for name, path in PATHS.items()})
    values: dict[str, Any] = json.loads(Path("reports/finetune.json").read_text())
    return values


def start(seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tasks.finetune"]
    arguments = [part for name, path in PATHS.items() for part in (f"--{name.replace('_', '-')}", path)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "SATIETY_CHECKPOINT_SECONDS": str(seconds), "OMP_NUM_THREADS": "1"}
    with Path("stderr.txt").open("w") as stderr:
        return subprocess.Popen([*command, *arguments], env=env, stderr=stderr)


def read_states() -> list[dict[str, Any]]:
    return [read_json(path) for path in Path(".satiety/checkpoints/finetune").glob("*/state.json")]


def wait_for_step(process: subprocess.Popen[bytes], least: int) -> None:
    def is_reached() -> bool:
        return any(state["step"] >= least for state in read_states())

    wait_until(lambda: is_reached() or process.poll() is not None)
    assert is_reached(), f"no checkpoint of step {least}: {Path('stderr.txt').read_text()}"


def test_the_stage_writes_a_model_curves_and_a_report(workspace: Path) -> None:
    write_params()
    report = run()
    assert report["in"] == 24
    assert report["method"] == "full"
    assert report["device"] == "cpu"
    assert report["steps"] == report["steps_planned"] == 24, "copies share the updates of their originals"
    assert report["best_step"] % 6 == 0
    assert manifest(Path("models/labels_only")) != manifest(Path("models/tuned")), (
        "only the tuned model has learned copies"
    )
    assert 0 <= report["best_dev_score"] <= 1
    assert not [name for name in report if "second" in name or "time" in name]
    assert Path("plots/loss.csv").read_text().startswith("step,loss,lr\n1,")
    assert len(Path("plots/dev.csv").read_text().splitlines()) == 1 + 5
    assert [str(p.answer) for p in load(Path("models/tuned"), "cpu").predict(["the good film", "这部电影很差"])] == [
        "good",
        "bad",
    ]
    assert not list(Path(".satiety/checkpoints").rglob("*.safetensors"))
    (curve,) = OUTBOX.glob(f"*/{CURVE}")
    names = [json.loads(line)["name"] for line in curve.read_text(encoding="utf-8").splitlines()]
    assert set(names) == {"train_loss", "train_lr", "dev_score", "dev_loss"}


def test_equal_seeds_give_equal_files(workspace: Path) -> None:
    write_params()
    first, files = run(), manifest(Path("models/tuned"))
    assert run() == first
    assert manifest(Path("models/tuned")) == files


def test_frozen_changes_only_the_head(workspace: Path) -> None:
    write_params("frozen")
    report = run()
    assert report["steps"] == 0
    assert report["weights_trained"] == 2 * 32 + 2
    assert report["head_l2"] in (0.1, 0.01)
    assert Path("plots/dev.csv").read_text() == "step,score,loss\n"


@pytest.mark.slow
def test_a_killed_run_resumes_and_gives_the_same_files(workspace: Path) -> None:
    write_params(epochs=60)
    process = start(seconds=0)
    wait_for_step(process, 5)
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    assert 5 <= read_states()[0]["step"] < 180
    assert start(seconds=1e9).wait(PATIENCE) == 0, Path("stderr.txt").read_text()
    report, files = json.loads(Path("reports/finetune.json").read_text()), manifest(Path("models/tuned"))
    curve = Path("plots/loss.csv").read_text()
    assert not list(Path(".satiety/checkpoints").rglob("*.safetensors"))
    assert start(seconds=1e9).wait(PATIENCE) == 0, Path("stderr.txt").read_text()
    assert json.loads(Path("reports/finetune.json").read_text()) == report
    assert manifest(Path("models/tuned")) == files
    assert Path("plots/loss.csv").read_text() == curve


@pytest.mark.slow
def test_sigterm_leaves_a_checkpoint_and_exits_in_time(workspace: Path) -> None:
    write_params(epochs=300)
    process = start(seconds=1)
    wait_for_step(process, 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 143
    assert read_states()[0]["step"] >= 1
    assert not Path("models").exists()


def test_a_truncated_checkpoint_is_ignored(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_params()
    expected, files = run(), manifest(Path("models/tuned"))
    from satiety.training.checkpoint import compute_key
    from satiety.tuning import Finetune

    inputs = [Path(PATHS[name]) for name in ("problem", "base", "pretrained", "augmented", "retrieved", "dev")]
    folder = Path(".satiety/checkpoints/finetune") / compute_key(Finetune.load().model_dump_json(), *inputs)
    folder.mkdir()
    (folder / "7.safetensors").write_bytes(b"half")
    write_json(folder / "state.json", {"step": 7, "tensors": "7.safetensors", "sha256": "0"})
    assert run() == expected
    assert "training restarts" in caplog.text
    assert manifest(Path("models/tuned")) == files


@pytest.mark.parametrize("method", ["frozen", "full"])
def test_self_training_adds_pseudo_labels_and_keeps_the_number_of_steps(workspace: Path, method: str) -> None:
    write_params(method)
    baseline, baseline_files = run(), manifest(Path("models/tuned"))
    write_params(method, self_training={"rounds": 2, "max_per_label": 0.5, "confidence": 0.0})
    report = run()
    assert (report["in"], report["pseudo_labels"], report["out"]) == (36, 6, 30), (
        "at most half of the 12 gold examples, not counting copies"
    )
    assert "pseudo_labels" not in baseline
    assert report["steps_planned"] == baseline["steps_planned"], (
        "pseudo-labelled examples share the updates, as copies do"
    )
    assert manifest(Path("models/tuned")) != baseline_files
    assert run() == report


def test_gradient_descent_uses_gold_labels_only(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[TrainingJob] = []

    def record_job(job: TrainingJob, *arguments: Any) -> TrainingLoop:
        jobs.append(job)
        return TrainingLoop(job, *arguments)

    monkeypatch.setattr("satiety.tuning.context.TrainingLoop", record_job)
    for self_training in (None, {"rounds": 2, "max_per_label": 0.5, "confidence": 0.0}):
        write_params(self_training=self_training)
        run()
    tuned, _, self_trained, _ = jobs  # each followed by the one of labels alone
    assert tuned.lengths == self_trained.lengths


def test_self_training_needs_head_start(workspace: Path) -> None:
    write_params(self_training={"rounds": 2, "max_per_label": 0.5, "confidence": 0.0})
    text = Path("params.yaml").read_text(encoding="utf-8").replace("head_start: true", "head_start: false")
    Path("params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(
        ParamsError,
        match=r"fine_tune with `method\.head_start: true`.*remove the lever of kind self_training from `use`",
    ):
        run()


def test_self_training_needs_documents(workspace: Path) -> None:
    write_params(self_training={"rounds": 2, "max_per_label": 0.5, "confidence": 0.0})
    write(Path("retrieved.parquet"), [], Document)
    with pytest.raises(DataError, match=r"self-training needs raw texts: add a lever of kind retrieve to"):
        run()


def test_no_training_examples_are_an_error_that_names_the_budget(workspace: Path) -> None:
    write_params()
    write(Path("augmented.parquet"), [], Example)
    with pytest.raises(DataError, match=r"no training examples: check `ingest.budget`"):
        run()
    assert not Path("models").exists()


def test_a_max_length_above_the_limit_of_the_base_is_refused(workspace: Path) -> None:
    write_params(max_length=65)
    with pytest.raises(
        ParamsError, match=r"finetune\.max_length: 65 tokens, but base reads at most 64: lower `max_length`"
    ):
        run()
