"""Recipes: examples and raw texts -> a fitted model; one file each. To add one, add a file here."""

from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs

__all__ = ["RECIPES", "FitOutcome", "Recipe", "TuningInputs"]
