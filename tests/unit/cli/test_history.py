"""What `satiety history` prints about comparisons on the current test set."""

from pathlib import Path

import pytest

from cli.history import _describe_comparisons
from satiety.core.answers import Label
from satiety.core.records import Example, write
from tasks.comparisons import DIGEST_LENGTH, PREFIX, digest_test_set


@pytest.mark.parametrize(("count", "message"), [(1, "1 comparison on data/test.parquet; "), (2, "2 comparisons on ")])
def test_the_number_of_comparisons_is_printed(tmp_path: Path, count: int, message: str) -> None:
    gold = [Example("1", {"text": "a film"}, Label("good"))]
    (tmp_path / "dvc.yaml").write_text("vars: [{test: data/test.parquet}]\n", encoding="utf-8")
    write(tmp_path / "data/test.parquet", gold, Example)
    tags = {f"{PREFIX}{digest_test_set(gold)[:DIGEST_LENGTH]}.{pair}": "{}" for pair in range(count)}
    comparisons = _describe_comparisons(tmp_path, tags)
    assert comparisons.startswith(message)
    assert comparisons.endswith(f"; {1 / (count + 1):.0%} of its error budget for wrong promotions is left")


def test_nothing_is_printed_of_comparisons_before_the_test_set_exists(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("vars: [{test: data/test.parquet}]\n", encoding="utf-8")
    assert not _describe_comparisons(tmp_path, {})
