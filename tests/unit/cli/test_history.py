"""What `satiety history` says of looks at the test set that is there."""

from pathlib import Path

import pytest

from cli.history import _describe_comparisons
from satiety.core.answers import Label
from satiety.core.records import Example, write
from tasks.comparisons import DIGEST_LENGTH, PREFIX, digest_test_set


@pytest.mark.parametrize(("looks", "said"), [(1, "1 look at data/test.parquet; "), (2, "2 looks at data/test.parquet")])
def test_one_look_is_one(tmp_path: Path, looks: int, said: str) -> None:
    gold = [Example("1", {"text": "a film"}, Label("good"))]
    (tmp_path / "dvc.yaml").write_text("vars: [{test: data/test.parquet}]\n", encoding="utf-8")
    write(tmp_path / "data/test.parquet", gold, Example)
    tags = {f"{PREFIX}{digest_test_set(gold)[:DIGEST_LENGTH]}.{pair}": "{}" for pair in range(looks)}
    assert _describe_comparisons(tmp_path, tags).startswith(said)
