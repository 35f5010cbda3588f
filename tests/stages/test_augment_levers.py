"""Levers of kinds of one's own in the stage `augment`: called as the meter does, and held against dev and test."""

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
from tests.unit.worth.material import classified, documents, finetune, worth

TRAIN = classified(24)
DEV = [
    Example("v1", {"text": "we waited two hours for a cold soup"}, answer=Label("bad"), split="dev", language="en"),
    Example("v2", {"text": "服务员态度非常差，等了两个小时"}, answer=Label("bad"), split="dev", language="zh"),
]
TEST = [Example("t1", {"text": "窗外的风景美得让人不想离开"}, answer=Label("good"), split="test", language="zh")]
OUT, QUARANTINE, REPORT = Path("augmented.parquet"), Path("quarantine.parquet"), Path("reports/augment.json")


class Saying(Lever):
    """Learn from these texts, too."""

    position: ClassVar = 35

    texts: list[str]
    """What is added."""

    def transform_train(self, examples: tuple[Example, ...], lesson: RunContext) -> tuple[Example, ...]:
        # Called like an example there is, gold and of test: the stage says what it is.
        return (*examples, *(replace(examples[0], inputs={"text": text}, split="test") for text in self.texts))


class Watching(Lever):
    """Add nothing, and note what it is given."""

    position: ClassVar = 50
    seen: ClassVar[list[Any]] = []

    def precompute(self, world: StudyContext) -> tuple[Example, ...]:
        self.seen.append(world)
        return ()

    def transform_train(self, examples: tuple[Example, ...], lesson: RunContext) -> tuple[Example, ...]:
        self.seen.append((examples, lesson))
        return examples


class Early(Watching):
    """Do so before copies are made."""

    position: ClassVar = 5


class Drawing(Lever):
    """Repeat some of the examples."""

    position: ClassVar = 35

    def transform_train(self, examples: tuple[Example, ...], lesson: RunContext) -> tuple[Example, ...]:
        return (*examples, *lesson.rng.sample(examples, 5))


class Answering(Lever):
    """Learn from raw texts, labelled as a head learned from the labels answers."""

    position: ClassVar = 40
    uses_documents: ClassVar = True
    given: ClassVar[list[Prediction]] = []

    def precompute(self, world: StudyContext) -> tuple[Example, ...]:
        vectors = world.embed([document.text for document in world.corpus])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
        return ()

    def transform_train(self, examples: tuple[Example, ...], lesson: RunContext) -> tuple[Example, ...]:
        answers = lesson.predict(examples, [document.text for document in lesson.documents])
        self.given[:] = answers
        return (
            *examples,
            *(
                Example(document.id, {"text": document.text}, found.answer, language=document.language, origin="asked")
                for document, found in zip(lesson.documents, answers, strict=True)
            ),
        )


OWN = {
    "saying": Saying,
    "watching": Watching,
    "early": Early,
    "drawing": Drawing,
    "answering": Answering,
}


@pytest.fixture
def paths(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A workspace with every input of the stage, and levers of our own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    monkeypatch.setattr(Watching, "seen", [])
    for name, cls in OWN.items():
        monkeypatch.setattr(cls, "kind", name, raising=False)
        monkeypatch.setitem(LEVERS._classes, name, cls)
    PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}}).save(Path("problem.json"))
    for name, examples in (("train", TRAIN), ("dev", DEV), ("test", TEST)):
        write(Path(f"{name}.parquet"), examples, Example)
    write(Path("retrieved.parquet"), documents(classified(30, start=2000)), Document)
    names = ("train", "dev", "test", "retrieved")
    tables = {name: Path(f"{name}.parquet") for name in names}
    return {"problem": Path("problem.json"), **tables, "base": tiny, "augmented": OUT, "quarantine": QUARANTINE}


