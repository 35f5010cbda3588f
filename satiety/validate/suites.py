"""Read a suite from JSON and validate its rules before they run.

The format is that of Great Expectations 1.x, with two fields in each expectation's ``meta``:

    "level": "row"      failing rows go to quarantine
             "table"    a failure stops the pipeline
             "report"   a failure is a warning in report and log
    "why":   the reason for the rule, in a sentence
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from satiety.core.errors import DataError
from satiety.core.section import suggest

Level = Literal["row", "table", "report"]
LEVELS = ("row", "table", "report")
_PLAIN = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation of a suite."""

    type: str
    """Great Expectations' name: ``expect_column_values_to_be_null``."""
    kwargs: dict[str, Any]
    level: Level
    rationale: str

    @property
    def name(self) -> str:
        """Type, columns and optional condition: ``expect_column_values_to_be_null(twin_of)``."""
        condition = self.kwargs.get("row_condition")
        suffix = f" where {_format_condition(condition)}" if condition else ""
        return f"{self.type}({', '.join(self.columns)}{suffix})" if self.columns or suffix else self.type

    @property
    def columns(self) -> list[str]:
        """The columns that it checks; empty for an expectation about the whole table."""
        names = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return [*names, *self.kwargs.get("column_list", [])]

    @property
    def column(self) -> str | None:
        """The first column, whose values are shown in messages."""
        return self.columns[0] if self.columns else None

    @property
    def is_about_test(self) -> bool:
        """Whether its condition selects the rows of the test split."""
        return _format_condition(self.kwargs.get("row_condition")) == "split == test"


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules for one table."""

    name: str
    path: Path
    rules: tuple[Rule, ...]

    def select(self, *levels: Level) -> list[Rule]:
        """Return the rules of these levels, in the order of the file."""
        return [rule for rule in self.rules if rule.level in levels]


def read_suite(folder: Path, name: str, columns: Collection[str], parameters: Collection[str]) -> Suite:
    """Read ``<folder>/<name>.json``.

    Args:
        folder: where the suites are.
        name: the suite's name.
        columns: names of the available columns.
        parameters: names of the available ``$PARAMETER`` values.

    Raises:
        DataError: the file is missing, not JSON, or not a suite; lists all faults of all expectations.
    """
    path = folder / f"{name}.json"
    content = _read_json(path)
    entries = content.get("expectations") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: not a suite: `expectations` must be a non-empty list")
    if faults := [f"expectation {i}: {fault}" for i, entry in enumerate(entries, 1) for fault in _find_faults(entry)]:
        raise DataError("\n".join(f"{path}: {fault}" for fault in faults))

    # Names exist only for well-formed expectations.
    rules = tuple(Rule(rule["type"], rule["kwargs"], rule["meta"]["level"], rule["meta"]["why"]) for rule in entries)
    faults = [f"{rule.name}: {fault}" for rule in rules for fault in _find_unknown(rule, columns, parameters)]
    counts = Counter(rule.name for rule in rules)
    faults += [f"{rule}: duplicate expectation; remove one" for rule, count in sorted(counts.items()) if count > 1]
    if faults:
        raise DataError("\n".join(f"{path}: {fault}" for fault in faults))
    return Suite(name, path, rules)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        available = ", ".join(sorted(file.stem for file in path.parent.glob("*.json")))
        raise DataError(f"{path}: no such suite; available: {available or 'none'}") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: invalid JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None


def _find_faults(entry: Any) -> Iterator[str]:
    """Yield the faults of an item of ``expectations``."""
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("type"), str)
        or not isinstance(entry.get("kwargs"), dict)
    ):
        yield "needs a `type` (a text) and `kwargs` (a mapping)"
        return
    meta = entry.get("meta")
    level, rationale = (meta.get("level"), meta.get("why")) if isinstance(meta, dict) else (None, None)
    if level not in LEVELS:
        yield f"{entry['type']}: meta.level must be one of: {', '.join(LEVELS)} (got {level!r})"
    if not isinstance(rationale, str) or not rationale.strip():
        yield f"{entry['type']}: meta.why must give the reason for the rule as a text"
    if level == "row" and "mostly" in entry["kwargs"]:
        yield f"{entry['type']}: `mostly` has no effect at level row; remove it, or use level table"


def _find_unknown(rule: Rule, columns: Collection[str], parameters: Collection[str]) -> Iterator[str]:
    """Yield the unknown columns and parameters of a rule."""
    for column in rule.columns:
        if column not in columns:
            yield f"unknown column {column!r}; {suggest(str(column), columns)}available: {', '.join(columns)}"
    for value in rule.kwargs.values():
        name = value.get("$PARAMETER") if isinstance(value, dict) else None
        if isinstance(name, str) and _PLAIN.fullmatch(name) and name not in parameters:
            available = ", ".join(sorted(parameters))
            yield f"unknown parameter {name!r}; {suggest(name, parameters)}available: {available}"


def _format_condition(condition: Any) -> str:
    """Return a condition as text, such as ``split == train``."""
    if isinstance(condition, dict) and isinstance(condition.get("column"), dict):
        return f"{condition['column'].get('name')} {condition.get('operator')} {condition.get('parameter')}"
    return json.dumps(condition, ensure_ascii=False)
