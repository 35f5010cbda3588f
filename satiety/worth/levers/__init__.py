"""Levers as the meter measures them: one file each, found by looking in this package."""

from satiety.worth.levers.base import LEVERS, Around, Lesson, Lever, World

__all__ = ["LEVERS", "Around", "Lesson", "Lever", "World"]
