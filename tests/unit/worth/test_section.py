"""The block `worth`: params that would make the report wrong are refused, with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.worth.material import AUGMENT, worth

FINE_TUNED = {"replicates": 3, "budgets": 2, "dev": 0.2}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levers": {"copy": AUGMENT}}, "both a lever and a control: copy; controls are named after their kind"),
        ({"levers": {f"a{i}": AUGMENT for i in range(7)}}, "at most 6"),
        ({"fine_tuned": FINE_TUNED | {"replicates": 1}}, "fine_tuned.replicates"),
        ({"fine_tuned": FINE_TUNED | {"replicates": 2}}, "set at least 3, or 0"),
        ({"fine_tuned": FINE_TUNED | {"dev": 0.6}}, "fine_tuned.dev"),
        ({"resamples": 199, "replicates": 5, "alpha": 0.01}, "set at least 200"),
        ({"resamples": 120, "confidence_level": 0.99}, "set at least 400"),
        ({"resamples": 159, "replicates": 8}, "set at least 160"),
    ],
)
def test_invalid_params_are_refused_with_a_hint(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        worth(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"fine_tuned": FINE_TUNED},
        {"fine_tuned": FINE_TUNED | {"replicates": 0}},
        {"resamples": 160, "replicates": 8},
        {"resamples": 100},
    ],
)
def test_valid_params_are_accepted(changes: dict[str, Any]) -> None:
    worth(**changes)
