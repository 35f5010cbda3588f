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
    assert _describe_comparisons(tmp_path, tags).startswith(message)
