"""A component is one file: made-up ones are put beside ours, pass the contracts, and go through the whole pipeline."""

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
from tests.pipeline.test_shapes import answers, asking

PLACES = {
    "problem": "problems",
    "head": "heads",
    "method": "tuning/methods",
    "objective": "tuning/objectives",
    "recipe": "tuning/recipes",
    "augmenter": "levers/augment",
    "lever": "levers",
}
"""Where a component of each kind is put: a file in a folder of `satiety`, and no other file changes."""


@pytest.fixture(scope="module")
def extended(fresh: Callable[[], Project]) -> Project:
    """A project with a component of each kind more."""
    made = fresh()
    for kind, folder in PLACES.items():
        shutil.copy(f"tests/made_up/{kind}.py", made.root / "satiety" / folder / "made_up.py")
    shutil.copy("tests/made_up/writing.py", made.root / "satiety/problems/made_up_writing.py")
    shutil.copytree("tests", made.root / "tests", ignore=shutil.ignore_patterns("pipeline", "flows", "__pycache__"))
    (made.root / "tests/pipeline").mkdir()
    shutil.copy("tests/pipeline/made.py", made.root / "tests/pipeline")
    return made


def test_they_pass_the_contracts(extended: Project) -> None:
    """Of every component, so with our own of the other kinds, too."""
    process = extended.run(sys.executable, "-m", "pytest", "-q", "-n0", "tests/contracts", "-k", "made_up")
    assert process.returncode == 0, process.stdout + process.stderr
    tried = extended.run(
        sys.executable, "-m", "pytest", "-q", "-n0", "--collect-only", "tests/contracts", "-k", "made_up"
    ).stdout
    for kind in PLACES:
        assert f"{kind}-made_up" in tried, f"no contract of a {kind} was tried"
    for ours in ("full-made_up", "made_up-classify", "made_up-ner", "made_up-regress", "lora-made_up_writing"):
        assert ours in tried


def test_they_are_listed_and_explained(extended: Project) -> None:
    for kind in PLACES:
        shown = extended.run("satiety", "explain", kind, "made_up")
        assert shown.returncode == 0, shown.stderr
        assert f"{kind} made_up" in shown.stdout


def test_they_go_through_the_whole_pipeline(extended: Project, tmp_path: Path) -> None:
    near = {"bad": 1.0, "good": 5.0}
    made = asking(
        extended.copy(tmp_path),
        {"kind": "made_up"},
        ["text", "other", "number"],
        lambda text, label: [text, "it is good", near[label] + len(text) % 7 / 10],
    )
    params = made.params()
    params["finetune"]["recipe"] = {"method": {"kind": "made_up"}, "objective": {"kind": "made_up"}}
    params["levers"]["copies"] = {"kind": "augment", "steps": [{"kind": "made_up"}]}
    params["levers"]["twice"] = {"kind": "made_up"}
    params["use"] += ["copies", "twice"]
    params["measure"] = ["copies", "twice"]
    made.write_params(params)
    done = made.repro()
    assert done.returncode == 0, done.stdout + done.stderr

    scores = made.report("evaluate")
    assert (scores["metric"], scores["difference"]["low"] > 0) == ("tau", True)
    assert made.report("augment")["copies"]["made_up"] > 0
    assert_used(made)
    assert (made.report("finetune")["method"], made.report("finetune")["objective"]) == ("made_up", "made_up")
    assert made.report("worth")["metric"] == "tau"
    assert {row["lever"] for row in made.report("worth")["levers"]} == {"copies", "twice", "copies+twice"}
    promoted = made.run(sys.executable, "-m", "tasks.promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert made.report("promote")["decision"] == "promoted"
    (answer,) = answers(made, json.dumps({"text": "a good film", "other": "it is good"}))
    assert isinstance(answer["number"], float)


def test_a_recipe_without_a_gradient_makes_the_model_that_is_shipped(extended: Project, tmp_path: Path) -> None:
    made = extended.copy(tmp_path)
    params = made.params()
    params["finetune"]["recipe"] = {"kind": "made_up"}
    params["measure"] = []
    made.write_params(params)
    done = made.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.report("evaluate")["difference"]["low"] > 0
    assert (made.report("finetune")["recipe"], made.report("finetune")["heads"]) == ("made_up", 3)
    card = json.loads((made.root / "models/package/model/tuned.json").read_text(encoding="utf-8"))
    assert (card["recipe"], card["method"]) == ("made_up", None)
    (answer,) = answers(made, "a lovely wonderful film")
    assert answer["label"] == "good"


def assert_used(made: Project) -> None:
    """The lever's examples are in the table, as the meter would have them, and the table is what is learned from."""
    table = list(read(made.root / "data/augmented.parquet", Example))
    train = {example.id: example for example in read(made.root / "data/train.parquet", Example)}
    twice = [example for example in table if example.id.endswith("/twice")]
    assert [example.parent for example in twice] == list(train)
    assert [example.inputs["text"] for example in twice] == [f"{one.text} {one.text}" for one in train.values()]
    assert {(example.origin, example.split) for example in twice} == {("made_up", "train")}
    assert made.report("augment")["levers"] == {"twice": {"added": len(train), "contaminated": 0, "removed": 0}}
    assert made.report("augment")["params"]["levers"]["twice"] == {"kind": "made_up"}
    documents = len(list(read(made.root / "data/retrieved.parquet", Document)))
    assert made.report("finetune")["in"] in (len(table), len(table) + documents)
    card = (made.root / "models/package/README.md").read_text(encoding="utf-8")
    assert "twice" in card


def test_a_problem_whose_answers_are_written_goes_through_it_too(extended: Project, tmp_path: Path) -> None:
    made = extended.copy(tmp_path)
    write_pairs(made.root / "data/raw/labelled.csv", 160, ["text", "words"])
    shutil.rmtree(made.root / "data/raw/base")
    write_translator(made.root / "data/raw/base")
    params = made.params()
    params["ingest"] |= {"problem": {"kind": "made_up_writing"}, "budget": 100, "test": 50}
    params["ingest"]["labelled"][0]["columns"] = {name: name for name in ("text", "words")}
    params["finetune"]["recipe"] = {
        "method": {"kind": "full", "learning_rate": 6e-3},
        "training": {"min_steps": 150, "evaluations": 1, "weight_averaging": None},
    }
    made.write_params(params)
    done = made.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    scores = made.report("evaluate")
    assert (scores["metric"], scores["difference"]["low"] > 0) == ("common", True)
    (answer,) = answers(made, "Six old teachers drink tea by the river today.")
    assert answer["text"] != ""
