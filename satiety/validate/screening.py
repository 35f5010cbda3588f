"""Apply a suite to a table: clean rows, rejected rows with reasons, and errors that stop the pipeline.

Rules of level *row* are checked first, on all rows. Rules of level *table* and *report* are checked on the clean rows,
which later stages use: quarantined copies of an example no longer affect the balance of the labels. Rules for the rows
of the test are left out where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from satiety.core.errors import DataError
from satiety.core.records import Document, Example, Rejection
from satiety.validate.features import compute_columns
from satiety.validate.overlap import TWIN_COLUMNS
from satiety.validate.suites import Rule, Suite
from satiety.validate.table import R, Table

MAX_WITNESSES = 5
"""Most rows shown per finding in messages and Data Docs: enough for a look-up, too few to leak a data set."""
MAX_SHOWN = 60
"""Most characters shown of a text or a value."""
KEPT_TEXT = 10_000
"""Most characters of a rejected text in the quarantine."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A failing row, shortened for display."""

    id: str
    text: str
    value: str


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """Result of checking one rule."""

    rule: Rule
    passed: bool
    expected: str
    """The rule in words, with its parameter values."""
    observed: str
    checked: int = 0
    """Number of rows checked."""
    failed: int = 0
    """Number of failing rows; 0 for a rule about the whole table."""
    rows: tuple[int, ...] = ()
    """Indices of the failing rows."""
    witnesses: tuple[Witness, ...] = ()


Checker = Callable[[Sequence[Rule], Mapping[str, Sequence[Any]], Mapping[str, Any]], list[RuleFinding]]
"""(rules, columns, parameters) -> one finding per rule, in their order."""


@dataclass(frozen=True, slots=True)
class ScreenedTable(Generic[R]):
    """Result of applying a suite to a table."""

    suite: Suite
    row_count: int
    clean: list[R]
    rejected: list[Rejection]
    findings: list[RuleFinding]
    """One per rule, in the order of the suite."""


def screen(suite: Suite, table: Table[R], check: Checker) -> ScreenedTable[R]:
    """Check every rule of a suite; separate clean and rejected rows."""
    findings, columns = _check(suite.select("row"), table, check)
    rejected = _build_rejections(findings, table.rows, columns)

    # Table rules apply to the clean rows only.
    remaining = replace(table, rows=[row for i, row in enumerate(table.rows) if i not in rejected])
    if remaining.rows:
        rules = [rule for rule in suite.select("table", "report") if table.has_test or not rule.is_about_test]
        findings += _check(rules, remaining, check)[0]
    sorted_findings = sorted(findings, key=lambda finding: suite.rules.index(finding.rule))
    return ScreenedTable(
        suite, len(table.rows), list(remaining.rows), [rejected[i] for i in sorted(rejected)], sorted_findings
    )


def stop_if_broken(screened: Sequence[ScreenedTable[Any]], row_share: float, docs: str) -> None:
    """Stop the pipeline if a table is invalid.

    Raises:
        DataError: a table-level expectation failed, or more than ``row_share`` of a table's rows are in quarantine.
            Lists every such expectation with observed and expected values and up to five rows.
    """
    faults = [fault for table in screened for fault in _find_faults(table, row_share)]
    if faults:
        raise DataError("\n".join([*faults, f"No output was written. See the Data Docs for details: {docs}"]))


def list_warnings(screened: ScreenedTable[Any]) -> list[str]:
    """Return the failed findings of level report as warnings."""
    reported = [finding for finding in screened.findings if finding.rule.level == "report" and not finding.passed]
    return [_summarise_finding(screened, finding) for finding in reported]


def _check(rules: Sequence[Rule], table: Table[Any], check: Checker) -> tuple[list[RuleFinding], dict[str, list[Any]]]:
    """Return the findings of the rules with example rows, and the columns that they check."""
    if not rules:
        return [], {}
    columns = compute_columns(table, [column for rule in rules for column in rule.columns])
    findings = []
    for finding in check(rules, columns, table.parameters()):
        values = columns.get(finding.rule.column or "", [None] * len(table.rows))
        examples = [(table.rows[i], values[i]) for i in finding.rows[:MAX_WITNESSES]]
        witnesses = tuple(Witness(row.id, shorten(row.text), shorten(value)) for row, value in examples)
        findings.append(replace(finding, witnesses=witnesses))
    return findings, columns


def _build_rejections(
    findings: Sequence[RuleFinding], rows: Sequence[R], columns: Mapping[str, Sequence[Any]]
) -> dict[int, Rejection]:
    """Return the rejection of each failing row, by index; its reason is the first failed rule."""
    failed: dict[int, list[RuleFinding]] = {}
    for finding in findings:
        for i in finding.rows:
            failed.setdefault(i, []).append(finding)
    return {
        i: _build_rejection(rows[i], failures, {name: values[i] for name, values in columns.items()})
        for i, failures in failed.items()
    }


def _build_rejection(row: Example | Document, failures: Sequence[RuleFinding], values: Mapping[str, Any]) -> Rejection:
    rule = failures[0].rule
    detail = [f"{name} is {shorten(values[name])}" for name in rule.columns] + [f"expected: {failures[0].expected}"]
    if failures[1:]:
        detail.append(f"also failed: {', '.join(finding.rule.name for finding in failures[1:])}")
    twins = [values[finding.rule.column] for finding in failures if finding.rule.column in TWIN_COLUMNS]
    return Rejection(row.id, row.source, rule.name, "; ".join(detail), next(iter(twins), None), row.text[:KEPT_TEXT])


def _find_faults(table: ScreenedTable[Any], row_share: float) -> list[str]:
    faults = [
        _describe_finding(table, finding)
        for finding in table.findings
        if finding.rule.level == "table" and not finding.passed
    ]
    share = len(table.rejected) / table.row_count if table.row_count else 0.0
    if share > row_share:
        causes = sorted(
            (finding for finding in table.findings if finding.rule.level == "row"), key=lambda finding: -finding.failed
        )
        counts = f"{len(table.rejected):,} of {table.row_count:,} rows would go to quarantine"
        head = f"suite {table.suite.name}: {counts} ({share:.3f}); validate.row_share allows {row_share}. They failed:"
        faults = [
            head,
            *(_describe_finding(table, finding) for finding in causes[:MAX_WITNESSES] if finding.rows),
            *faults,
        ]
    return faults


def _describe_finding(table: ScreenedTable[Any], finding: RuleFinding) -> str:
    """Return the summary of a finding, and its rows, one per line."""
    return "\n".join(
        [
            _summarise_finding(table, finding),
            *(f"    {row.id}: {row.value!r} in {row.text!r}" for row in finding.witnesses),
        ]
    )


def _summarise_finding(table: ScreenedTable[Any], finding: RuleFinding) -> str:
    """Return ``suite labelled_classify: expect_…(label): observed: …; expected: …; why: …``."""
    detail = f"observed: {finding.observed}; expected: {finding.expected}; why: {finding.rule.rationale}"
    return f"suite {table.suite.name}: {finding.rule.name}: {detail}"


def shorten(value: Any) -> str:
    """Return a value on one line, in at most MAX_SHOWN characters."""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
    line = " ".join(str(value).split())
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 1]}…"
