"""Rows of a table that hold no text -> how many and why, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExcludedRows:
    """Rows of a table that are not looked at."""

    rows: int
    of: int
    """Rows of the table, blank lines not counted."""
    reasons: Mapping[str, int]
    """Rows by reason, in one word; the commonest first."""
    example: str
    """Where the commonest was met first, and more of it; personal data is masked."""

    def describe(self) -> dict[str, str]:
        """Return what there is to say of them, in two languages."""
        en = ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.items())
        zh = "、".join(f"{reason} {count:,} 行" for reason, count in self.reasons.items())
        return {
            "en": f"{self.rows:,} of {self.of:,} rows left out: {en}; for example {self.example}",
            "zh": f"{self.of:,} 行中略去 {self.rows:,} 行：{zh}；例如 {self.example}",
        }
