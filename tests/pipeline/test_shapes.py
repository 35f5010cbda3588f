"""A problem whose answers are no single label goes the same way: ingest to register, promotion, answers, the meter."""

import csv
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

from satiety.core.registry import Component
from satiety.tuning import METHODS, OBJECTIVES
from tests.pipeline.pairs import write_base as write_translator
from tests.pipeline.pairs import write_pairs
from tests.pipeline.project import Project

Fresh = Callable[[], Project]


def asking(made: Project, problem: dict[str, Any], columns: list[str], row: Callable[[str, str], list[Any]]) -> Project:
    """Have a project ask another thing of its texts: write its table anew, as ``row`` makes one of text and label."""
    path = made.root / "data/raw/labelled.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(row(one["text"], one["label"]) for one in rows)
    params = made.params()
    params["ingest"]["problem"] = problem
    params["ingest"]["labelled"][0]["columns"] = {name: name for name in columns}
    params["measure"] = ["augment"]
    made.write_params(params)
    return made


def dump(component: type[Component]) -> dict[str, Any]:
    """Return a component's sample as params.yaml has it."""
    return component.sample().model_dump(mode="json")


def answers(made: Project, *asked: str) -> Iterator[dict[str, Any]]:
    """Yield what `satiety predict` answers."""
    process = made.run("satiety", "predict", *asked)
    assert process.returncode == 0, process.stderr
    yield from map(json.loads, process.stdout.splitlines())


def test_two_texts_go_through_the_whole_pipeline(fresh: Fresh) -> None:
    pair = {"kind": "pair", "labels": None}
    made = asking(fresh(), pair, ["text", "text_b", "label"], lambda text, label: [text, "it is good", label])
    done = made.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.report("evaluate")["difference"]["low"] > 0
    (answer,) = answers(made, json.dumps({"text": "a good film", "text_b": "it is good"}))
    assert answer["text_b"] == "it is good"
    assert answer["label"] in {"good", "bad"}
    refused = made.run("satiety", "predict", "a good film")
    assert refused.returncode == 1
    assert "is not a JSON object; pair needs the inputs text, text_b" in refused.stderr


def test_numbers_for_two_texts_go_through_the_whole_pipeline(fresh: Fresh) -> None:
    """Their score, a rank correlation, is no function of sums."""

    def scored(text: str, label: str) -> list[Any]:
        return [text, "it is good", {"bad": 1.0, "good": 5.0}[label] + len(text) % 7 / 10]

    made = asking(fresh(), {"kind": "pair_score", "cuts": None}, ["text", "text_b", "number"], scored)
    done = made.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    scores = made.report("evaluate")
    assert (scores["metric"], scores["difference"]["low"] > 0) == ("spearman", True)
    promoted = made.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert made.report("promote")["decision"] == "promoted"
    assert made.report("worth")["metric"] == "spearman"
    (answer,) = answers(made, json.dumps({"text": "a good film", "text_b": "it is good"}))
    assert isinstance(answer["number"], float)
    assert "confidence" not in answer, "a number comes without one"


def test_several_labels_go_through_the_pipeline_up_to_the_package(fresh: Fresh) -> None:
    """By a method whose weights stay beside the encoder, and an objective that reads raw texts."""

    def several(text: str, label: str) -> list[Any]:
        return [text, ",".join([label] * (label == "good") + ["long"] * (len(text) > 40))]

    multilabel = {"kind": "multilabel", "labels": None, "separator": ",", "thresholds": None}
    made = asking(fresh(), multilabel, ["text", "labels"], several)
    params = made.params()
    recipe = {"method": dump(METHODS["adapter"]), "objective": dump(OBJECTIVES["consistency"])}
    params["finetune"] = {"recipe": recipe}
    made.write_params(params)
    done = made.repro("register")
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.report("evaluate")["difference"]["low"] > 0
    assert (made.root / "models/package/model/adapter.safetensors").is_file()
    problem = json.loads((made.root / "models/package/model/problem.json").read_text(encoding="utf-8"))
    assert set(problem["thresholds"]) == set(problem["labels"]) == {"good", "long"}
    (answer,) = answers(made, "a good film")
    assert set(answer["labels"]) <= {"good", "long"}


def test_translations_both_ways_go_through_the_whole_pipeline(fresh: Fresh) -> None:
    """Written by a tiny model that knew nothing: 200 pairs of a small grammar, every second one from Chinese."""
    made = fresh()
    write_pairs(made.root / "data/raw/labelled.csv", 200, ["text", "translation"])
    shutil.rmtree(made.root / "data/raw/base")
    write_translator(made.root / "data/raw/base")
    params = made.params()
    params["ingest"] |= {"problem": {"kind": "translate", "max_new_tokens": 32}, "budget": 130, "test": 60}
    params["ingest"]["labelled"][0]["columns"] = {name: name for name in ("text", "translation")}
    params["finetune"]["recipe"] = {
        "method": {"kind": "full", "learning_rate": 6e-3},
        "training": {"min_steps": 300, "evaluations": 2, "weight_averaging": None},
    }
    made.write_params(params)
    done = made.repro()
    assert done.returncode == 0, done.stdout + done.stderr

    scores = made.report("evaluate")
    assert scores["metric"] == "chrf"
    assert scores["before"]["high"] < 0.2
    assert scores["after"]["low"] > 0.5
    assert scores["metrics"]["after"]["bleu"]["low"] > scores["metrics"]["before"]["bleu"]["high"]
    assert made.report("worth")["headline"]["en"].startswith("Not measured: ")
    names = {path.name for path in (made.root / "models/package/model").iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "problem.json", "tuned.json"} <= names
    assert "head.safetensors" not in names
    promoted = made.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert made.report("promote")["decision"] == "promoted"
    chinese, english = answers(made, "Six old teachers drink tea by the river today.", "今天六个老的老师在河边喝茶。")
    assert "喝茶" in chinese["translation"]
    assert "drink tea" in english["translation"]
