"""One text per line -> rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import read_lines


@READERS.register("text")
class PlainText(Reader):
    """One text per line; blank lines are skipped. For unlabelled texts, or files of a single label."""

    fixed_columns: ClassVar = ("text",)

    label: str | None = None
    """Label of every text in the file; null: unlabelled."""

    @property
    def provided_columns(self) -> tuple[str, ...]:
        return self.fixed_columns if self.label is None else (*self.fixed_columns, "label")

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        for line in read_lines(path, limits):
            values: dict[str, Any] = {"text": line.text} | ({} if self.label is None else {"label": self.label})
            if line.reason:
                yield Row(str(line.number), reason=line.reason, detail=line.detail, text=line.text)
            elif line.text.strip():
                yield Row(str(line.number), values)