def use(seed: int = 7, **levers: dict[str, Any]) -> None:
    """Use levers."""
    project = {"base": {"uri": "file:data/raw/base"}, "seed": seed, "max_length": 32}
    text = json.dumps({"project": project, "levers": levers, "use": list(levers)}, ensure_ascii=False)
    Path("params.yaml").write_text(text, encoding="utf-8")


def examples() -> list[Example]:
    return list(read(OUT, Example))


def test_what_a_lever_adds_is_held_against_dev_and_test(paths: dict[str, Path]) -> None:
    clean = ["the soup came at once and was hot", "服务员态度很好，一来就上菜"]
    leaks = [
        "We waited two hours  for a COLD soup",
        "昨天去的，服务员态度非常差，等了两个小时，以后再也不去了",
        "窗外的风景美得让人不想离开",
    ]
    use(leaky={"kind": "saying", "texts": [leaks[0], clean[0], *leaks[1:], clean[1]]})
    main.run(**paths)
    *first, one, other = examples()
    assert first == TRAIN
    assert [one.text, other.text] == clean
    assert {(e.split, e.origin) for e in (one, other)} == {("train", "leaky")}
    assert [one.id, other.id] == ["e0.1", "e0.2"]
    rejected = list(read(QUARANTINE, Rejection))
    assert [(r.text, r.twin) for r in rejected] == list(zip(leaks, ["v1", "v2", "t1"], strict=True))
    assert {(r.reason, r.detail) for r in rejected} == {
        ("contaminated", "made by leaky; duplicates a dev or test text")
    }
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert report["levers"] == {"leaky": {"added": 2, "contaminated": 3, "removed": 0}}
    assert (report["out"], report["quarantined"]) == (len(TRAIN) + 2, 3)


def test_a_lever_is_given_what_the_stage_has_but_no_dev_and_no_test_example(paths: dict[str, Path]) -> None:
    use(watch={"kind": "watching"})
    main.run(**paths)
    world, (given, lesson) = Watching.seen
    raw = tuple(read(Path("retrieved.parquet"), Document))
    assert world.test == lesson.test == ()
    assert world.pool == lesson.order == given == tuple(TRAIN)
    assert world.corpus == lesson.documents == raw
    assert (lesson.budget, world.base, world.seed) == (len(TRAIN), paths["base"], 7)


def test_levers_act_in_the_order_of_the_meter(paths: dict[str, Path]) -> None:
    copies = {"kind": "augment", "steps": [{"kind": "swap", "alpha": 0.5}]}
    use(
        a_late={"kind": "watching"}, copies=copies, z_early={"kind": "early"}, b_said={"kind": "saying", "texts": ["x"]}
    )
    main.run(**paths)
    early, late = [seen[0] for seen in Watching.seen if isinstance(seen, tuple)]
    assert early == tuple(TRAIN)
    assert [e.origin for e in late[len(TRAIN) :]] == [*["swap"] * (len(late) - len(TRAIN) - 1), "b_said"]
    assert len(late) > len(TRAIN) + 1
    assert examples() == list(late)
    assert {e.parent for e in late if e.origin == "swap"} <= {e.id for e in TRAIN}, "of training examples alone"


