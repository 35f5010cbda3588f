"""What every retriever guarantees, in English and Chinese. A new retriever is tested without an edit here."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.records import Document, Example
from satiety.levers.retrieve import RETRIEVERS, Hit, Retrieve, Retriever

FILM = [
    Document("d1", "this film was a masterpiece, the actors were great"),
    Document("d2", "the weather tomorrow will be rainy and cold"),
    Document("d3", "a boring film, I left the cinema early"),
    Document("d4", "how do I cook rice without a rice cooker"),
    Document("d5", "这部电影太好看了，演员演得真好"),
    Document("d6", "今天的股票市场大跌，投资者很担心"),
    Document("d7", "电影院里人太多，片子也很无聊"),
    Document("d8", "如何在家里种西红柿"),
]
EXAMPLES = {
    "bad": [Example("t1", {"text": "a boring film"}), Example("t2", {"text": "无聊的片子"})],
    "good": [Example("t3", {"text": "great actors, what a film"}), Example("t4", {"text": "好看的电影，演员很好"})],
}
IDLE = ("none", "sample")
"""Retrievers that do not search."""
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from([d.text for d in FILM]), st.sampled_from(["", " ", "😀", "。"]))


def embed(texts: Sequence[str]) -> Any:
    """Embed texts as a model would: hashed counts of character pairs, so similar texts have similar vectors."""
    vectors = np.full((len(texts), 512), 1e-3, dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        for first, second in pairwise(text.replace(" ", "")):
            row[(31 * ord(first) + ord(second)) % 512] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def refuse_to_embed(texts: Sequence[str]) -> Any:
    raise AssertionError("this retriever needs no model")


@pytest.fixture(params=list(RETRIEVERS))
def retriever(request: pytest.FixtureRequest) -> Retriever:
    return RETRIEVERS[request.param].sample()


def find(retriever: Retriever, documents: Sequence[Document] = FILM) -> list[Hit]:
    return retriever.find(documents, EXAMPLES, embed)


def test_it_finds_relevant_documents_in_both_languages(retriever: Retriever) -> None:
    hits = find(retriever)
    assert len(hits) == (0 if retriever.kind == "none" else 3)
    if retriever.kind in IDLE:
        return
    assert {FILM[hit.index].id for hit in hits} <= {"d1", "d3", "d5", "d7"}
    assert {hit.stratum for hit in hits} == {"bad", "good"}


def test_every_hit_has_a_score_and_a_reason_in_words(retriever: Retriever) -> None:
    for hit in find(retriever):
        assert hit.score > 0
        assert repr(hit.stratum) in hit.reason
        assert any(word in hit.reason for word in ("bm25 ", "cosine ", "at random"))


@pytest.mark.parametrize("order", [[7, 6, 5, 4, 3, 2, 1, 0], [3, 1, 7, 5, 0, 2, 6, 4]])
def test_the_order_of_the_corpus_changes_nothing(retriever: Retriever, order: list[int]) -> None:
    documents = [FILM[i] for i in order]
    hits = [(FILM[hit.index].id, hit.score, hit.reason) for hit in find(retriever)]
    assert [(documents[hit.index].id, hit.score, hit.reason) for hit in find(retriever, documents)] == hits


@pytest.mark.parametrize("kind", sorted({*RETRIEVERS}.difference(IDLE)))
def test_ties_go_by_id(kind: str) -> None:
    documents = [Document(f"s{i}", "a great film") for i in (3, 1, 4, 0, 2)]
    hits = find(RETRIEVERS[kind].sample(), documents)
    assert [documents[hit.index].id for hit in hits] == ["s0", "s1", "s2"]


@settings(max_examples=30)
@given(texts=st.lists(TEXTS, min_size=1, max_size=12), queries=st.lists(TEXTS, min_size=1, max_size=4))
@pytest.mark.parametrize("kind", list(RETRIEVERS))
def test_no_document_is_found_twice(kind: str, texts: list[str], queries: list[str]) -> None:
    documents = [Document(f"d{i}", text) for i, text in enumerate(texts)]
    examples = {"x": [Example(f"t{i}", {"text": text}) for i, text in enumerate(queries)]}
    hits = RETRIEVERS[kind].sample().find(documents, examples, embed)
    places = [hit.index for hit in hits]
    assert len(set(places)) == len(places) <= 3
    assert all(0 <= place < len(documents) for place in places)


@pytest.mark.parametrize("kind", [*IDLE, "bm25"])
def test_retrievers_without_vectors_load_no_model(kind: str) -> None:
    RETRIEVERS[kind].sample().find(FILM, EXAMPLES, refuse_to_embed)


def test_a_retrieve_section_loads_what_it_dumps(retriever: Retriever) -> None:
    section = Retrieve(retriever=retriever, prefix="query: ", dedup_threshold=0.8)
    assert Retrieve.model_validate(section.model_dump()) == section
