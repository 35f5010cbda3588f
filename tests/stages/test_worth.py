"""The stage `worth` on files: its report has every key that the page reads; a killed stage loses no finished run."""

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from satiety.core.errors import DataError
from satiety.core.records import Document, Example, write
from satiety.problems import PROBLEMS
from tasks.worth import main
from tests.patience import PATIENCE, wait_until
from tests.unit.worth.material import (
    AUGMENT,
    FINETUNE,
    PSEUDO,
    SECTION,
    Inline,
    documents,
    make_classify_examples,
    make_ner_examples,
)

ROOT = Path.cwd()
PATHS = {
    "problem": "problem.json",
    "train": "train.parquet",
    "dev": "dev.parquet",
    "test": "test.parquet",
    "corpus": "corpus.parquet",
    "base": "base",
    "page": "reports/worth.html",
    "page_zh": "reports/worth.zh.html",
    "curve": "plots/worth.csv",
}
INTERVAL = {"value", "low", "high"}
KEYS = {
    "metric",
    "problem",
    "depth",
    "confidence_level",
    "labels",
    "test",
    "languages",
    "replicates",
    "resamples",
    "budgets",
    "curve",
    "fit",
    "methods",
    "levers",
    "advantage",
    "credit",
    "forecast",
    "backtest",
    "calibration",
    "agreement",
    "saved",
    "next",
    "headline",
}
"""The keys of the report that the page reads."""


def write_params(**changes: Any) -> None:
    section = {name: value for name, value in (SECTION | changes).items() if name != "levers"}
    levers = {"levers": {"augment": AUGMENT, "self_training": PSEUDO}, "measure": ["augment", "self_training"]}
    finetune = {name: value for name, value in FINETUNE.items() if name != "self_training"}
    text = yaml.safe_dump(levers | {"worth": section, "finetune": finetune}, allow_unicode=True)
    Path("params.yaml").write_text(text, encoding="utf-8")


def write_tables(kind: str) -> None:
    make = make_classify_examples if kind == "classify" else make_ner_examples
    PROBLEMS[kind].sample().save(Path("problem.json"))
    write(Path("train.parquet"), make(24), Example)
    write(Path("dev.parquet"), make(8, start=24), Example)
    write(Path("test.parquet"), make(40, start=1000), Example)
    write(Path("corpus.parquet"), documents(make(40, start=2000)), Document)


