"""`levers`, `use` and `measure`: each lever has one name, by which other blocks refer to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from satiety.core.active_levers import STAGE_KINDS
from satiety.core.errors import ParamsError
from satiety.core.records import Example
from satiety.core.section import read_yaml
from satiety.levers.base import LEVERS, Lever, RunContext, StudyContext, StudyInputs
from satiety.levers.pretrain import Pretrain
from satiety.levers.retrieval import RetrieveLever
from satiety.levers.retrieve import Retrieve
from satiety.params import load_params
from satiety.tuning import Finetune
from satiety.worth.section import Worth
from satiety.worth.selection import Augmentation
from satiety.worth.study import list_lever_sets

SWAP = {"kind": "augment", "steps": [{"kind": "swap"}]}
DROP = {"kind": "augment", "steps": [{"kind": "drop", "probability": 0.2}]}
BM25 = {"kind": "retrieve", "retriever": {"kind": "bm25", "documents": 7}}
SELF_TRAINING = {"kind": "self_training", "max_per_label": 3.0}
MLM = {"kind": "pretrain", "pretrainer": {"kind": "mlm", "share": 0.3}}
MENTION = {"kind": "augment", "steps": [{"kind": "swap"}, {"kind": "mention"}]}
ALL = {"swap": SWAP, "drop": DROP, "找": BM25, "self": SELF_TRAINING, "more": MLM}


def write_params(folder: Path, levers: Any = ALL, use: Any = (), measure: Any = (), **blocks: Any) -> Path:
    """Write the default problem's file with these levers."""
    path, selections = folder / "params.yaml", {"use": use, "measure": measure}
    lists = {name: names if isinstance(names, str) else list(names) for name, names in selections.items()}
    text = yaml.safe_dump(read_yaml(Path("params.yaml")) | {"levers": levers} | lists | blocks, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_problem_uses_raw_texts_and_measures_three_levers() -> None:
    path = Path("params.yaml")
    assert Retrieve.load(path).retriever.kind == "hybrid"
    assert Augmentation.load(path).levers == {}
    assert Pretrain.load(path).pretrainer.kind == "none"
    assert Finetune.load(path).self_training is not None
    assert [lever.kind for lever in Worth.load(path).levers.values()] == ["retrieve", "augment", "self_training"]


def test_the_pipeline_takes_its_params_from_the_levers_in_use(tmp_path: Path) -> None:
    path = write_params(tmp_path, use=["drop", "self", "找", "more", "swap"])
    assert load_params(path).worth.levers == {}
    assert Retrieve.load(path).retriever.model_dump() == {"kind": "bm25", "documents": 7, "k1": 1.2, "b": 0.75}
    assert [(name, lever.steps[0].kind) for name, lever in Augmentation.load(path).levers.items()] == [
        ("drop", "drop"),
        ("swap", "swap"),
    ]
    assert Pretrain.load(path).pretrainer.model_dump()["share"] == 0.3
    tuned = Finetune.load(path).self_training
    assert tuned is not None
    assert tuned.max_per_label == 3.0


def test_levers_that_are_only_measured_do_not_act_in_the_pipeline(tmp_path: Path) -> None:
    path = write_params(tmp_path, measure=ALL)
    assert Retrieve.load(path).retriever.kind == Pretrain.load(path).pretrainer.kind == "none"
    assert Augmentation.load(path).levers == {}
    assert Finetune.load(path).self_training is None
    assert list(Worth.load(path).levers) == list(ALL)


def test_two_of_a_kind_are_measured_apart_and_together(tmp_path: Path) -> None:
    params = Worth.load(write_params(tmp_path, measure=["swap", "drop"]))
    assert list_lever_sets(params) == [(), ("drop",), ("swap",), ("drop", "swap")]
    assert {name: lever.model_dump()["steps"][0]["kind"] for name, lever in params.levers.items()} == {
        "swap": "swap",
        "drop": "drop",
    }


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            {"use": ["swpa"]},
            "use: unknown lever 'swpa'; did you mean 'swap'? defined under `levers`: drop, more, self,",
        ),
        ({"use": ["oracle"]}, "use: oracle is a control; controls cannot be used"),
        ({"measure": ["none"]}, "unknown lever 'none'"),
        ({"use": ["swap", "swap"]}, "listed more than once: swap"),
        (
            {"levers": ALL | {"best": {"kind": "oracle"}}, "use": ["best"]},
            "best is of kind oracle, which the pipeline cannot use",
        ),
        (
            {"levers": ALL | {"two": BM25}, "use": ["找", "two"]},
            "找 and two are both of kind retrieve",
        ),
        ({"levers": {"baseline": SWAP}}, "'baseline' is the name of the baseline in reports"),
        ({"levers": {"a+b": SWAP}}, "must be 1 to 40 letters, digits, dashes and underscores (got 'a+b')"),
        (
            {"levers": {"leak": SWAP}, "measure": ["leak"]},
            "both a lever and a control: leak; controls are named after their kind",
        ),
        ({"levers": {"a": {"steps": []}}}, "choose a lever with `kind:`"),
        ({"levers": {"a": {"kind": "swap"}}}, "unknown lever 'swap'"),
        ({"use": "swap"}, "use: must be a list (got 'swap')"),
        ({"use": ["self", "swap"]}, "use: self needs documents: add a lever of kind retrieve to `use`"),
        (
            {"levers": {"names": MENTION}, "use": ["names"], "measure": ["names"]},
            "levers.names.steps: 'mention' needs a problem whose answers are spans of a text, not 'classify'",
        ),
        ({"use": ["more"]}, "use: more needs documents: add a lever of kind retrieve to `use`"),
    ],
)
def test_invalid_selection_is_refused_by_name(tmp_path: Path, blocks: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError) as caught:
        load_params(write_params(tmp_path, **blocks))
    (line,) = str(caught.value).splitlines()
    assert message in line


