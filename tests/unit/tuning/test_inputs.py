"""Windows with the model's prefix, and padded tensors."""

from pathlib import Path
from typing import Any

import pytest
import torch

from satiety.core.answers import Label, Span, Spans
from satiety.core.errors import ModelError
from satiety.core.records import Example
from satiety.heads import HEADS
from satiety.problems import IGNORE, PROBLEMS, Window
from satiety.training.encoder import load_tokenizer
from satiety.tuning.inputs import collate, encode, select_labelled

CLASSIFY = PROBLEMS["classify"].sample()
NER = PROBLEMS["ner"].sample()


@pytest.fixture
def tokenizer(tiny: Path) -> Any:
    return load_tokenizer(tiny)


@pytest.mark.parametrize("text", ["the good film " * 20, "我爱北京天安门" * 20])
def test_every_window_has_the_prefix_and_stays_within_its_length(text: str, tokenizer: Any) -> None:
    marks = tokenizer("query:", add_special_tokens=False)["input_ids"]
    bare = encode(CLASSIFY, [Example("1", {"text": text}, answer=Label("bad"))], tokenizer, max_length=14, prefix="")
    actual = encode(
        CLASSIFY, [Example("1", {"text": text}, answer=Label("bad"))], tokenizer, max_length=16, prefix="query: "
    )
    assert len(actual) == len(bare) > 1
    for prefixed, unprefixed in zip(actual, bare, strict=True):
        assert prefixed.input_ids == [unprefixed.input_ids[0], *marks, *unprefixed.input_ids[1:]]
        assert len(prefixed.input_ids) <= 16
        assert prefixed.targets == unprefixed.targets


@pytest.mark.parametrize(("text", "end"), [("anna lives in paris", 4), ("王小明住在上海", 3)])
def test_a_prefix_moves_no_span(text: str, end: int, tokenizer: Any) -> None:
    example = Example("1", {"text": text}, answer=Spans((Span(0, end, "PER"),)))
    windows = encode(NER, [example], tokenizer, max_length=16, prefix="query:")
    logits = [torch.nn.functional.one_hot(torch.tensor(w.targets).clamp(min=0), 5).double().numpy() for w in windows]
    assert windows[0].targets[:3] == [IGNORE] * 3
    assert NER.decode([example], windows, logits)[0].answer.mentions == example.answer.mentions


def test_padding_is_masked_and_has_no_target() -> None:
    windows = [Window(0, [2, 5, 6, 3], [IGNORE, 1, 0, IGNORE], [-1, 0, 1, -1]), Window(1, [2, 3], [1, 1], [0, 1])]
    batch = collate(windows, 0, HEADS["token"]())
    assert batch.input_ids.tolist() == [[2, 5, 6, 3], [2, 3, 0, 0]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch.targets.tolist() == [[IGNORE, 1, 0, IGNORE], [1, 1, IGNORE, IGNORE]]


def test_texts_have_one_target_each() -> None:
    windows = [Window(0, [2, 5, 3], [1]), Window(1, [2, 3], [0])]
    assert collate(windows, 0, HEADS["text"]()).targets.tolist() == [1, 0]


def test_windows_without_a_target_are_dropped() -> None:
    windows = [Window(0, [2, 3], [IGNORE]), Window(1, [2, 3], [1])]
    assert select_labelled(windows, CLASSIFY) == windows[1:]
    with pytest.raises(ModelError, match="none of the 1 training windows has a label of the problem"):
        select_labelled(windows[:1], CLASSIFY)


@pytest.mark.parametrize("target", [2, -1])
def test_a_label_id_out_of_range_is_named(target: int) -> None:
    with pytest.raises(ModelError, match=f"label id {target} is out of range: classify has 2 classes, 0 to 1"):
        select_labelled([Window(0, [2, 3], [target])], CLASSIFY)
