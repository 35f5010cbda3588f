"""Nobody but problems (and the answers' own file) asks which shape an answer has: a new one would break each place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from satiety.core.answers import SHAPES

ASKS = {shape.__name__ for shape in SHAPES.values()}
FIELDS = {"label", "spans"}
OTHERS = {
    "satiety/core/inputs.py": "writes the label of a span in an input",
    "satiety/ingest/readers/text.py": "the reader's own parameter",
    "satiety/ingest/sanitise.py": "the spans of a text, whoever has them",
}
"""Files where a field of that name is something else."""
FILES = sorted(
    path
    for room in ("satiety", "tasks", "flows", "cli")
    for path in Path(room).rglob("*.py")
    if not path.is_relative_to("satiety/problems") and path != Path("satiety/core/answers.py")
)


def questions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FIELDS:
            yield f"line {node.lineno}: .{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module == "satiety.core.answers":
            yield from (f"line {node.lineno}: import {name.name}" for name in node.names if name.name in ASKS)


def test_there_is_something_to_find() -> None:
    """The rule is kept by what it looks at: a question is seen, wherever it stands."""
    asked = "from satiety.core.answers import Label, dump\nif example.answer.label == prediction.answer.spans: pass"
    assert sorted(questions(ast.parse(asked))) == ["line 1: import Label", "line 2: .label", "line 2: .spans"]
    assert len(FILES) > 250


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_file_asks_for_the_shape_of_an_answer(path: Path) -> None:
    found = list(questions(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found or str(path) in OTHERS, f"{path}: {', '.join(found)}: ask `Answer` for labels, mentions or texts"


@pytest.mark.parametrize("path", OTHERS)
def test_the_exceptions_are_still_needed(path: str) -> None:
    assert list(questions(ast.parse(Path(path).read_text(encoding="utf-8"))))
