"""Examples that a custom lever returns are admitted, or rejected as near test examples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from satiety.core.answers import Label
from satiety.core.errors import ParamsError
from satiety.core.records import Example
from satiety.levers.base import LEVERS, Lever, RunContext
from satiety.problems import PROBLEMS
from satiety.text.deduplication import HeldOut
from satiety.worth.augmentation import AugmentInputs, admit, apply_levers
from satiety.worth.selection import Augmentation
from tests.unit.worth.material import documents, make_classify_examples

POOL = make_classify_examples(8)
HELD_OUT = HeldOut.from_examples(make_classify_examples(6, start=1000), 0.8)
NOTHING: dict[str, Any] = {"seed": 1, "dedup_threshold": 0.8, "max_length": 32, "prefix": "", "pooling": "mean"}


def test_input_examples_stay_as_the_lever_returned_them() -> None:
    """The lever changes their order and a label, and drops most."""
    relabelled = replace(POOL[3], answer=Label("bad"), origin="poison")
    output_examples = [relabelled, POOL[0]]
    augmented = admit("mine", POOL, output_examples, HELD_OUT)
    assert augmented.examples == output_examples
    assert augmented.numbers == {"added": 0, "contaminated": 0, "removed": len(POOL) - 2}


def test_an_example_that_is_repeated_gets_ids_of_its_own() -> None:
    output_examples = [POOL[0], POOL[0], *POOL[1:], POOL[0]]
    augmented = admit("mine", POOL, output_examples, HELD_OUT)
    assert [e.id for e in augmented.examples] == ["e0", "e0.1", *(e.id for e in POOL[1:]), "e0.2"]
    assert [e.origin for e in augmented.examples if e.text == POOL[0].text] == ["gold", "mine", "mine"]
    assert augmented.numbers["added"] == 2


def test_text_rewritten_under_its_old_id_is_compared_with_dev_and_test() -> None:
    test_example = make_classify_examples(6, start=1000)[2]
    output_examples = [
        replace(POOL[0], inputs=test_example.inputs),
        replace(POOL[1], inputs={"text": "全新的一句话"}),
        *POOL[2:],
    ]
    augmented = admit("mine", POOL, output_examples, HELD_OUT)
    assert [(r.id, r.twin) for r in augmented.rejected] == [("e0", test_example.id)]
    assert [(e.id, e.origin) for e in augmented.examples[:2]] == [("e1", "mine"), ("e2", "gold")]


def test_origin_is_the_examples_own_or_else_the_name_of_the_lever() -> None:
    new_examples = [
        Example(f"x{i}", {"text": f"那家店 {i}"}, Label("bad"), origin=origin)
        for i, origin in enumerate(("made", "drawn"))
    ]
    assert [e.origin for e in admit("mine", POOL, [*POOL, *new_examples], HELD_OUT).examples[8:]] == ["made", "mine"]


def test_examples_that_differ_in_the_second_input_are_both_kept() -> None:
    first = Example("p", {"text": "a good film", "text_b": "it is good"}, Label("same"))
    second = replace(first, inputs={**first.inputs, "text_b": "it is bad"})
    augmented = admit("mine", [first], [first, second], HELD_OUT)
    assert [e.id for e in augmented.examples] == ["p", "p.1"]


class Asking(Lever):
    """Ask for answers."""

    position: ClassVar = 35

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        context.predict(examples, ["好"])
        return examples


def test_lever_that_needs_predictions_is_refused_for_generated_answers(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Asking, "kind", "asking", raising=False)
    monkeypatch.setitem(LEVERS._classes, "asking", Asking)
    params = Augmentation.model_validate({**NOTHING, "levers": {"mine": {"kind": "asking"}}})
    problem = PROBLEMS["translate"].sample()
    inputs = AugmentInputs(problem, tuple(POOL), (), documents(POOL), tiny, tmp_path, "cpu")
    with pytest.raises(ParamsError, match="lever mine needs predictions of a linear head, but the problem 'translate'"):
        apply_levers(inputs, params)


def test_without_levers_no_example_and_no_file_is_made(tmp_path: Path) -> None:
    inputs = AugmentInputs(PROBLEMS["classify"].sample(), tuple(POOL), (), (), tmp_path, tmp_path, "cpu")
    augmented = apply_levers(inputs, Augmentation.model_validate({**NOTHING, "levers": {}}))
    assert (augmented.examples, augmented.rejected) == (POOL, [])
    assert augmented.numbers["levers"] == {}
    assert not list(tmp_path.iterdir())
