"""Levers, as the meter measures them and the pipeline draws on them: one file each, found by looking here."""

from satiety.worth.levers.base import LEVERS, Around, Lesson, Lever, World, ordered

__all__ = ["LEVERS", "Around", "Lesson", "Lever", "World", "ordered"]
