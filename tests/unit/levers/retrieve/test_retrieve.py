"""The corpus is searched with the training texts; no found document gives away a dev or test text."""

from collections.abc import Sequence
from typing import Any

import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Document, Example
from satiety.levers.retrieve import Retrieve, RetrievedDocuments, retrieve

BM25 = {"kind": "bm25", "documents": 10, "k1": 1.2, "b": 0.75}
TRAIN = [
    Example("t1", {"text": "a great film with great actors"}, answer=Label("good"), language="en"),
    Example("t2", {"text": "a boring film"}, answer=Label("bad"), language="en"),
]
CORPUS = [
    Document("d1", "the actors in this film were great", language="en", origin="unlabelled"),
    Document("d2", "what a boring evening", language="en", source="chat:7"),
    Document("d3", "ein great film", language="de"),
    Document("d4", "nothing of the kind", language="en"),
    Document("d5", "film!", language="und"),
]


def build_params(retriever: dict[str, Any], near_duplicate: float = 0.8) -> Retrieve:
    return Retrieve.model_validate({"retriever": retriever, "prefix": "", "dedup_threshold": near_duplicate})


def embed(texts: Sequence[str]) -> Any:
    raise AssertionError("BM25 needs no model")


def retrieve_documents(
    corpus: Sequence[Document] = CORPUS,
    train: Sequence[Example] = TRAIN,
    held_out: Sequence[Example] = (),
    retriever: dict[str, Any] = BM25,
) -> RetrievedDocuments:
    return retrieve(
        corpus, train, held_out, stratum=lambda e: str(e.answer), embed=embed, params=build_params(retriever)
    )


def test_documents_keep_their_fields_and_get_a_score_and_a_reason() -> None:
    (document,) = [d for d in retrieve_documents().documents if d.id == "d2"]
    assert (document.text, document.source, document.origin) == ("what a boring evening", "chat:7", "corpus")
    assert document.score is not None
    assert document.score > 0
    assert document.reason == f"bm25 {document.score:.1f} for 'bad'"


def test_documents_in_other_languages_are_excluded_but_not_those_in_unknown_ones() -> None:
    outcome = retrieve_documents()
    assert "d3" not in {document.id for document in outcome.documents}
    assert "d5" in {document.id for document in outcome.documents}
    assert outcome.numbers["other_language"] == 1


def test_without_a_known_language_in_train_every_document_may_be_found() -> None:
    train = [Example("t1", {"text": "film"}, answer=Label("good"), language="und")]
    assert "d3" in {document.id for document in retrieve_documents(train=train).documents}


@pytest.mark.parametrize(
    ("copy", "held_text"),
    [
        ("the actors in this film were great", "the actors in this film were great"),
        ("The actors in this film WERE great", "the  actors in this film were great"),
        (
            "all of the actors in this wonderful film were so great",
            "all of the actors in this wonderful film were great",
        ),
        ("I said: the actors in this film were great. Then we left for dinner", "the actors in this film were great"),
        ("这部great电影的演员演得真好，我很喜欢", "这部great电影的演员演得真好，我很喜欢！"),
    ],
)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_document_that_gives_away_a_held_out_text_goes_to_quarantine(copy: str, held_text: str, split: Any) -> None:
    corpus = [*CORPUS[1:], Document("leak", copy, language="en", source="f:9")]
    outcome = retrieve_documents(
        corpus, held_out=[Example("x", {"text": held_text}, answer=Label("good"), split=split)]
    )
    assert "leak" not in {document.id for document in outcome.documents}
    (rejected,) = outcome.rejected
    assert (rejected.id, rejected.reason, rejected.twin, rejected.source) == ("leak", "contaminated", "x", "f:9")
    assert rejected.text == copy
    assert "duplicates a dev or test text; found by bm25 " in rejected.detail
    assert outcome.numbers["contaminated"] == 1


def test_the_report_compares_the_found_documents_with_the_corpus() -> None:
    numbers = retrieve_documents(retriever={**BM25, "documents": 2}).numbers
    assert numbers["hidden"] == {"corpus": 0.2, "found": 0.5, "lift": 2.5}
    assert numbers["found_for"] == {"bad": 1, "good": 1}
    assert list(numbers["score"]) == ["q05", "q25", "q50", "q75", "q95"]
    assert sorted(numbers["score"].values()) == list(numbers["score"].values())
    assert numbers["languages"] == {"en": 2}


def test_the_retriever_none_finds_nothing_and_reports_no_nan() -> None:
    outcome = retrieve_documents(retriever={"kind": "none"})
    assert (outcome.documents, outcome.rejected) == ([], [])
    assert outcome.numbers["hidden"] == {"corpus": 0.2, "found": 0.0, "lift": None}
    assert outcome.numbers["score"] == {}


def test_an_empty_corpus_gives_an_empty_result() -> None:
    assert retrieve_documents([]).documents == []
    assert retrieve_documents([]).numbers["hidden"] == {"corpus": 0.0, "found": 0.0, "lift": None}


def test_a_corpus_in_none_of_the_languages_gives_an_empty_result() -> None:
    assert retrieve_documents(CORPUS[2:3]).documents == []


def test_without_training_examples_there_is_nothing_to_search_for() -> None:
    with pytest.raises(DataError, match=r"retrieve: no training examples to search with: check reports/validate.json"):
        retrieve_documents(train=[])


def test_fewer_candidates_than_documents_are_refused() -> None:
    hybrid = {"kind": "hybrid", "documents": 5, "candidates": 4, "k1": 1.2, "b": 0.75}
    with pytest.raises(ValueError, match=r"candidates \(4\) must be at least documents \(5\)"):
        build_params(hybrid)
