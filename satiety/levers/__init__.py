"""Levers, as the meter measures them and the pipeline draws on them: one file each, found by looking here."""

from satiety.levers.base import LEVERS, Lever, RunContext, StudyContext, StudyInputs, sort_levers

__all__ = ["LEVERS", "Lever", "RunContext", "StudyContext", "StudyInputs", "sort_levers"]
