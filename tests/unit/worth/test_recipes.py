"""Where answering without training does better, that is the recipe: of all chains of a place, and of no other place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from satiety.worth.recipes import select_recipes
from satiety.worth.run_store import Outcome
from satiety.worth.runs import StudyRun

PROBLEM: Any = SimpleNamespace(headline="score", score=lambda rows: {"score": rows[:, 0].sum() / rows[:, 1].sum()})


def right(share: float) -> Any:
    return np.stack([np.arange(100) < 100 * share, np.ones(100)], axis=1).astype(float)


ZERO = right(0.5)


def test_one_recipe_is_chosen_for_all_chains_of_a_place() -> None:
    scores = {
        StudyRun(8, (), 0): 0.4, StudyRun(8, (), 1): 0.55, StudyRun(8, (), 1000): 0.45,
        StudyRun(8, ("self_training",), 0): 0.45, StudyRun(8, ("self_training",), 1): 0.6,
        StudyRun(16, (), 0): 0.49, StudyRun(16, (), 1): 0.52,
        StudyRun(8, ("leak",), 0, is_gated=False): 0.3, StudyRun(8, ("leak",), 0): 0.7,
        StudyRun(8, (), 0, depth="full"): 0.1,
    }  # fmt: skip
    found = select_recipes({cell: Outcome(right(score), 1.0) for cell, score in scores.items()}, ZERO, PROBLEM)
    untrained = {cell for cell, outcome in found.items() if outcome.is_zero_shot}
    assert untrained == {cell for cell in scores if not cell.levers and cell.budget == 8 and cell.depth == "quick"} | {
        StudyRun(8, ("leak",), 0, is_gated=False)
    }
    assert all((found[cell].tallies == ZERO).all() for cell in untrained)
    assert all((found[cell].tallies == right(scores[cell])).all() for cell in scores.keys() - untrained)
