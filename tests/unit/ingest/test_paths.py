"""Paths into JSON: keys, indices and stars."""

from typing import Any

import pytest

from satiety.ingest.paths import check_starred_steps, split_path, walk
from satiety.ingest.values import JsonError, parse


def walk_rows(value: Any, **paths: str) -> list[Any]:
    steps = {name: split_path(path) for name, path in paths.items()}
    return [str(row) if isinstance(row, JsonError) else row for _, row in walk(value, steps)]


@pytest.mark.parametrize(
    ("text", "path", "texts"),
    [
        ('["a", "b"]', "*", ["a", "b"]),
        ('{"x": "a", "y": "b"}', "*", ["a", "b"]),
        ('{"data": [{"文": "好"}]}', "data.*.文", ["好"]),
        ('{"data": ["a", "b"]}', "data.1", ["b"]),
        ("[]", "*", []),
        ('"a"', "*.text", []),
        ('{"other": 1}', "data.*.text", []),
    ],
)
def test_a_path_finds_its_values_in_order(text: str, path: str, texts: list[str]) -> None:
    assert [row["t"] for row in walk_rows(parse(text), t=path)] == texts


def test_a_missing_value_rejects_only_its_row() -> None:
    rows = walk_rows(parse('[["a", "1"], ["b"], ["c", "3"]]'), t="*.0", l="*.1")
    assert rows == [{"t": "a", "l": "1"}, "no key or index '1'", {"t": "c", "l": "3"}]


def test_a_duplicate_key_on_the_path_rejects_the_values_below_it() -> None:
    rows = walk_rows(parse('{"d": [{"t": "a"}, {"t": {"x": 1, "x": 2}}]}'), t="d.*.t.x")
    assert rows == ["no key or index 'x'", "duplicate key in an object"]


@pytest.mark.parametrize("paths", [{"a": "x.*.t", "b": "y.*.l"}, {"a": "*.x.*", "b": "*.y.*.z"}])
def test_columns_of_two_lists_cannot_be_paired(paths: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="iterate over different lists"):
        check_starred_steps({name: split_path(path) for name, path in paths.items()})


def test_columns_of_one_list_and_its_parents_can_be_paired() -> None:
    check_starred_steps({"a": ("x", "*", "t"), "b": ("x", "*", "p", "*", "l"), "c": ("title",)})
