"""What a lever of one's own makes of the training examples is let in, or is not."""

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
from tests.unit.worth.material import classified, documents

POOL = classified(8)
HELD = HeldOut.from_examples(classified(6, start=1000), 0.8)
NOTHING: dict[str, Any] = {"seed": 1, "dedup_threshold": 0.8, "max_length": 32, "prefix": "", "pooling": "mean"}


def test_what_was_there_stays_as_the_lever_left_it() -> None:
    """In another order, with another label, without some."""
    relabelled = replace(POOL[3], answer=Label("bad"), origin="poison")
    after = [relabelled, POOL[0]]
    made = admit("mine", POOL, after, HELD)
    assert made.examples == after
    assert made.numbers == {"added": 0, "contaminated": 0, "removed": len(POOL) - 2}


def test_an_example_that_is_repeated_gets_ids_of_its_own() -> None:
    after = [POOL[0], POOL[0], *POOL[1:], POOL[0]]
    made = admit("mine", POOL, after, HELD)
    assert [e.id for e in made.examples] == ["e0", "e0.1", *(e.id for e in POOL[1:]), "e0.2"]
    assert [e.origin for e in made.examples if e.text == POOL[0].text] == ["gold", "mine", "mine"]
    assert made.numbers["added"] == 2


def test_a_text_rewritten_under_its_old_id_is_held_against_dev_and_test() -> None:
    held = classified(6, start=1000)[2]
    after = [replace(POOL[0], inputs=held.inputs), replace(POOL[1], inputs={"text": "全新的一句话"}), *POOL[2:]]
    made = admit("mine", POOL, after, HELD)
    assert [(r.id, r.twin) for r in made.rejected] == [("e0", held.id)]
    assert [(e.id, e.origin) for e in made.examples[:2]] == [("e1", "mine"), ("e2", "gold")]


def test_what_names_its_maker_and_what_people_labelled_elsewhere_are_told_apart() -> None:
    more = [Example(f"x{i}", {"text": f"那家店 {i}"}, Label("bad"), origin=o) for i, o in enumerate(("made", "drawn"))]
    assert [e.origin for e in admit("mine", POOL, [*POOL, *more], HELD).examples[8:]] == ["made", "mine"]


def test_of_two_inputs_both_are_looked_at() -> None:
    first = Example("p", {"text": "a good film", "text_b": "it is good"}, Label("same"))
    other = replace(first, inputs={**first.inputs, "text_b": "it is bad"})
    made = admit("mine", [first], [first, other], HELD)
    assert [e.id for e in made.examples] == ["p", "p.1"]


class Asking(Lever):
    """Ask for answers."""

    position: ClassVar = 35

    def transform_train(self, examples: tuple[Example, ...], lesson: RunContext) -> tuple[Example, ...]:
        lesson.predict(examples, ["好"])
        return examples


def test_where_answers_are_written_no_head_can_be_asked(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Asking, "kind", "asking", raising=False)
    monkeypatch.setitem(LEVERS._classes, "asking", Asking)
    params = Augmentation.model_validate({**NOTHING, "levers": {"mine": {"kind": "asking"}}})
    problem = PROBLEMS["translate"].sample()
    supply = AugmentInputs(problem, tuple(POOL), (), documents(POOL), tiny, tmp_path, "cpu")
    with pytest.raises(ParamsError, match="lever mine needs predictions of a linear head, but the problem 'translate'"):
        apply_levers(supply, params)


def test_without_levers_nothing_is_made(tmp_path: Path) -> None:
    supply = AugmentInputs(PROBLEMS["classify"].sample(), tuple(POOL), (), (), tmp_path, tmp_path, "cpu")
    made = apply_levers(supply, Augmentation.model_validate({**NOTHING, "levers": {}}))
    assert (made.examples, made.rejected) == (POOL, [])
    assert made.numbers["levers"] == {}
    assert not list(tmp_path.iterdir())
