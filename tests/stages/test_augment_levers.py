"""User-defined levers in the stage `augment`: called as in `worth`, and checked against dev and test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError, ParamsError
from satiety.core.records import Document, Example, Rejection, read, write
from satiety.levers.base import LEVERS, Lever, RunContext, StudyContext
from satiety.problems import PROBLEMS, Prediction
from satiety.worth.evaluator import Evaluator
from satiety.worth.preparation import StudyData, prepare_study
from satiety.worth.runs import StudyRun
from satiety.worth.selection import Augmentation
from tasks.augment import main
from tests.unit.worth.material import documents, finetune, make_classify_examples, worth

TRAIN = make_classify_examples(24)
DEV = [
    Example("v1", {"text": "we waited two hours for a cold soup"}, answer=Label("bad"), split="dev", language="en"),
    Example("v2", {"text": "服务员态度非常差，等了两个小时"}, answer=Label("bad"), split="dev", language="zh"),
]
TEST = [Example("t1", {"text": "窗外的风景美得让人不想离开"}, answer=Label("good"), split="test", language="zh")]
AUGMENTED, QUARANTINE, REPORT = Path("augmented.parquet"), Path("quarantine.parquet"), Path("reports/augment.json")


class AddTexts(Lever):
    """Add these texts to the training examples."""

    position: ClassVar = 35

    texts: list[str]
    """The added texts."""

    def transform_train(self, examples: tuple[Example, ...], run_context: RunContext) -> tuple[Example, ...]:
        # With the id, origin and split of an existing example: the stage must correct them.
        return (
            *examples,
            *(replace(examples[0], inputs={"text": text}, split="test") for text in self.texts),
        )


class RecordCalls(Lever):
    """Add nothing, and record the arguments of each call."""

    position: ClassVar = 50
    calls: ClassVar[list[Any]] = []

    def precompute(self, study_context: StudyContext) -> tuple[Example, ...]:
        self.calls.append(study_context)
        return ()

    def transform_train(self, examples: tuple[Example, ...], run_context: RunContext) -> tuple[Example, ...]:
        self.calls.append((examples, run_context))
        return examples


class RecordEarlyCalls(RecordCalls):
    """Record them before copies are made."""

    position: ClassVar = 5


class RepeatSample(Lever):
    """Repeat some of the examples."""

    position: ClassVar = 35

    def transform_train(self, examples: tuple[Example, ...], run_context: RunContext) -> tuple[Example, ...]:
        return (*examples, *run_context.rng.sample(examples, 5))


class Answering(Lever):
    """Add raw texts, labelled by a head trained on the labels."""

    position: ClassVar = 40
    uses_documents: ClassVar = True
    answers: ClassVar[list[Prediction]] = []

    def precompute(self, study_context: StudyContext) -> tuple[Example, ...]:
        vectors = study_context.embed([document.text for document in study_context.corpus])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
        return ()

    def transform_train(self, examples: tuple[Example, ...], run_context: RunContext) -> tuple[Example, ...]:
        answers = run_context.predict(examples, [document.text for document in run_context.documents])
        self.answers[:] = answers
        return (
            *examples,
            *(
                Example(
                    document.id, {"text": document.text}, prediction.answer, language=document.language, origin="asked"
                )
                for document, prediction in zip(run_context.documents, answers, strict=True)
            ),
        )


LEVER_CLASSES = {
    "add_texts": AddTexts,
    "record_calls": RecordCalls,
    "record_early_calls": RecordEarlyCalls,
    "repeat_sample": RepeatSample,
    "answering": Answering,
}


@pytest.fixture
def paths(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A workspace with every input of the stage, and the levers above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    monkeypatch.setattr(RecordCalls, "calls", [])
    for name, cls in LEVER_CLASSES.items():
        monkeypatch.setattr(cls, "kind", name, raising=False)
        monkeypatch.setitem(LEVERS._classes, name, cls)
    PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}}).save(Path("problem.json"))
    for name, examples in (("train", TRAIN), ("dev", DEV), ("test", TEST)):
        write(Path(f"{name}.parquet"), examples, Example)
    write(Path("retrieved.parquet"), documents(make_classify_examples(30, start=2000)), Document)
    names = ("train", "dev", "test", "retrieved")
    tables = {name: Path(f"{name}.parquet") for name in names}
    return {"problem": Path("problem.json"), **tables, "base": tiny, "augmented": AUGMENTED, "quarantine": QUARANTINE}


def write_params(seed: int = 7, **levers: dict[str, Any]) -> None:
    """Write params.yaml with the levers."""
    project = {"base": {"uri": "file:data/raw/base"}, "seed": seed, "max_length": 32}
    text = json.dumps({"project": project, "levers": levers, "use": list(levers)}, ensure_ascii=False)
    Path("params.yaml").write_text(text, encoding="utf-8")


def read_examples() -> list[Example]:
    return list(read(AUGMENTED, Example))


def test_added_texts_that_duplicate_dev_or_test_are_quarantined(paths: dict[str, Path]) -> None:
    clean = ["the soup came at once and was hot", "服务员态度很好，一来就上菜"]
    leaks = [
        "We waited two hours  for a COLD soup",
        "昨天去的，服务员态度非常差，等了两个小时，以后再也不去了",
        "窗外的风景美得让人不想离开",
    ]
    write_params(leaky={"kind": "add_texts", "texts": [leaks[0], clean[0], *leaks[1:], clean[1]]})
    main.run(**paths)
    *first, english, chinese = read_examples()
    assert first == TRAIN
    assert [english.text, chinese.text] == clean
    assert {(e.split, e.origin) for e in (english, chinese)} == {("train", "leaky")}
    assert [english.id, chinese.id] == ["e0.1", "e0.2"]
    rejected = list(read(QUARANTINE, Rejection))
    assert [(r.text, r.twin) for r in rejected] == list(zip(leaks, ["v1", "v2", "t1"], strict=True))
    assert {(r.reason, r.detail) for r in rejected} == {
        ("contaminated", "made by leaky; duplicates a dev or test text")
    }
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert report["levers"] == {"leaky": {"added": 2, "contaminated": 3, "removed": 0}}
    assert (report["out"], report["quarantined"]) == (len(TRAIN) + 2, 3)


def test_a_lever_gets_the_training_examples_and_documents_but_no_dev_or_test_example(paths: dict[str, Path]) -> None:
    write_params(watch={"kind": "record_calls"})
    main.run(**paths)
    study_context, (train, run_context) = RecordCalls.calls
    raw = tuple(read(Path("retrieved.parquet"), Document))
    assert study_context.test == run_context.test == ()
    assert study_context.pool == run_context.order == train == tuple(TRAIN)
    assert study_context.corpus == run_context.documents == raw
    assert (run_context.budget, study_context.base, study_context.seed) == (len(TRAIN), paths["base"], 7)


def test_levers_are_applied_by_position(paths: dict[str, Path]) -> None:
    copies = {"kind": "augment", "steps": [{"kind": "swap", "alpha": 0.5}]}
    write_params(
        a_late={"kind": "record_calls"},
        copies=copies,
        z_early={"kind": "record_early_calls"},
        b_texts={"kind": "add_texts", "texts": ["x"]},
    )
    main.run(**paths)
    early_input, late_input = [call[0] for call in RecordCalls.calls if isinstance(call, tuple)]
    assert early_input == tuple(TRAIN)
    assert [e.origin for e in late_input[len(TRAIN) :]] == [*["swap"] * (len(late_input) - len(TRAIN) - 1), "b_texts"]
    assert len(late_input) > len(TRAIN) + 1
    assert read_examples() == list(late_input)
    assert {e.parent for e in late_input if e.origin == "swap"} <= {e.id for e in TRAIN}, (
        "copies come from training examples only"
    )


def test_equal_seeds_give_equal_bytes_and_another_seed_or_lever_name_gives_others(paths: dict[str, Path]) -> None:
    def run_stage() -> list[str]:
        main.run(**paths)
        assert len({e.id for e in read_examples()}) == len(read_examples())
        return [e.text for e in read_examples()[len(TRAIN) :]]

    write_params(a={"kind": "repeat_sample"})
    first, tables = run_stage(), AUGMENTED.read_bytes()
    assert len(first) == 5
    assert set(first) <= {e.text for e in TRAIN}
    assert run_stage() == first
    assert AUGMENTED.read_bytes() == tables
    write_params(8, a={"kind": "repeat_sample"})
    assert run_stage() != first
    write_params(b={"kind": "repeat_sample"})
    assert run_stage() != first


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_lever_gets_the_predictions_that_worth_gives_it(
    language: str, paths: dict[str, Path], tmp_path: Path
) -> None:
    raw = documents([example for example in make_classify_examples(60, start=2000) if example.language == language])
    write(paths["retrieved"], raw, Document)
    write_params(asked={"kind": "answering"})
    main.run(**paths)
    added = read_examples()[len(TRAIN) :]
    assert [e.text for e in added] == [document.text for document in raw]
    assert {e.origin for e in added} == {"asked"}
    assert {str(e.answer) for e in added} == {"good", "bad"}

    problem, params = PROBLEMS["classify"].sample(), worth(seed=7, levers={}, controls=[], head={})
    study_data = StudyData(problem, tuple(TRAIN), tuple(TEST), raw, paths["base"])
    study_plan, _ = prepare_study(study_data, params, finetune(), tmp_path / "worth", "cpu")
    answers = Evaluator(study_plan)._predict(StudyRun(len(TRAIN), (), 0), TRAIN, [document.text for document in raw])
    assert Answering.answers == answers
    assert [e.answer for e in added] == [answer.answer for answer in answers]
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert report["in"] == len(TRAIN) + len(raw)


def test_a_lever_that_needs_documents_is_refused_without_any(paths: dict[str, Path]) -> None:
    write(paths["retrieved"], [], Document)
    write_params(asked={"kind": "answering"})
    with pytest.raises(
        DataError, match="the lever asked needs documents, but none were retrieved; add a lever of kind retrieve"
    ):
        main.run(**paths)
    assert not AUGMENTED.exists()


def test_an_error_in_a_lever_names_the_lever(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("of its own")

    monkeypatch.setattr(RepeatSample, "transform_train", fail)
    write_params(mine={"kind": "repeat_sample"})
    with pytest.raises(ZeroDivisionError) as caught:
        main.run(**paths)
    assert caught.value.__notes__ == ["in lever mine"]


@pytest.mark.parametrize("kind", ["oracle", "copy", "poison", "leak"])
def test_the_stage_refuses_control_levers(paths: dict[str, Path], kind: str) -> None:
    """`satiety check` refuses it too, but a stage may be run by itself."""
    write_params(best={"kind": kind})
    with pytest.raises(ParamsError, match=f"use: best is of kind {kind}, which the pipeline cannot use"):
        main.run(**paths)


def test_levers_of_other_stages_are_not_applied(paths: dict[str, Path]) -> None:
    levers = {name: {"kind": name} for name in ("retrieve", "pretrain", "self_training")}
    write_params(**levers, texts={"kind": "add_texts", "texts": ["x"]})
    assert set(Augmentation.load().levers) == {"texts"}
    main.run(**paths)
    assert len(read_examples()) == len(TRAIN) + 1


RUN_STAGE = """
import sys
from pathlib import Path
from tasks.augment import main
{setup}
main.run(**{{name: Path(path) for name, path in {paths}.items()}})
print("HEAVY", *({{"torch", "transformers", "sklearn"}} & set(sys.modules)))
"""
REGISTER_ANSWERING = """
from satiety.levers.base import LEVERS
from tests.stages.test_augment_levers import Answering
LEVERS.register("answering")(Answering)
"""


@pytest.mark.parametrize("needs_model", [False, True])
def test_torch_is_imported_only_if_a_lever_needs_predictions(
    paths: dict[str, Path], needs_model: bool, request: pytest.FixtureRequest
) -> None:
    """In a fresh process: this one has already imported them."""
    levers = {"copies": {"kind": "augment", "steps": [{"kind": "swap"}]}}
    write_params(**levers, **({"asked": {"kind": "answering"}} if needs_model else {}))
    code = RUN_STAGE.format(
        setup=REGISTER_ANSWERING if needs_model else "", paths={name: str(path) for name, path in paths.items()}
    )
    environment = os.environ | {"PYTHONPATH": str(request.config.rootpath)}
    process = subprocess.run([sys.executable, "-c", code], env=environment, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    assert (process.stdout.splitlines()[-1] == "HEAVY") is not needs_model