@pytest.fixture
def workspace(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    Path("base").symlink_to(tiny)
    write_tables("classify")
    write_params()
    return tmp_path


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satiety.core.executor.processes", lambda _: nullcontext(Inline()))


def run() -> dict[str, Any]:
    main.run(**{name: Path(path) for name, path in PATHS.items()})
    values: dict[str, Any] = json.loads(Path("reports/worth.json").read_text(encoding="utf-8"))
    return values


def start() -> subprocess.Popen[bytes]:
    arguments = [part for name, path in PATHS.items() for part in (f"--{name.replace('_', '-')}", path)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "SATIETY_PROCESSES": "2"}
    with Path("stderr.txt").open("w") as stderr:
        return subprocess.Popen([sys.executable, "-m", "tasks.worth", *arguments], env=env, stderr=stderr)


def find_cached_runs() -> list[Path]:
    return sorted(Path(".satiety/worth/runs").rglob("*.safetensors"))


@pytest.mark.usefixtures("inline")
def test_the_report_has_every_key_that_the_page_reads(workspace: Path) -> None:
    report = run()
    assert not KEYS - report.keys()
    assert (report["in"], report["labels"], report["test"]) == (32 + 40 + 40, 32, 40)
    assert report["budgets"] == [0, 4, 8, 16, 32]
    assert set(report["languages"]) == {"en", "zh"}
    for row in report["levers"]:
        assert row.keys() >= {"lever", "budget", "score", "gain", "labels", "verdict", "stopped"}
        assert row["gain"].keys() == row["labels"].keys() == INTERVAL
    assert {row["lever"] for row in report["levers"]} == {"augment", "self_training", "augment+self_training"}
    assert {row["lever"] for row in report["advantage"]} == {"augment", "self_training", "augment+self_training"}
    for credit in report["credit"]:
        assert credit.keys() == {"budget", "joint", "shares", "interactions", "capped"}
    assert report["fit"].keys() == {"asymptote", "exponent", "line"}
    assert report["calibration"].keys() == {"oracle", "copy", "poison", "leak"}
    assert report["calibration"]["leak"].keys() >= {"refused", "score", "inflation"}
    assert report["backtest"].keys() == {"forecasts", "covered", "share"}
    assert report["saved"].keys() == {"runs", "of", "share", "stopped", "error"}
    assert all(row.keys() == {"target", "labels", "low", "high", "reachable"} for row in report["forecast"])
    assert report["next"].keys() >= {"sentence", "evidence", "front"}
    assert all(report[name].keys() >= {"en", "zh"} for name in ("headline",))
    assert report["next"]["sentence"].keys() == {"en", "zh"}


@pytest.mark.usefixtures("inline")
def test_both_pages_and_the_plot_agree_with_the_report(workspace: Path) -> None:
    report = run()
    english, chinese = (Path(PATHS[name]).read_text(encoding="utf-8") for name in ("page", "page_zh"))
    assert report["headline"]["en"] in english.replace("&gt;", ">")
    assert report["headline"]["zh"] in chinese
    rows = Path("plots/worth.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "levers,labels,score,low,high"
    assert len(rows) == 1 + 5 + 3 * 4
    first, last_lever, numbers = (
        report["curve"][0],
        report["levers"][-1],
        [float(part) for part in rows[-1].split(",")[1:]],
    )
    assert f"baseline,0,{first['value']},{first['low']},{first['high']}" in rows
    assert rows[-1].startswith(f"{last_lever['lever']},{last_lever['budget']},{last_lever['score']},")
    assert numbers[3] - numbers[2] == pytest.approx(last_lever["gain"]["high"] - last_lever["gain"]["low"], abs=2e-6)


@pytest.mark.usefixtures("inline")
def test_equal_inputs_give_equal_files(workspace: Path) -> None:
    first = run(), Path(PATHS["page"]).read_bytes(), Path(PATHS["curve"]).read_bytes()
    assert (run(), Path(PATHS["page"]).read_bytes(), Path(PATHS["curve"]).read_bytes()) == first


@pytest.mark.usefixtures("inline")
def test_the_stage_measures_ner(workspace: Path) -> None:
    write_tables("ner")
    report = run()
    assert (report["metric"], report["problem"]) == ("entity_f1", "ner")
    assert report["calibration"]["leak"]["let through"] == 0
    assert report["curve"][-1]["value"] > report["curve"][0]["value"]
    assert Path(PATHS["page_zh"]).read_text(encoding="utf-8").startswith("<!")


def test_too_few_labels_are_an_error_and_nothing_is_written(workspace: Path) -> None:
    write_params(budgets=8)
    with pytest.raises(DataError, match=r"worth: 32 labels and 40 test examples are too few for 8 budgets"):
        run()
    assert not Path("reports/worth.json").exists()
    assert not Path("plots").exists()


def test_without_a_test_the_report_says_so_and_nothing_is_measured(workspace: Path) -> None:
    write(Path(PATHS["test"]), [], Example)
    report = run()
    assert (report["test"], report["depth"], report["curve"], report["levers"]) == (0, "none", [], [])
    assert report["headline"]["en"] == "Not measured: the meter needs a test, and there is none."
    assert "计量器需要测试集" in Path(PATHS["page_zh"]).read_text(encoding="utf-8")
    assert Path(PATHS["curve"]).read_text(encoding="utf-8") == "levers,labels,score,low,high\n"


@pytest.mark.slow
def test_a_killed_stage_keeps_its_finished_runs_and_leaves_no_process(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_params(curve_replicates=60)
    process = start()
    wait_until(lambda: len(find_cached_runs()) >= 5 or process.poll() is not None)
    assert process.poll() is None, Path("stderr.txt").read_text()
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len([worker for worker in workers if "spawn_main" in " ".join(worker.cmdline())]) == 2
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    assert not psutil.wait_procs(workers, timeout=PATIENCE)[1], "a worker process is still alive"
    cached = {path: path.read_bytes() for path in find_cached_runs()}
    # One run without labels; the curve; at two budgets four controls, one of them also ungated, and the baseline; the
    # baseline and three lever sets.
    planned = 1 + 60 * 4 + 60 * 2 * (5 + 1) + 3 * (4 * 4 - 2)
    assert 5 <= len(cached) < planned
    monkeypatch.setattr("satiety.core.executor.processes", lambda _: nullcontext(Inline()))
    run()
    assert {path: path.read_bytes() for path in find_cached_runs() if path in cached} == cached, (
        "a finished run was written again"
    )
    assert len(find_cached_runs()) == planned
