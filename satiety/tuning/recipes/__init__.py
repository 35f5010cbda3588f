"""Recipes: examples and raw texts -> fitted model. One file each; to add one, add a file here."""

from satiety.tuning.recipes.base import RECIPES, FitOutcome, Memory, Recipe, TuningInputs

__all__ = ["RECIPES", "FitOutcome", "Memory", "Recipe", "TuningInputs"]
