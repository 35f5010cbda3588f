"""A component is one file: made-up ones are added, pass the contract tests, and run in the whole pipeline."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from satiety.core.records import Document, Example, read
from tests.pipeline.pairs import write_base as write_translator
from tests.pipeline.pairs import write_pairs
from tests.pipeline.project import Project
from tests.pipeline.test_shapes import predict, set_problem

PLACES = {
    "problem": "problems",
    "head": "heads",
    "method": "tuning/methods",
    "objective": "tuning/objectives",
    "recipe": "tuning/recipes",
    "augmenter": "levers/augment",
    "lever": "levers",
}
"""Kind -> folder of `satiety` for its file; no other file changes."""


@pytest.fixture(scope="module")
def extended_project(copy_template: Callable[[], Project]) -> Project:
    """A project with a made-up component of each kind."""
    project = copy_template()
    for kind, folder in PLACES.items():
        shutil.copy(f"tests/made_up/{kind}.py", project.root / "satiety" / folder / "made_up.py")
    shutil.copy("tests/made_up/writing.py", project.root / "satiety/problems/made_up_writing.py")
    shutil.copytree("tests", project.root / "tests", ignore=shutil.ignore_patterns("pipeline", "flows", "__pycache__"))
    (project.root / "tests/pipeline").mkdir()
    shutil.copy("tests/pipeline/made.py", project.root / "tests/pipeline")
    return project


def test_made_up_components_pass_the_contract_tests(extended_project: Project) -> None:
    """Each also in combination with the built-in components of other kinds; in English, without those that write."""
    chosen = "made_up and not translate and not zh"
    process = extended_project.run(sys.executable, "-m", "pytest", "-v", "-n0", "tests/contracts", "-k", chosen)
    assert process.returncode == 0, process.stdout + process.stderr
    for kind in PLACES:
        assert f"{kind}-made_up" in process.stdout, f"no contract test of kind {kind} was run"
    for test_id in ("full-made_up", "made_up-classify", "made_up-ner", "made_up-regress", "lora-made_up_writing"):
        assert test_id in process.stdout


def test_explain_knows_made_up_components(extended_project: Project) -> None:
    for kind in PLACES:
        process = extended_project.run("satiety", "explain", kind, "made_up")
        assert process.returncode == 0, process.stderr
        assert f"{kind} made_up" in process.stdout


@pytest.mark.long
def test_made_up_components_run_in_the_whole_pipeline(extended_project: Project, tmp_path: Path) -> None:
    score_by_label = {"bad": 1.0, "good": 5.0}
    project = set_problem(
        extended_project.copy(tmp_path),
        {"kind": "made_up"},
        ["text", "other", "number"],
        lambda text, label: [text, "it is good", score_by_label[label] + len(text) % 7 / 10],
    )
    params = project.read_params()
    params["finetune"]["recipe"] = {"method": {"kind": "made_up"}, "objective": {"kind": "made_up"}}
    params["levers"]["copies"] = {"kind": "augment", "steps": [{"kind": "made_up"}]}
    params["levers"]["twice"] = {"kind": "made_up"}
    params["use"] = ["retrieve", "copies", "twice"]
    params["measure"] = ["copies", "twice"]
    project.write_params(params)
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr

    scores = project.read_report("evaluate")
    assert (scores["metric"], scores["difference"]["low"] > 0) == ("tau", True)
    assert project.read_report("augment")["copies"]["made_up"] > 0
    assert_used(project)
    assert (project.read_report("finetune")["method"], project.read_report("finetune")["objective"]) == (
        "made_up",
        "made_up",
    )
    assert project.read_report("worth")["metric"] == "tau"
    assert {row["lever"] for row in project.read_report("worth")["levers"]} == {"copies", "twice", "copies+twice"}
    promoted = project.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert project.read_report("promote")["decision"] == "promoted"
    (answer,) = predict(project, json.dumps({"text": "a good film", "other": "it is good"}))
    assert isinstance(answer["number"], float)


@pytest.mark.long
def test_a_recipe_without_gradients_makes_the_packaged_model(extended_project: Project, tmp_path: Path) -> None:
    project = extended_project.copy(tmp_path)
    params = project.read_params()
    params["finetune"]["recipe"] = {"kind": "made_up"}
    params |= {"use": ["retrieve"], "measure": []}
    project.write_params(params)
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    assert project.read_report("evaluate")["difference"]["low"] > 0
    assert (project.read_report("finetune")["recipe"], project.read_report("finetune")["heads"]) == ("made_up", 3)
    card = json.loads((project.root / "models/package/model/tuned.json").read_text(encoding="utf-8"))
    assert (card["recipe"], card["method"]) == ("made_up", None)
    (answer,) = predict(project, "a lovely wonderful film")
    assert answer["label"] == "good"


def assert_used(project: Project) -> None:
    """The examples of the lever are in the table, and the model is trained on the table."""
    table = list(read(project.root / "data/augmented.parquet", Example))
    train = {example.id: example for example in read(project.root / "data/train.parquet", Example)}
    doubled = [example for example in table if example.id.endswith("/twice")]
    assert [example.parent for example in doubled] == list(train)
    assert [example.inputs["text"] for example in doubled] == [f"{row.text} {row.text}" for row in train.values()]
    assert {(example.origin, example.split) for example in doubled} == {("made_up", "train")}
    assert project.read_report("augment")["levers"] == {"twice": {"added": len(train), "contaminated": 0, "removed": 0}}
    assert project.read_report("augment")["params"]["levers"]["twice"] == {"kind": "made_up"}
    documents = len(list(read(project.root / "data/retrieved.parquet", Document)))
    assert project.read_report("finetune")["in"] in (len(table), len(table) + documents)
    card = (project.root / "models/package/README.md").read_text(encoding="utf-8")
    assert "twice" in card


@pytest.mark.long
def test_a_generative_problem_runs_in_the_whole_pipeline(extended_project: Project, tmp_path: Path) -> None:
    project = extended_project.copy(tmp_path)
    write_pairs(project.root / "data/raw/labelled.csv", 160, ["text", "words"])
    shutil.rmtree(project.root / "data/raw/base")
    write_translator(project.root / "data/raw/base")
    params = project.read_params()
    params["ingest"] |= {"problem": {"kind": "made_up_writing"}, "budget": 100, "test": 50}
    params["ingest"]["labelled"][0]["columns"] = {name: name for name in ("text", "words")}
    params["finetune"]["recipe"] = {
        "method": {"kind": "full", "learning_rate": 6e-3},
        "training": {"min_steps": 150, "evaluations": 1, "weight_averaging": None},
    }
    params["use"] = ["retrieve"]
    project.write_params(params)
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    scores = project.read_report("evaluate")
    assert (scores["metric"], scores["difference"]["low"] > 0) == ("common", True)
    (answer,) = predict(project, "Six old teachers drink tea by the river today.")
    assert answer["text"] != ""
