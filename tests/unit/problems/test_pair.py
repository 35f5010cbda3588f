"""Two texts are read together, whole or in windows, with different token types."""

from pathlib import Path
from typing import Any

import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.problems import PROBLEMS
from satiety.problems.base import ZeroShotModel
from satiety.problems.pair import Pair
from satiety.tuning.inputs import build_head, collate, encode

PAIR = Pair(labels=["no", "yes"])
LONG = "the hotel in paris is good " * 30


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    from satiety.training.encoder import load_tokenizer

    return load_tokenizer(tiny)


def make_example(text: str, text_b: str, label: str = "yes") -> Example:
    return Example("1", {"text": text, "text_b": text_b}, Label(label))


def test_both_texts_are_in_one_window_with_different_token_types(tokenizer: Any) -> None:
    (window,) = encode(
        PAIR, [make_example("the good film", "这部电影很好看")], tokenizer, max_length=64, prefix="query:"
    )
    assert window.targets == [1]
    assert len(window.token_type_ids) == len(window.input_ids)
    second = [token for token, kind in zip(window.input_ids, window.token_type_ids, strict=True) if kind == 1]
    assert second == tokenizer("这部电影很好看")["input_ids"][1:]
    batch = collate([window, window], 0, build_head(PAIR))
    assert batch.token_type_ids is not None
    assert batch.token_type_ids.shape == batch.input_ids.shape


@pytest.mark.parametrize(("text", "text_b"), [("short", LONG), (LONG, "short"), (LONG, LONG), ("", LONG), (LONG, "")])
def test_a_long_second_text_is_read_in_windows_each_with_the_first(text: str, text_b: str, tokenizer: Any) -> None:
    windows = encode(PAIR, [make_example(text, text_b)], tokenizer, max_length=32, prefix="")
    assert all(len(window.input_ids) <= 32 for window in windows)
    second_tokens = [
        token for window in windows for token, kind in zip(window.input_ids, window.token_type_ids, strict=True) if kind
    ]
    whole = tokenizer(text_b, add_special_tokens=False)["input_ids"]
    assert [token for token in second_tokens if token != tokenizer.sep_token_id] == whole
    assert len({tuple(window.input_ids[:2]) for window in windows}) == 1


def test_an_input_that_is_missing_is_named() -> None:
    with pytest.raises(DataError, match="pair: example 1 has text, but needs text, text_b"):
        PAIR.build_examples(["only one"])
    with pytest.raises(DataError, match="pair: example 2 has text, context, but needs text, text_b"):
        PAIR.build_examples([{"text": "a", "text_b": "b"}, {"text": "a", "context": "b"}])


def test_without_training_the_most_frequent_label_is_the_answer() -> None:
    train = [make_example("a", "b", "no"), make_example("c", "d", "no"), make_example("e", "f", "yes")]
    (answer,) = (
        PROBLEMS["pair"]
        .model_validate({"labels": None})
        .fit_labels(train)
        .zero_shot(train, PAIR.build_examples([{"text": "x", "text_b": "y"}]), ZeroShotModel(lambda texts: None))
    )  # type: ignore[arg-type,return-value]
    assert answer.answer == Label("no")
    assert answer.confidence == pytest.approx(3 / 5)