def test_the_same_seed_gives_the_same_bytes_another_lever_or_seed_others(paths: dict[str, Path]) -> None:
    def repeated() -> list[str]:
        main.run(**paths)
        assert len({e.id for e in examples()}) == len(examples())
        return [e.text for e in examples()[len(TRAIN) :]]

    use(a={"kind": "drawing"})
    first, tables = repeated(), OUT.read_bytes()
    assert len(first) == 5
    assert set(first) <= {e.text for e in TRAIN}
    assert repeated() == first
    assert OUT.read_bytes() == tables
    use(8, a={"kind": "drawing"})
    assert repeated() != first
    use(b={"kind": "drawing"})
    assert repeated() != first


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_lever_reads_raw_texts_and_gets_the_answers_that_the_meter_gives(
    language: str, paths: dict[str, Path], tmp_path: Path
) -> None:
    raw = documents([one for one in classified(60, start=2000) if one.language == language])
    write(paths["retrieved"], raw, Document)
    use(asked={"kind": "answering"})
    main.run(**paths)
    added = examples()[len(TRAIN) :]
    assert [e.text for e in added] == [one.text for one in raw]
    assert {e.origin for e in added} == {"asked"}
    assert {str(e.answer) for e in added} == {"good", "bad"}

    problem, params = PROBLEMS["classify"].sample(), worth(seed=7, levers={}, controls=[], head={})
    material = StudyData(problem, tuple(TRAIN), tuple(TEST), raw, paths["base"])
    plan, _ = prepare_study(material, params, finetune(), tmp_path / "meter", "cpu")
    answers = Evaluator(plan)._predict(StudyRun(len(TRAIN), (), 0), TRAIN, [one.text for one in raw])
    assert Answering.given == answers
    assert [e.answer for e in added] == [answer.answer for answer in answers]
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert report["in"] == len(TRAIN) + len(raw)


def test_without_raw_text_a_lever_that_reads_some_is_refused_by_name(paths: dict[str, Path]) -> None:
    write(paths["retrieved"], [], Document)
    use(asked={"kind": "answering"})
    with pytest.raises(
        DataError, match="the lever asked needs documents, but none were retrieved; add a lever of kind retrieve"
    ):
        main.run(**paths)
    assert not OUT.exists()


def test_what_goes_wrong_in_a_lever_names_it(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise ZeroDivisionError("of its own")

    monkeypatch.setattr(Drawing, "transform_train", breaks)
    use(mine={"kind": "drawing"})
    with pytest.raises(ZeroDivisionError) as caught:
        main.run(**paths)
    assert caught.value.__notes__ == ["in lever mine"]


@pytest.mark.parametrize("kind", ["oracle", "copy", "poison", "leak"])
def test_the_stage_itself_refuses_what_is_there_to_be_measured(paths: dict[str, Path], kind: str) -> None:
    """`satiety check` does so before; but a stage may be run by itself."""
    use(best={"kind": kind})
    with pytest.raises(ParamsError, match=f"use: best is of kind {kind}, which the pipeline cannot use"):
        main.run(**paths)


def test_what_other_stages_apply_is_not_its_own(paths: dict[str, Path]) -> None:
    others = {name: {"kind": name} for name in ("retrieve", "pretrain", "self_training")}
    use(**others, said={"kind": "saying", "texts": ["x"]})
    assert set(Augmentation.load().levers) == {"said"}
    main.run(**paths)
    assert len(examples()) == len(TRAIN) + 1


ALONE = """
import sys
from pathlib import Path
from tasks.augment import main
{more}
main.run(**{{name: Path(path) for name, path in {paths}.items()}})
print("HEAVY", *({{"torch", "transformers", "sklearn"}} & set(sys.modules)))
"""
OURS = """
from satiety.levers.base import LEVERS
from tests.stages.test_augment_levers import Answering
LEVERS.register("answering")(Answering)
"""


@pytest.mark.parametrize("own", [False, True])
def test_nothing_heavy_is_imported_where_no_such_lever_asks(
    paths: dict[str, Path], own: bool, request: pytest.FixtureRequest
) -> None:
    """A process of its own, for this one has long imported it."""
    levers = {"copies": {"kind": "augment", "steps": [{"kind": "swap"}]}}
    use(**levers, **({"asked": {"kind": "answering"}} if own else {}))
    code = ALONE.format(more=OURS if own else "", paths={name: str(path) for name, path in paths.items()})
    around = os.environ | {"PYTHONPATH": str(request.config.rootpath)}
    process = subprocess.run([sys.executable, "-c", code], env=around, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    assert (process.stdout.splitlines()[-1] == "HEAVY") is not own
