"""Data Docs: HTML pages of the findings, which work offline and are reproducible.

Great Expectations' own pages load styles and scripts from six servers, have the time in file names, and contain
unescaped values. These have the same content without scripts and escape every value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from satiety.report.render import render
from satiety.validate.screening import RuleFinding, ScreenedTable

FAILURES = {"row": "quarantined", "table": "failed", "report": "warned"}
OUTCOMES = ("failed", "quarantined", "warned", "passed")
"""Outcomes of an expectation, the worst first."""


def render_pages(screened: Sequence[ScreenedTable[Any]], splits: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """Return every page by file name: ``index.html``, and one per suite."""
    show = partial(render, "docs", "en", outcome_of=_outcome)
    suites = [(table, min(map(_outcome, table.findings), key=OUTCOMES.index, default="passed")) for table in screened]
    labels = sorted({label for counts in splits.values() for label in counts})
    index = show(suite=None, suites=suites, splits=splits, labels=labels)
    return {"index.html": index} | {f"{table.suite.name}.html": _render_suite(table, show) for table in screened}


def _render_suite(table: ScreenedTable[Any], show: partial[str]) -> str:
    levels: dict[str, list[RuleFinding]] = {}
    for finding in table.findings:
        levels.setdefault(finding.rule.level, []).append(finding)
    return show(suite=table, levels=levels)


def _outcome(finding: RuleFinding) -> str:
    return "passed" if finding.passed else FAILURES[finding.rule.level]
