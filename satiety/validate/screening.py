"""A table and its suite -> the rows that are clean, those that are not and why, and what stops the pipeline.

Rules of level *row* are checked first, on all rows. Those of level *table* and *report* are checked on the rows that
are left, for it is they that go on: ten copies of one example, quarantined, no longer tip the balance of the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from satiety.errors import DataError
from satiety.records import Document, Example, Rejected
from satiety.validate.features import columns
from satiety.validate.overlap import TWINS
from satiety.validate.suites import Rule, Suite
from satiety.validate.table import R, Table

SHOWN = 5
"""Rows shown per finding, in messages and in the Data Docs: enough to look them up, too few to leak a data set."""
TEXT = 60
"""Characters shown of a text or a value."""
KEPT_TEXT = 10_000
"""Characters of a rejected text that go to quarantine."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A row that failed, in short."""

    id: str
    text: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What checking one rule gave."""

    rule: Rule
    passed: bool
    expected: str
    """The rule in words, its parameters filled in."""
    observed: str
    checked: int = 0
    """How many rows were looked at."""
    failed: int = 0
    """How many of them failed; 0 where the rule is about the table as a whole."""
    rows: tuple[int, ...] = ()
    """Their positions in the table."""
    witnesses: tuple[Witness, ...] = ()


Checker = Callable[[Sequence[Rule], Mapping[str, Sequence[Any]], Mapping[str, Any]], list[Finding]]
"""(rules, columns, parameters) -> one finding per rule, in their order."""


@dataclass(frozen=True, slots=True)
class Screened(Generic[R]):
    """What became of a table."""

    suite: Suite
    read: int
    clean: list[R]
    rejected: list[Rejected]
    findings: list[Finding]
    """One per rule, in the order of the suite."""


def screen(suite: Suite, table: Table[R], check: Checker) -> Screened[R]:
    """Check every rule of a suite; tell the clean rows of a table from the others."""
    by_row, looked_at = suite.at("row"), _columns(table, suite.at("row"))
    findings = _check(by_row, table, looked_at, check)
    rejected = _reject(findings, table.rows, looked_at)
    left = replace(table, rows=[row for i, row in enumerate(table.rows) if i not in rejected])
    others = suite.at("table", "report") if left.rows else []
    findings += _check(others, left, _columns(left, others), check)
    ordered = sorted(findings, key=lambda found: suite.rules.index(found.rule))
    return Screened(suite, len(table.rows), list(left.rows), [rejected[i] for i in sorted(rejected)], ordered)


def stop_if_broken(screened: Sequence[Screened[Any]], row_share: float, docs: str) -> None:
    """Let the pipeline go on, or not.

    Raises:
        DataError: a table-level expectation failed, or more than ``row_share`` of a table's rows are in quarantine.
            Names every such expectation, what was observed, what was expected, and up to five rows.
    """
    faults = [fault for one in screened for fault in _faults(one, row_share)]
    if faults:
        raise DataError("\n".join([*faults, f"Nothing was written but the Data Docs, which say more: {docs}"]))


def warnings(screened: Screened[Any]) -> list[str]:
    """Return what the findings of level report say: nothing stops, but somebody should look."""
    looked = [found for found in screened.findings if found.rule.level == "report" and not found.passed]
    return [_head(screened, found) for found in looked]


def _columns(table: Table[Any], rules: Sequence[Rule]) -> dict[str, list[Any]]:
    return columns(table, [column for rule in rules for column in rule.columns]) if rules else {}


def _check(
    rules: Sequence[Rule], table: Table[Any], looked_at: Mapping[str, Sequence[Any]], check: Checker
) -> list[Finding]:
    findings = check(rules, looked_at, table.parameters()) if rules else []
    return [replace(found, witnesses=_witnesses(found, table.rows, looked_at)) for found in findings]


def _witnesses(found: Finding, rows: Sequence[R], looked_at: Mapping[str, Sequence[Any]]) -> tuple[Witness, ...]:
    values = looked_at.get(found.rule.column or "", [None] * len(rows))
    return tuple(Witness(rows[i].id, shorten(rows[i].text), shorten(values[i])) for i in found.rows[:SHOWN])


def _reject(
    findings: Sequence[Finding], rows: Sequence[R], looked_at: Mapping[str, Sequence[Any]]
) -> dict[int, Rejected]:
    """Return why each failing row goes, by position: the first rule that it failed; the others are named after it."""
    failed: dict[int, list[Finding]] = {}
    for found in findings:
        for i in found.rows:
            failed.setdefault(i, []).append(found)
    return {
        i: _rejected(rows[i], why, {name: values[i] for name, values in looked_at.items()}) for i, why in failed.items()
    }


def _rejected(row: Example | Document, why: Sequence[Finding], values: Mapping[str, Any]) -> Rejected:
    rule = why[0].rule
    detail = [f"{name} is {shorten(values[name])}" for name in rule.columns] + [f"expected: {why[0].expected}"]
    if why[1:]:
        detail.append(f"also failed: {', '.join(other.rule.name for other in why[1:])}")
    twins = [values[other.rule.column] for other in why if other.rule.column in TWINS]
    return Rejected(row.id, row.source, rule.name, "; ".join(detail), next(iter(twins), None), row.text[:KEPT_TEXT])


def _faults(one: Screened[Any], row_share: float) -> list[str]:
    faults = [_say(one, found) for found in one.findings if found.rule.level == "table" and not found.passed]
    share = len(one.rejected) / one.read if one.read else 0.0
    if share > row_share:
        causes = sorted((found for found in one.findings if found.rule.level == "row"), key=lambda found: -found.failed)
        counts = f"{len(one.rejected):,} of {one.read:,} rows would go to quarantine"
        head = f"suite {one.suite.name}: {counts} ({share:.3f}); validate.row_share allows {row_share}. They failed:"
        faults = [head, *(_say(one, found) for found in causes[:SHOWN] if found.rows), *faults]
    return faults


def _say(one: Screened[Any], found: Finding) -> str:
    """Say what was found, and show the rows, a line each."""
    return "\n".join([_head(one, found), *(f"    {row.id}: {row.value!r} in {row.text!r}" for row in found.witnesses)])


def _head(one: Screened[Any], found: Finding) -> str:
    """``suite labelled_classify: expect_…(label): observed: …; expected: …; why: …``."""
    said = f"observed: {found.observed}; expected: {found.expected}; why: {found.rule.why}"
    return f"suite {one.suite.name}: {found.rule.name}: {said}"


def shorten(value: Any) -> str:
    """Return a value in at most ``TEXT`` characters, on one line."""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
    line = " ".join(str(value).split())
    return line if len(line) <= TEXT else f"{line[: TEXT - 1]}…"
