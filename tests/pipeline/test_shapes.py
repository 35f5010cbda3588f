"""Problems without a single label run in the same pipeline: ingest to register, promotion, prediction, `worth`."""

import csv
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from satiety.core.registry import Component
from satiety.tuning import METHODS, OBJECTIVES
from tests.pipeline.pairs import write_base as write_translator
from tests.pipeline.pairs import write_pairs
from tests.pipeline.project import Project

CopyTemplate = Callable[[], Project]


def set_problem(
    project: Project, problem: dict[str, Any], columns: list[str], row: Callable[[str, str], list[Any]]
) -> Project:
    """Give a project another problem: ``row`` builds each row of its new table from a text and its label."""
    path = project.root / "data/raw/labelled.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(row(fields["text"], fields["label"]) for fields in rows)
    params = project.read_params()
    params["ingest"]["problem"] = problem
    params["ingest"]["labelled"][0]["columns"] = {name: name for name in columns}
    params["measure"] = ["augment"]
    project.write_params(params)
    return project


def dump_sample(component: type[Component]) -> dict[str, Any]:
    """Return the sample of a component as written in params.yaml."""
    return component.sample().model_dump(mode="json")


def predict(project: Project, *texts: str) -> Iterator[dict[str, Any]]:
    """Yield the predictions of `satiety predict`."""
    process = project.run("satiety", "predict", *texts)
    assert process.returncode == 0, process.stderr
    yield from map(json.loads, process.stdout.splitlines())


@pytest.mark.long
def test_pairs_of_texts_run_in_the_whole_pipeline(copy_template: CopyTemplate) -> None:
    pair = {"kind": "pair", "labels": None}
    project = set_problem(
        copy_template(), pair, ["text", "text_b", "label"], lambda text, label: [text, "it is good", label]
    )
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    assert project.read_report("evaluate")["difference"]["low"] > 0
    (answer,) = predict(project, json.dumps({"text": "a good film", "text_b": "it is good"}))
    assert answer["text_b"] == "it is good"
    assert answer["label"] in {"good", "bad"}
    refused = project.run("satiety", "predict", "a good film")
    assert refused.returncode == 1
    assert "is not a JSON object; pair needs the inputs text, text_b" in refused.stderr


@pytest.mark.long
def test_scores_for_pairs_run_in_the_whole_pipeline(copy_template: CopyTemplate) -> None:
    """Their score is a rank correlation, not a function of sums."""

    def build_row(text: str, label: str) -> list[Any]:
        return [text, "it is good", {"bad": 1.0, "good": 5.0}[label] + len(text) % 7 / 10]

    project = set_problem(
        copy_template(), {"kind": "pair_score", "cuts": None}, ["text", "text_b", "number"], build_row
    )
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    scores = project.read_report("evaluate")
    assert (scores["metric"], scores["difference"]["low"] > 0) == ("spearman", True)
    promoted = project.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert project.read_report("promote")["decision"] == "promoted"
    assert project.read_report("worth")["metric"] == "spearman"
    (answer,) = predict(project, json.dumps({"text": "a good film", "text_b": "it is good"}))
    assert isinstance(answer["number"], float)
    assert "confidence" not in answer, "a number has no confidence"


def test_multilabel_runs_in_the_pipeline_up_to_the_package(copy_template: CopyTemplate) -> None:
    """With a method whose weights are separate from the encoder, and an objective that reads raw texts."""

    def build_row(text: str, label: str) -> list[Any]:
        return [text, ",".join([label] * (label == "good") + ["long"] * (len(text) > 40))]

    multilabel = {"kind": "multilabel", "labels": None, "separator": ",", "thresholds": None}
    project = set_problem(copy_template(), multilabel, ["text", "labels"], build_row)
    params = project.read_params()
    recipe = {"method": dump_sample(METHODS["adapter"]), "objective": dump_sample(OBJECTIVES["consistency"])}
    params |= {"finetune": {"recipe": recipe}, "use": ["retrieve"]}
    project.write_params(params)
    process = project.repro("register")
    assert process.returncode == 0, process.stdout + process.stderr
    assert project.read_report("evaluate")["difference"]["low"] > 0
    assert (project.root / "models/package/model/adapter.safetensors").is_file()
    problem = json.loads((project.root / "models/package/model/problem.json").read_text(encoding="utf-8"))
    assert set(problem["thresholds"]) == set(problem["labels"]) == {"good", "long"}
    (answer,) = predict(project, "a good film")
    assert set(answer["labels"]) <= {"good", "long"}


@pytest.mark.long
def test_translation_in_both_directions_runs_in_the_whole_pipeline(copy_template: CopyTemplate) -> None:
    """With a tiny random T5 and 200 pairs of a small grammar, every second one from Chinese."""
    project = copy_template()
    write_pairs(project.root / "data/raw/labelled.csv", 200, ["text", "translation"])
    shutil.rmtree(project.root / "data/raw/base")
    write_translator(project.root / "data/raw/base")
    params = project.read_params()
    params["ingest"] |= {"problem": {"kind": "translate", "max_new_tokens": 32}, "budget": 130, "test": 60}
    params["ingest"]["labelled"][0]["columns"] = {name: name for name in ("text", "translation")}
    params["finetune"]["recipe"] = {
        "method": {"kind": "full", "learning_rate": 6e-3},
        "training": {"min_steps": 300, "evaluations": 2, "weight_averaging": None},
    }
    params["use"] = ["retrieve"]
    project.write_params(params)
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr

    scores = project.read_report("evaluate")
    assert scores["metric"] == "chrf"
    assert scores["before"]["high"] < 0.2
    assert scores["after"]["low"] > 0.5
    assert scores["metrics"]["after"]["bleu"]["low"] > scores["metrics"]["before"]["bleu"]["high"]
    assert project.read_report("worth")["headline"]["en"].startswith("Not measured: ")
    names = {path.name for path in (project.root / "models/package/model").iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "problem.json", "tuned.json"} <= names
    assert "head.safetensors" not in names
    promoted = project.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert project.read_report("promote")["decision"] == "promoted"
    chinese, english = predict(
        project, "Six old teachers drink tea by the river today.", "今天六个老的老师在河边喝茶。"
    )
    assert "喝茶" in chinese["translation"]
    assert "drink tea" in english["translation"]
