"""Scores and ranks of documents, and turns of the strata."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import SetupError
from satiety.core.records import Document, Example
from satiety.levers.retrieve.scoring import interleave, rank, search_by_embedding, search_by_words, terms

THUCNEWS = Path("../shared/data/thucnews")


def make_documents(*texts: str) -> list[Document]:
    return [Document(f"d{i}", text) for i, text in enumerate(texts)]


def test_terms_are_words_without_case_and_chinese_ones_are_segmented() -> None:
    assert terms("The iPhone在北京大学 😀!") == ["the", "iphone", "在", "北京大学", "😀", "!"]


def test_bm25_is_the_formula_of_the_paper() -> None:
    texts = make_documents("good film", "good good day indeed", "rain")
    ((_, _, best), (_, _, second)) = search_by_words(
        texts, {"x": [Example("t", {"text": "film good"})]}, 2, k1=1.2, b=0.75
    )
    lengths, idf = [2, 4, 1], lambda n: math.log(1 + (3 - n + 0.5) / (n + 0.5))

    def score_term(count: int, place: int, among: int) -> float:
        saturation = count + 1.2 * (1 - 0.75 + 0.75 * lengths[place] / (sum(lengths) / 3))
        return idf(among) * count / saturation

    assert best == pytest.approx(score_term(1, 0, 2) + score_term(1, 0, 1), abs=1e-3)
    assert second == pytest.approx(score_term(2, 1, 2), abs=1e-3)


def test_a_word_counts_as_often_as_it_is_in_the_training_texts_of_a_class() -> None:
    texts = make_documents("phone", "film")
    train = {"x": [Example("a", {"text": "film"}), Example("b", {"text": "film"}), Example("c", {"text": "phone"})]}
    assert [place for place, _, _ in search_by_words(texts, train, 2, k1=1.2, b=0.75)] == [1, 0]


def test_words_that_no_training_text_holds_count_as_length() -> None:
    texts = make_documents("电影 很 好", "电影 很 好 另外 今天 天气 冷")
    (first, second) = search_by_words(texts, {"x": [Example("a", {"text": "好电影"})]}, 2, k1=1.2, b=0.75)
    assert (first[0], second[0]) == (0, 1)
    assert first[2] > second[2]


def test_a_document_that_shares_no_word_is_not_found() -> None:
    assert (
        search_by_words(make_documents("rain", "雪"), {"x": [Example("t", {"text": "film 电影"})]}, 2, k1=1.2, b=0.75)
        == []
    )


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(SetupError, match=r"BM25 needs the extra `train`: pip install 'satiety\[train\]'"):
        search_by_words(make_documents("a"), {"x": [Example("t", {"text": "a"})]}, 1, k1=1.2, b=0.75)


def test_search_by_embedding_names_the_nearest_example_of_each_class() -> None:
    axes = {"cat": [1.0, 0.0], "猫": [0.8, 0.6], "股票": [0.0, 1.0], "stock": [0.0, 1.0]}
    train = {"animal": [Example("t1", {"text": "cat"})], "money": [Example("t2", {"text": "股票"})]}
    actual = search_by_embedding(
        make_documents("猫", "stock"), train, 2, lambda texts: np.array([axes[text] for text in texts])
    )
    assert actual == [(0, "animal", 0.8, "t1"), (1, "money", 1.0, "t2")]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 35), st.randoms())
def test_rank_is_the_sorted_order_cut_short(values: list[int], keep: int, chance: object) -> None:
    ids = [f"{(7 * i) % 31:02}" for i in range(len(values))]
    places = sorted((i for i, v in enumerate(values) if v > 0), key=lambda i: (-values[i], ids[i]))
    assert rank(np.array(values, dtype=float), ids, keep) == places[:keep]


def test_the_strata_take_turns_and_an_exhausted_stratum_is_skipped() -> None:
    ranked = {"a": [1, 2, 3, 4], "b": [2], "c": [1, 5]}
    assert interleave(ranked, 10) == [(1, "a"), (2, "b"), (5, "c"), (3, "a"), (4, "a")]
    assert interleave(ranked, 2) == [(1, "a"), (2, "b")]
    assert interleave({}, 2) == []


@pytest.mark.skipif(not THUCNEWS.exists(), reason="needs ../shared/data/thucnews")
def test_real_chinese_titles_find_titles_of_their_own_topic() -> None:
    lines = (THUCNEWS / "dev.txt").read_text(encoding="utf-8").splitlines()
    titles = [(text, topic) for text, _, topic in (line.rpartition("\t") for line in lines)]
    train: dict[str, list[Example]] = {}
    for i, (text, topic) in enumerate(titles[:200]):
        train.setdefault(topic, []).append(Example(f"t{i}", {"text": text}))
    actual = search_by_words(make_documents(*(text for text, _ in titles[200:])), train, 500, k1=1.2, b=0.75)
    precision = sum(titles[200 + place][1] == topic for place, topic, _ in actual) / len(actual)
    assert len(actual) == 500
    assert precision > 0.6, "0.1 by chance; without segmentation, hardly any word is shared"
