"""Every shape of answer is read back from JSON, and can be renamed, moved and reworded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import (
    SHAPES,
    Answer,
    Label,
    Labels,
    Number,
    Ranking,
    Span,
    Spans,
    Text,
    Triples,
    dump,
    labels_of,
    load,
    read_spans,
)
from satiety.core.errors import DataError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SPAN = st.builds(Span, st.integers(0, 99), st.integers(0, 99), WORDS)
SPANS = st.lists(SPAN, max_size=4).map(lambda spans: tuple(sorted(spans, key=lambda span: (span.start, span.end))))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ANSWERS = st.one_of(
    st.builds(Label, WORDS),
    st.lists(WORDS, max_size=4, unique=True).map(lambda names: Labels(tuple(sorted(names)))),
    st.builds(Number, NUMBERS),
    st.builds(Spans, SPANS),
    st.tuples(SPAN, SPAN, WORDS).map(lambda parts: Triples(parts[:2], ((0, parts[2], 1),))),
    st.builds(Text, WORDS, st.lists(WORDS, max_size=2).map(tuple)),
    st.builds(Ranking, st.lists(NUMBERS, max_size=4).map(tuple)),
)


@given(ANSWERS)
def test_an_answer_reads_back(answer: Answer) -> None:
    assert load(dump(answer)) == answer


def test_answers_are_tagged_by_their_shape() -> None:
    assert dump(Label("好")) == '{"label": "好"}'
    assert json.loads(dump(Spans((Span(0, 3, "PER"),)))) == {"spans": [[0, 3, "PER"]]}
    assert dump(None) == "null"
    assert set(SHAPES) == {"label", "labels", "number", "spans", "triples", "text", "ranking"}


BROKEN = ["{", '{"a": 1}', '"good"', "[[1, 2]]", "7", "null", '{"spans": [["x", 2, "PER"]]}', '{"number": "nan"}']
BROKEN += [
    '{"label": 7}',
    '{"label": "a", "text": "b"}',
    '{"number": true}',
    '{"triples": {"entities": []}}',
    "[" * 9999,
]
BROKEN += ['{"triples": {"entities": [], "triples": [[0, "of", 1]]}}', '{"text": []}', '{"labels": "a"}']


@pytest.mark.parametrize("text", BROKEN, ids=[text[:40] for text in BROKEN])
def test_invalid_answers_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="cannot parse the answer"):
        load(text)


@given(ANSWERS)
def test_renaming_moving_and_rewording_keep_the_shape(answer: Answer) -> None:
    assert answer.rename(lambda label: label) == answer
    assert answer.move(answer.mentions) == answer
    assert answer.reword(lambda text: text) == answer
    assert answer.restrict(answer.labels) == answer
    assert all(
        label.isupper() or not label.strip() or label == label.upper() for label in answer.rename(str.upper).labels
    )
    assert answer.reword(lambda _: "x").texts == ("x",) * len(answer.texts)
    assert answer.move(()).mentions == ()


def test_mentions_of_unknown_labels_are_removed() -> None:
    answer = Spans((Span(0, 3, "PER"), Span(4, 6, "LOC")))
    assert answer.restrict(["LOC"]) == Spans((Span(4, 6, "LOC"),))
    assert Labels(("a", "b")).restrict(["b"]) == Labels(("b",))
    assert Label("a").restrict(["b"]) == Label("a")
    assert labels_of([answer, None, Label("a")]) == ["LOC", "PER", "a"]


def test_relation_without_its_entity_is_removed() -> None:
    answer = Triples((Span(0, 3, "PER"), Span(4, 6, "LOC")), ((0, "lives in", 1),))
    assert answer.move(answer.entities[:1]) == Triples(answer.entities[:1], ())
    assert str(answer) == "0:3 lives in 4:6"


@pytest.mark.parametrize("json_value", [[[0, 3, "PER"]], [{"start": "0", "end": 3, "label": "PER"}]])
def test_spans_are_lists_or_objects(json_value: list[object]) -> None:
    assert read_spans(json_value) == Spans((Span(0, 3, "PER"),))


@pytest.mark.parametrize("json_value", ["0 3 PER", [[0, 3]], [{"start": 0}], [[1e999, 2, "PER"]], None])
def test_malformed_spans_are_refused(json_value: object) -> None:
    with pytest.raises(TypeError, match="span"):
        read_spans(json_value)
