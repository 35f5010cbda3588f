"""Only problems and satiety/core/answers.py use the shape of an answer: a new shape would break every other use."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from satiety.core.answers import SHAPES

SHAPE_NAMES = {shape.__name__ for shape in SHAPES.values()}
FIELDS = {"label", "spans"}
EXCEPTIONS = {
    "satiety/core/inputs.py": "writes the label of a span in an input",
    "satiety/ingest/readers/text.py": "the reader's own parameter",
    "satiety/ingest/sanitise.py": "the spans of any text",
}
"""Files where a field of that name has another meaning."""
FILES = sorted(
    path
    for room in ("satiety", "tasks", "flows", "cli")
    for path in Path(room).rglob("*.py")
    if not path.is_relative_to("satiety/problems") and path != Path("satiety/core/answers.py")
)


def iterate_shape_uses(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FIELDS:
            yield f"line {node.lineno}: .{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module == "satiety.core.answers":
            yield from (f"line {node.lineno}: import {name.name}" for name in node.names if name.name in SHAPE_NAMES)


def test_uses_of_a_shape_are_found() -> None:
    """Imports and attributes are found wherever they are."""
    code = "from satiety.core.answers import Label, dump\nif example.answer.label == prediction.answer.spans: pass"
    assert sorted(iterate_shape_uses(ast.parse(code))) == ["line 1: import Label", "line 2: .label", "line 2: .spans"]
    assert len(FILES) > 250


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_file_uses_the_shape_of_an_answer(path: Path) -> None:
    uses = list(iterate_shape_uses(ast.parse(path.read_text(encoding="utf-8"))))
    assert not uses or str(path) in EXCEPTIONS, f"{path}: {', '.join(uses)}: ask `Answer` for labels, mentions or texts"


@pytest.mark.parametrize("path", EXCEPTIONS)
def test_the_exceptions_are_still_needed(path: str) -> None:
    assert list(iterate_shape_uses(ast.parse(Path(path).read_text(encoding="utf-8"))))
