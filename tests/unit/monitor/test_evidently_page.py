"""Evidently's page names what has drifted, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from satiety.core.errors import SetupError
from satiety.monitor import evidently_page
from satiety.monitor.sample import TextSample
from satiety.problems.classify import Classify
from satiety.problems.ner import Ner

CLASSES = ["bad", "good", "so-so"]
PROBLEM = Classify(labels=CLASSES, names={})


def make_sample(texts: list[str], count: int, confidence: float, distance: float, seed: int) -> TextSample:
    draw = np.random.default_rng(seed)
    scores = draw.dirichlet(np.ones(len(CLASSES)), count) * (1 - confidence)
    scores[:, 0] += confidence
    embeddings = np.eye(4)[draw.integers(4, size=count)]
    return TextSample(tuple(draw.choice(texts, count)), embeddings, scores, draw.normal(distance, 1, count))


REFERENCE = make_sample(["a good hotel", "这家酒店很好", "bad food"], 300, confidence=0.1, distance=1, seed=1)


@pytest.mark.slow
def test_the_page_names_what_has_drifted_and_loads_nothing(tmp_path: Path) -> None:
    window = make_sample(
        ["这家酒店很好", "quite another kind of text, and a long one"], 200, confidence=0.6, distance=3, seed=2
    )
    evidently_page.write_page(PROBLEM, REFERENCE, window, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for name in ("answer", "confidence", "words", "knn_distance", "unseen words"):
        assert name in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//(?!plotly\.com)", page)
    assert not list(tmp_path.glob("*[!l]")), "no temporary file remains"


def test_a_row_is_a_text_and_its_answer_a_class() -> None:
    word_counts = evidently_page.count_word_texts(REFERENCE.texts)
    table = evidently_page._build_table(PROBLEM, REFERENCE, word_counts, 1)
    assert list(table["answer"]) == [CLASSES[i] for i in REFERENCE.scores.argmax(axis=1)]
    assert list(table["knn_distance"]) == list(REFERENCE.distances)
    assert set(table["unseen words"]) == {0.0}
    spans: Any = Ner.model_construct(labels=["PER"])
    assert "answer" not in evidently_page._build_table(spans, REFERENCE, word_counts, 1)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "evidently", None)
    with pytest.raises(SetupError, match=r"pip install 'satiety\[evidently\]'"):
        evidently_page.write_page(PROBLEM, REFERENCE, REFERENCE, tmp_path / "page.html")