def test_a_wrong_value_of_a_lever_is_named_once_with_its_line(tmp_path: Path) -> None:
    invalid_levers = ALL | {"self": {"kind": "self_training", "max_per_label": 0.0}}
    path = write_params(tmp_path, invalid_levers, use=["self"], measure=["self"])
    line = next(i for i, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "max_per_label" in text)
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert str(caught.value).startswith(f"{path}:{line}: levers.self.max_per_label: Input should be greater than 0")
    assert len(str(caught.value).splitlines()) == 1
    for section in (Finetune, Worth):
        with pytest.raises(ParamsError, match=rf"params\.yaml:{line}: levers\.self\.max_per_label"):
            section.load(path)


class Surrounding(Lever):
    """Bring other raw texts, and repeat the examples."""

    order: ClassVar = 15

    def transform_inputs(self, inputs: StudyInputs, context: StudyContext) -> StudyInputs:
        return StudyInputs(context.corpus, inputs.encoder)

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        return (*examples, *examples)


class Finding(RetrieveLever):
    """Find raw texts in another way."""


class Idle(Lever):
    """Do nothing."""

    order: ClassVar = 15


class Repeating(Lever):
    """Repeat the examples."""

    order: ClassVar = 15

    times: int = 2
    """How often."""

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        return examples * self.times


@pytest.mark.parametrize(
    ("lever", "message"),
    [
        (
            Surrounding,
            "use: 我的 is of kind mine, which changes documents or encoder and can only be measured; for the pipeline, "
            "write a custom `retriever` (lever of kind retrieve) or `pretrainer` (lever of kind pretrain)",
        ),
        (Finding, "use: 我的 is of kind mine, which changes documents or encoder and can only be measured;"),
        (Idle, "use: 我的 is of kind mine, which the pipeline cannot use; it can only be measured"),
    ],
)
def test_lever_that_the_pipeline_cannot_use_can_only_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lever: type[Lever], message: str
) -> None:
    monkeypatch.setattr(lever, "kind", "mine", raising=False)
    monkeypatch.setitem(LEVERS._classes, "mine", lever)
    levers = {"我的": {"kind": "mine"}}
    assert list(load_params(write_params(tmp_path, levers, measure=levers)).worth.levers) == ["我的"]
    path = write_params(tmp_path, levers, use=levers)
    for load in (load_params, Augmentation.load):
        with pytest.raises(ParamsError) as caught:
            load(path)
        (line,) = str(caught.value).splitlines()
        assert message in line
        assert line.startswith(f"{path}:"), "the message has the line"


def test_custom_levers_are_used_with_their_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repeating, "kind", "mine", raising=False)
    monkeypatch.setitem(LEVERS._classes, "mine", Repeating)
    levers = ALL | {"三": {"kind": "mine", "times": 3}, "two": {"kind": "mine"}}
    path = write_params(tmp_path, levers, use=["swap", "三", "self", "two", "找", "more"])
    assert load_params(path).levers.use == ["swap", "三", "self", "two", "找", "more"]
    augmentation = Augmentation.load(path)
    assert list(augmentation.levers) == ["swap", "三", "two"]
    assert {name: lever.model_dump() for name, lever in augmentation.custom_levers.items()} == {
        "三": {"kind": "mine", "times": 3},
        "two": {"kind": "mine", "times": 2},
    }
    assert augmentation.model_dump()["seed"] == 20261123


def test_every_lever_that_the_pipeline_can_use_is_one_that_a_stage_reads(tmp_path: Path) -> None:
    """Otherwise it would be in use without any effect."""
    usable = {name for name in LEVERS if LEVERS[name].max_in_use}
    assert usable == set(STAGE_KINDS)
    sections = (Retrieve, Augmentation, Pretrain, Finetune)
    defaults = [section.load(write_params(tmp_path)) for section in sections]
    path = write_params(tmp_path, {name: {"kind": name} for name in usable}, use=sorted(usable))
    assert not [section for section, default in zip(sections, defaults, strict=True) if section.load(path) == default]
