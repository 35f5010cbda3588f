"""Few labels in all: `dvc repro` from ingest to promotion without a test, in English and Chinese."""

import csv
import json
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

from satiety.core.records import Document, Evaluated, Example, read
from tests.pipeline.made import BAD, GOOD, sentence
from tests.pipeline.project import Project

CANDIDATES = [{"kind": "transductive"}, {"kind": "linear"}]
"""Recipes on the untouched encoder: ten folds of both take seconds."""


def write_few(project: Project, language: str, count: int) -> None:
    """Write so many labels, which are all there are, and raw texts; let a test be chosen automatically."""
    draw, lexica = random.Random(4), {"good": GOOD[language], "bad": BAD[language]}
    labels = ["good", "bad"] * (count // 2)
    rows = [(sentence(draw, language, lexica[label]), label) for label in labels]
    with (project.root / "data/raw/labelled.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    messages = [[{"text": sentence(draw, language, lexica[label])}] for label in ["good", "bad"] * 60]
    content = json.dumps({"talk": {"messages": messages}}, ensure_ascii=False)
    (project.root / "data/raw/corpus.json").write_text(content, encoding="utf-8")
    params = project.read_params()
    params["ingest"] |= {"budget": count, "test": "auto"}
    params["finetune"]["recipe"]["candidates"] = CANDIDATES
    params["evaluate"]["abstain"] = 0.1
    project.write_params(params)


def check_abstention(project: Project, count: int) -> None:
    """Check that the threshold of the report decides in `predict`."""
    abstention = project.read_report("evaluate")["abstention"]
    assert (abstention["error"], abstention["examples"]) == (0.1, count)
    assert abstention["refused"] <= 0.1 * count
    process = project.run("satiety", "predict", "a good film", "a bad hotel", "42", "北京")
    assert process.returncode == 0, process.stderr
    answers = [json.loads(line) for line in process.stdout.splitlines()]
    refused = [answer["confidence"] < abstention["threshold"] for answer in answers]
    assert [answer["none_of_these"] for answer in answers] == refused
    card = (project.root / "models/package/README.md").read_text(encoding="utf-8")
    assert "none_of_these" in card


def check_scores(project: Project, report: dict[str, Any], count: int, folds: int) -> None:
    """Check that every label was predicted once, and that report, card and registry say so."""
    assert (report["scored_on"], report["folds"], report["examples"]) == ("out_of_fold", folds, count)
    assert sum(report["recipes"].values()) == folds
    sure = "low" if count > 40 else "value"  # the interval of forty labels may hold 0
    assert report["difference"][sure] > 0, "the words of a label are learned from a few texts"
    train = {example.id for example in read(project.root / "data/train.parquet", Example)}
    assert {row.id for row in read(project.root / "data/predictions.parquet", Evaluated)} == train
    card = (project.root / "models/package/README.md").read_text(encoding="utf-8")
    assert f"on {count} labels, each by a model that had not seen it ({folds} folds)" in card


@pytest.mark.parametrize(
    ("language", "count", "folds"), [("zh", 64, 5), pytest.param("en", 40, 10, marks=pytest.mark.long)]
)
def test_a_person_with_few_labels_in_all_gets_scores_a_model_and_a_champion(
    copy_template: Callable[[], Project], language: str, count: int, folds: int
) -> None:
    project = copy_template()
    write_few(project, language, count)
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    splits = project.read_report("ingest")
    assert (splits["splits"], splits["scored_on"]) == ({"train": count, "dev": 0, "test": 0}, "out_of_fold")
    assert list(read(project.root / "data/retrieved.parquet", Document)), "raw texts are read as ever"
    check_scores(project, project.read_report("evaluate"), count, folds)
    check_abstention(project, count)
    assert project.read_report("worth")["headline"]["en"].startswith("Not measured: the meter needs a test")
    assert not list((project.root / ".satiety/checkpoints/evaluate").iterdir())

    promoted = project.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    decision = project.read_report("promote")
    is_sure = project.read_report("evaluate")["difference"]["low"] > 0
    assert (decision["decision"], decision["basis"]) == ("promoted" if is_sure else "refused", "out_of_fold")
    assert not is_sure or "on these labels" in decision["reason"]
    printed = project.run("satiety", "report")
    assert f"on {count} labels, each by a model that had not seen it" in " ".join(printed.stdout.split())
