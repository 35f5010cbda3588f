"""The recipe of a section: its default, and the kind of a block that names none."""

from __future__ import annotations

from typing import Any

import pytest

from satiety.tuning import Finetune

BLOCK: dict[str, Any] = {"seed": 1, "max_length": 32, "prefix": "", "pooling": "mean"}


@pytest.mark.parametrize(
    ("recipe", "kind"),
    [
        (None, "auto"),
        ({}, "auto"),
        ({"folds": 3}, "auto"),
        ({"method": {"kind": "lora"}}, "fine_tune"),
        ({"training": {"epochs": 2}}, "fine_tune"),
        ({"kind": "linear"}, "linear"),
    ],
)
def test_a_recipe_without_a_kind_is_auto_or_fine_tune_by_its_fields(recipe: dict[str, Any] | None, kind: str) -> None:
    assert Finetune.model_validate(BLOCK | ({} if recipe is None else {"recipe": recipe})).recipe.kind == kind
