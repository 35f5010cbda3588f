"""The stage on files: a tuned model and its base answer the same examples, and every file is written."""

import csv
import json
from pathlib import Path

import pytest

from satiety.core.errors import DataError
from satiety.core.records import Document, Evaluated, Example, read, write
from tasks.evaluate import main
from tests.packaging import Workspace, examples

OUTPUTS = {
    "predictions": "data/predictions.parquet",
    "scores": "reports/scores.json",
    "confusion": "plots/c.csv",
    "calibration": "plots/t.csv",
}


@pytest.fixture(params=["classify", "ner"])
def workspace(request: pytest.FixtureRequest, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace = Workspace(tmp_path, tiny, request.param)
    workspace.fill(count=24)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    return workspace


def run(workspace: Workspace) -> dict[str, Path]:
    places = workspace.paths()
    paths = {name: places[name] for name in ("problem", "train", "dev", "test", "tuned")}
    paths |= {"base": workspace.base, "pretrained": workspace.base, "labels_only": places["tuned"]}
    paths["retrieved"] = Path("data/retrieved.parquet")
    write(paths["retrieved"], [], Document)
    paths |= {name: Path(path) for name, path in OUTPUTS.items()}
    main.run(**paths)
    return paths


def test_the_report_has_the_scores_before_and_after_and_their_difference(workspace: Workspace) -> None:
    paths = run(workspace)
    report = json.loads(Path("reports/evaluate.json").read_text(encoding="utf-8"))
    assert (report["in"], report["out"], report["quarantined"], report["examples"]) == (24, 24, 0, 24)
    assert report["gain"] == {"value": 0, "low": 0, "high": 0}
    for name in ("before", "after", "difference"):
        assert report[name]["low"] <= report[name]["value"] <= report[name]["high"]
    assert set(report["metrics"]) == {"before", "after", "difference"}
    scores = json.loads(paths["scores"].read_text(encoding="utf-8"))
    assert (scores["after"], scores["difference_low"]) == (report["after"]["value"], report["difference"]["low"])
    answers = list(read(paths["predictions"], Evaluated))
    assert [answer.id for answer in answers] == [f"t{i}" for i in range(24)]
    assert all(0 <= answer.confidence <= 1 for answer in answers)
    confusion = list(csv.DictReader(paths["confusion"].read_text(encoding="utf-8").splitlines()))
    assert confusion
    assert set(confusion[0]) == {"gold", "predicted"}
    bins = list(csv.DictReader(paths["calibration"].read_text(encoding="utf-8").splitlines()))
    assert sum(int(row["count"]) for row in bins) == report["calibration"]["answers"]


def test_equal_inputs_give_equal_files(workspace: Workspace) -> None:
    def read_contents(paths: dict[str, Path]) -> list[bytes]:
        return [path.read_bytes() for path in (*(paths[name] for name in OUTPUTS), Path("reports/evaluate.json"))]

    assert read_contents(run(workspace)) == read_contents(run(workspace))


@pytest.fixture
def without_test(workspace: Workspace) -> Workspace:
    """The same without a test, and with a recipe that is fitted in no time."""
    with Path("params.yaml").open("a", encoding="utf-8") as file:
        file.write("finetune: {max_length: 32, recipe: {kind: linear}}\n")
    write(workspace.root / "data/test.parquet", [], Example)
    write(workspace.root / "data/dev.parquet", [], Example)
    write(workspace.root / "data/train.parquet", examples(workspace.kind, 40), Example)
    return workspace


def test_without_a_test_every_label_is_scored_out_of_fold(without_test: Workspace) -> None:
    paths = run(without_test)
    report = json.loads(Path("reports/evaluate.json").read_text(encoding="utf-8"))
    assert (report["scored_on"], report["folds"], report["examples"], report["recipes"]) == (
        "out_of_fold", 10, 40, {"linear": 10},
    )  # fmt: skip
    answers = list(read(paths["predictions"], Evaluated))
    assert [answer.id for answer in answers] == [f"t{i}" for i in range(40)]
    assert report["after"]["high"] - report["after"]["low"] > 0.05, "the interval of few labels is never a point"
    assert not list((without_test.root / ".satiety/checkpoints/evaluate").iterdir())


def test_with_a_test_the_report_says_so_and_nothing_is_fitted(workspace: Workspace) -> None:
    run(workspace)
    report = json.loads(Path("reports/evaluate.json").read_text(encoding="utf-8"))
    assert report["scored_on"] == "test"
    assert not {"folds", "recipes"} & set(report)


def test_no_test_and_no_label_is_an_error_and_nothing_is_written(without_test: Workspace) -> None:
    write(without_test.root / "data/train.parquet", [], Example)
    (without_test.root / "data/predictions.parquet").unlink()
    report = Path("reports/evaluate.json").read_bytes()
    with pytest.raises(DataError, match=r"there are no labels to score out of fold; increase `ingest\.budget`"):
        run(without_test)
    assert not (without_test.root / "data/predictions.parquet").exists()
    assert Path("reports/evaluate.json").read_bytes() == report
