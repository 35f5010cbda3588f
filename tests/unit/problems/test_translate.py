"""Translations are read, encoded if they fit, joined from windows, and scored as sacreBLEU scores them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import Text, dump, load
from satiety.core.records import Example
from satiety.evaluate.bootstrap import Resampling, assign_groups, compare
from satiety.problems import Prediction, Window
from satiety.problems.base import ZeroShotModel
from satiety.problems.translate import Translate
from satiety.problems.windows import GeneratedText

PROBLEM = Translate(max_new_tokens=12, beams=1)
REFERENCES = {
    "en": ["The hotel in Paris is good.", "This film is bad, I think.", "No one came."],
    "zh": ["巴黎的酒店很好，我们都很喜欢。", "这部电影很差，我觉得。", "没有人来过这里。"],
}
GENERATED = {
    "en": ["The hotel at Paris is good.", "film is bad", "Nobody came here."],
    "zh": ["巴黎酒店很好，我们喜欢。", "电影差。", "这里没有人。"],
}


@pytest.fixture(scope="module")
def tokenizer(writer: Path) -> Any:
    from satiety.training.encoder import load_tokenizer

    return load_tokenizer(writer)


def make_examples(*references: Sequence[str]) -> list[Example]:
    return [
        Example(str(i), {"text": f"text {i}"}, Text(first, tuple(alternatives)))
        for i, (first, *alternatives) in enumerate(references)
    ]


def make_predictions(*texts: str) -> list[Prediction]:
    return [Prediction(Text(text), 0.5) for text in texts]


@pytest.mark.parametrize("language", REFERENCES)
def test_scores_equal_those_of_sacrebleu(language: str) -> None:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    references, generated = REFERENCES[language], GENERATED[language]
    scores = PROBLEM.score(PROBLEM.tally(make_examples(*([text] for text in references)), make_predictions(*generated)))
    bleu = BLEU(tokenize="zh" if language == "zh" else "13a")
    assert scores["chrf"] == pytest.approx(CHRF().corpus_score(generated, [references]).score / 100)
    assert scores["bleu"] == pytest.approx(bleu.corpus_score(generated, [references]).score / 100)
    assert 0 < scores["bleu"] < 1


@given(st.lists(st.tuples(st.text("abc 我爱", max_size=8), st.text("abc 我爱。", max_size=8)), min_size=1, max_size=6))
def test_chrf_equals_that_of_sacrebleu_for_any_text(pairs: list[tuple[str, str]]) -> None:
    from sacrebleu.metrics.chrf import CHRF

    references, generated = [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    scores = PROBLEM.score(PROBLEM.tally(make_examples(*([text] for text in references)), make_predictions(*generated)))
    assert scores["chrf"] == pytest.approx(CHRF().corpus_score(generated, [references]).score / 100)
    assert set(scores) == set(PROBLEM.metrics)


def test_the_nearest_of_several_references_counts() -> None:
    several = PROBLEM.score(
        PROBLEM.tally(make_examples(["Nobody came.", "No one came."]), make_predictions("No one came."))
    )
    assert several["chrf"] == pytest.approx(1)
    assert PROBLEM.score(PROBLEM.tally(make_examples(["Nobody came."]), make_predictions("No one came.")))["chrf"] < 0.6


def test_a_resample_scores_as_the_examples_that_were_drawn() -> None:
    examples, answers = make_examples(*([text] for text in REFERENCES["zh"])), make_predictions(*GENERATED["zh"])
    weights = np.array([[1.0, 1, 1], [2, 0, 1]])
    sample = PROBLEM.score(PROBLEM.tally(examples, answers), weights)
    repeated = PROBLEM.score(PROBLEM.tally([examples[i] for i in (0, 0, 2)], [answers[i] for i in (0, 0, 2)]))
    assert sample["chrf"][1] == pytest.approx(repeated["chrf"])
    assert sample["bleu"][1] == pytest.approx(repeated["bleu"])
    tallies = PROBLEM.tally(examples, make_predictions("", "", "")), PROBLEM.tally(examples, answers)
    pair = compare(PROBLEM.score, *tallies, assign_groups(examples), Resampling(1, 200, 0.95))
    assert pair.first["chrf"].value == pair.first["bleu"].value == 0
    assert pair.difference["chrf"].low > 0


@pytest.mark.parametrize("cell", ["好。", ["好。"], ["好。", "很好。"]])
def test_a_row_gives_one_translation_or_several(cell: Any) -> None:
    inputs, answer = PROBLEM.read({"text": "Good.", "translation": cell})
    assert inputs == {"text": "Good."}
    assert answer.texts == ((cell,) if isinstance(cell, str) else tuple(cell))
    assert load(dump(answer)) == answer


def test_translations_of_one_text_in_several_rows_are_alternatives_whatever_their_order() -> None:
    answers = [Text("b"), Text("c", ("a",)), Text("c")]
    assert PROBLEM.merge(answers) == PROBLEM.merge(answers[::-1]) == Text("c", ("a", "b"))


@pytest.mark.parametrize("cell", ["", " \n", ["good", " "], []])
def test_an_empty_translation_is_refused(cell: Any) -> None:
    with pytest.raises(ValueError, match=r"no translation|is empty"):
        PROBLEM.read({"text": "好", "translation": cell})


@pytest.mark.parametrize("cell", [3, {"a": 1}, [1]])
def test_a_translation_that_is_no_text_is_refused(cell: Any) -> None:
    with pytest.raises(TypeError):
        PROBLEM.read({"text": "好", "translation": cell})


def test_the_targets_are_the_tokens_of_the_first_reference_and_the_end_token(tokenizer: Any) -> None:
    (example,) = make_examples(["这部电影很差。", "这电影不好。"])
    (window,) = PROBLEM.encode([example], tokenizer, 32)
    assert window.targets[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(window.targets, skip_special_tokens=True) == "这部电影很差。"
    assert PROBLEM.encode(PROBLEM.build_examples(["bad"]), tokenizer, 32)[0].targets == []


def test_examples_that_do_not_fit_have_no_targets_and_are_reported(
    tokenizer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    long = "The film is bad. " * 9
    examples = [
        Example("a", {"text": "bad"}, Text("差。")),
        Example("b", {"text": "bad"}, Text("差" * 12)),
        Example("c", {"text": long}, Text("差。")),
    ]
    windows = PROBLEM.encode(examples, tokenizer, 16)
    assert {window.example for window in windows if window.targets} == {0}
    assert sum(window.example == 2 for window in windows) > 1
    assert "translate: 2 examples are not used for training" in caplog.text


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["The film is", "bad."], "The film is bad."),
        (["这部电影", "很差。"], "这部电影很差。"),
        (["", "很差。", ""], "很差。"),
        (["他说", "OK."], "他说OK."),
        ([], ""),
    ],
)
def test_the_translations_of_the_windows_of_a_text_are_joined(parts: list[str], whole: str) -> None:
    windows = [Window(0, [1], []) for _ in parts] or [Window(0, [1], [])]
    generated = [GeneratedText(text, 0.5) for text in parts] or [GeneratedText("", 0.5)]
    (answer,) = PROBLEM.decode(PROBLEM.build_examples(["x"]), windows, generated)
    assert (answer.answer, answer.confidence) == (Text(whole), 0.5)


def test_without_training_the_base_model_answers() -> None:
    untrained = ZeroShotModel(
        lambda _: pytest.fail("nothing is embedded"), lambda texts: make_predictions(*["x"] * len(texts))
    )
    assert PROBLEM.zero_shot([], PROBLEM.build_examples(["a", "b"]), untrained) == make_predictions("x", "x")


def test_only_the_first_translation_is_shown() -> None:
    assert PROBLEM.to_json({"text": "bad"}, Text("差。", ("不好。",))) == "差。"
    assert PROBLEM.to_json({"text": "bad"}, None) is None
    assert PROBLEM.signature() == {"type": "string"}
    assert PROBLEM.parse_feedback("差。") == Text("差。")
    assert PROBLEM.parse_feedback('["差。", "不好。"]') == Text("差。", ("不好。",))
    assert PROBLEM.accepts(Text("a"))


def test_another_text_or_another_confidence_contradicts() -> None:
    stored, prediction = Text("差。"), Prediction(Text("差。"), 0.52)
    assert not PROBLEM.contradicts(stored, 0.5, prediction, 0.05)
    assert PROBLEM.contradicts(stored, 0.4, prediction, 0.05)
    assert PROBLEM.contradicts(Text("好。"), 0.5, prediction, 0.05)
