"""Stage `finetune` on files: its outputs, the same again, and a run that is killed and taken up."""

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
    "pretrained": "base",
    "augmented": "augmented.parquet",
    "retrieved": "retrieved.parquet",
    "dev": "dev.parquet",
    "tuned": "models/tuned",
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
    method: str = "full", *, max_length: int = 32, pseudo: dict[str, Any] | None = None, **training: Any
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
    levers = {"levers": {"mine": pseudo | {"kind": "self_training"}}, "use": ["mine"]} if pseudo else {}
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
    arguments = [part for name, path in PATHS.items() for part in (f"--{name}", path)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "SATIETY_CHECKPOINT_SECONDS": str(seconds), "OMP_NUM_THREADS": "1"}
    with Path("said.txt").open("w") as said:
        return subprocess.Popen([*command, *arguments], env=env, stderr=said)


def states() -> list[dict[str, Any]]:
    return [read_json(path) for path in Path(".satiety/checkpoints/finetune").glob("*/state.json")]


def wait_for_step(process: subprocess.Popen[bytes], least: int) -> None:
    def there() -> bool:
        return any(state["step"] >= least for state in states())

    wait_until(lambda: there() or process.poll() is not None)
    assert there(), f"no checkpoint of step {least}: {Path('said.txt').read_text()}"


def test_it_writes_a_model_curves_and_a_report(workspace: Path) -> None:
    write_params()
    report = run()
    assert report["in"] == 24
    assert report["method"] == "full"
    assert report["device"] == "cpu"
    assert report["steps"] == report["steps_planned"] == 24, "copies share the updates of the originals"
    assert report["best_step"] % 6 == 0
    assert 0 <= report["dev"]["score"] <= 1
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


def test_the_same_seed_gives_the_same_files(workspace: Path) -> None:
    write_params()
    first, files = run(), manifest(Path("models/tuned"))
    assert run() == first
    assert manifest(Path("models/tuned")) == files


def test_frozen_changes_nothing_but_the_head(workspace: Path) -> None:
    write_params("frozen")
    report = run()
    assert report["steps"] == 0
    assert report["weights_trained"] == 2 * 32 + 2
    assert report["head_l2"] in (0.1, 0.01)
    assert Path("plots/dev.csv").read_text() == "step,score,loss\n"


@pytest.mark.slow
def test_a_killed_run_is_taken_up_and_ends_as_if_never_killed(workspace: Path) -> None:
    write_params(epochs=60)
    process = start(seconds=0)
    wait_for_step(process, 5)
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    assert 5 <= states()[0]["step"] < 180
    assert start(seconds=1e9).wait(PATIENCE) == 0, Path("said.txt").read_text()
    report, files = json.loads(Path("reports/finetune.json").read_text()), manifest(Path("models/tuned"))
    curve = Path("plots/loss.csv").read_text()
    assert not list(Path(".satiety/checkpoints").rglob("*.safetensors"))
    assert start(seconds=1e9).wait(PATIENCE) == 0, Path("said.txt").read_text()
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
    assert states()[0]["step"] >= 1
    assert not Path("models").exists()


def test_a_truncated_checkpoint_is_passed_over(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_params()
    expected, files = run(), manifest(Path("models/tuned"))
    from satiety.training.checkpoint import compute_key
    from satiety.tuning import Finetune

    inputs = [Path(PATHS[name]) for name in ("problem", "pretrained", "augmented", "retrieved", "dev")]
    folder = Path(".satiety/checkpoints/finetune") / compute_key(Finetune.load().model_dump_json(), *inputs)
    folder.mkdir()
    (folder / "7.safetensors").write_bytes(b"half")
    write_json(folder / "state.json", {"step": 7, "tensors": "7.safetensors", "sha256": "0"})
    assert run() == expected
    assert "training restarts" in caplog.text
    assert manifest(Path("models/tuned")) == files


@pytest.mark.parametrize("method", ["frozen", "full"])
def test_it_learns_from_raw_texts_that_it_labelled_itself(workspace: Path, method: str) -> None:
    write_params(method)
    alone, before = run(), manifest(Path("models/tuned"))
    write_params(method, pseudo={"rounds": 2, "max_per_label": 0.5, "confidence": 0.0})
    report = run()
    assert (report["in"], report["pseudo_labels"], report["out"]) == (36, 6, 30), (
        "of 12 gold a half, the copies uncounted"
    )
    assert "pseudo_labels" not in alone
    assert report["steps_planned"] == alone["steps_planned"], "what it labelled itself shares the updates, as copies do"
    assert manifest(Path("models/tuned")) != before
    assert run() == report


def test_training_itself_sees_peoples_labels_alone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[TrainingJob] = []

    def loop(job: TrainingJob, *rest: Any) -> TrainingLoop:
        jobs.append(job)
        return TrainingLoop(job, *rest)

    monkeypatch.setattr("satiety.tuning.updates.TrainingLoop", loop)
    for pseudo in (None, {"rounds": 2, "max_per_label": 0.5, "confidence": 0.0}):
        write_params(pseudo=pseudo)
        run()
    assert jobs[0].lengths == jobs[1].lengths


def test_to_label_raw_texts_there_must_be_a_head_that_learns_from_them(workspace: Path) -> None:
    write_params(pseudo={"rounds": 2, "max_per_label": 0.5, "confidence": 0.0})
    wrong = Path("params.yaml").read_text(encoding="utf-8").replace("head_start: true", "head_start: false")
    Path("params.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(
        ParamsError,
        match=r"fine_tune with `method\.head_start: true`.*remove the lever of kind self_training from `use`",
    ):
        run()


def test_to_label_raw_texts_it_needs_some(workspace: Path) -> None:
    write_params(pseudo={"rounds": 2, "max_per_label": 0.5, "confidence": 0.0})
    write(Path("retrieved.parquet"), [], Document)
    with pytest.raises(DataError, match=r"self-training needs raw texts: add a lever of kind retrieve to"):
        run()


def test_without_training_examples_it_says_what_to_look_at(workspace: Path) -> None:
    write_params()
    write(Path("augmented.parquet"), [], Example)
    with pytest.raises(DataError, match=r"no training examples: check `ingest.budget`"):
        run()
    assert not Path("models").exists()


def test_windows_longer_than_the_base_reads_are_refused(workspace: Path) -> None:
    write_params(max_length=65)
    with pytest.raises(
        ParamsError, match=r"finetune\.max_length: 65 tokens, but base reads at most 64: lower `max_length`"
    ):
        run()
