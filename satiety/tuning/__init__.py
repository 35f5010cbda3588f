"""Fine-tuning: base model, examples and raw texts -> tuned model. Recipes, methods and objectives are one file each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from satiety.tuning.methods import METHODS, Method
from satiety.tuning.objectives import OBJECTIVES, Objective
from satiety.tuning.recipes import RECIPES, Recipe
from satiety.tuning.section import Finetune

if TYPE_CHECKING:
    from satiety.tuning.tuned_model import TunedModel

__all__ = ["METHODS", "OBJECTIVES", "RECIPES", "Finetune", "Method", "Objective", "Recipe", "load"]


def load(folder: Path, device: str = "auto") -> TunedModel:
    """Load a tuned model from its folder; see `tuned_model.py` for the files in it and the errors raised."""
    from satiety.tuning import tuned_model

    return tuned_model.load(folder, device)
