"""How many updates a run makes."""

from typing import Any

import pytest
from pydantic import ValidationError

from satiety.training.arguments import TrainingArguments

FIELDS: dict[str, Any] = {
    "epochs": 10,
    "min_steps": 5,
    "max_steps": 100,
    "batch_size": 16,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "weight_averaging": None,
    "evaluations": 10,
    "patience": None,
}


@pytest.mark.parametrize(("originals", "steps"), [(0, 5), (1, 5), (16, 10), (17, 11), (96, 60), (10_000, 100)])
def test_updates_grow_with_the_original_examples_within_their_bounds(originals: int, steps: int) -> None:
    assert TrainingArguments(**FIELDS).count_steps(originals) == steps


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("batch_size", 0), ("warmup", 1.1), ("max_grad_norm", 0)])
def test_a_value_out_of_bounds_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        TrainingArguments(**{**FIELDS, name: value})
