"""Mentions give way to others of their type and language, and the spans are those of the new text."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import Span, Spans, Triples
from satiety.core.errors import ParamsError
from satiety.core.records import Example
from satiety.levers.augment import Augment, augment
from satiety.levers.augment.mention import replace_parts
from satiety.problems import PROBLEMS, Problem

NER: Problem = PROBLEMS["ner"].model_validate({"labels": ["LOC", "PER"]})


def build_example(id: str, text: str, *mentions: tuple[str, str], language: str = "en") -> Example:
    spans = tuple(Span(text.index(word), text.index(word) + len(word), kind) for word, kind in mentions)
    return Example(id, {"text": text}, answer=Spans(spans), language=language)


TRAIN = [
    build_example("a", "Anna lives in Paris now", ("Anna", "PER"), ("Paris", "LOC")),
    build_example("b", "we saw Bob Smith in New York", ("Bob Smith", "PER"), ("New York", "LOC")),
    build_example("c", "  Carla, of Rome, left", ("Carla", "PER"), ("Rome", "LOC")),
    build_example("d", "王小明住在上海", ("王小明", "PER"), ("上海", "LOC"), language="zh"),
    build_example("e", "李娜在北京大学工作", ("李娜", "PER"), ("北京大学", "LOC"), language="zh"),
    build_example("f", "nobody was there"),
]
MENTIONS = {
    ("en", "PER"): {"Anna", "Bob Smith", "Carla"},
    ("en", "LOC"): {"Paris", "New York", "Rome"},
    ("zh", "PER"): {"王小明", "李娜"},
    ("zh", "LOC"): {"上海", "北京大学"},
}


def copy_examples(train: Sequence[Example], problem: Problem = NER, **fields: object) -> list[Example]:
    step = {"kind": "mention", "probability": 0.7, "copies": 10} | fields
    params = Augment.model_validate({"seed": 7, "steps": [step], "dedup_threshold": 0.8})
    return augment(train, [], problem, params).examples[len(train) :]


def test_every_span_of_a_copy_is_a_mention_of_its_type_and_language() -> None:
    copies = copy_examples(TRAIN)
    assert {copy.parent for copy in copies} == {"a", "b", "c", "d", "e"}
    for copy in copies:
        NER.check(copy.inputs, copy.answer)
        assert [span.label for span in copy.answer.mentions] == ["PER", "LOC"]
        for span in copy.answer.mentions:
            assert copy.text[span.start : span.end] in MENTIONS[copy.language, span.label]


def test_only_mentions_change() -> None:
    first = {copy.text for copy in copy_examples(TRAIN) if copy.parent == "a"}
    assert len(first) > 4
    assert all(" lives in " in text and text.endswith(" now") for text in first)
    chinese = {copy.text for copy in copy_examples(TRAIN) if copy.parent == "d"}
    assert chinese == {"李娜住在上海", "王小明住在北京大学", "李娜住在北京大学"}


def test_white_space_at_the_beginning_does_not_move_the_spans() -> None:
    copies = [copy for copy in copy_examples(TRAIN) if copy.parent == "c"]
    assert copies
    assert all(copy.text[0] != " " and copy.answer.mentions[0].start == 0 for copy in copies)


def test_a_type_with_one_mention_stays_as_it_is() -> None:
    assert copy_examples(TRAIN[:1]) == []
    assert copy_examples([TRAIN[0], TRAIN[3]]) == [], "mentions of another language are no substitutes"


def test_the_copies_are_the_same_whatever_the_order_of_the_examples() -> None:
    first, reordered = copy_examples(TRAIN), copy_examples(TRAIN[::-1])
    assert {copy.id: copy for copy in first} == {copy.id: copy for copy in reordered}


def test_relations_keep_their_entities() -> None:
    """Any problem whose answers have mentions is supported."""

    class Relations(type(NER)):  # type: ignore[misc]
        answer = Triples

    examples = [
        Example(row.id, row.inputs, Triples(row.answer.mentions, ((0, "lives_in", 1),)), language="en")
        for row in TRAIN[:2]
    ]
    copies = copy_examples(examples, Relations(labels=["LOC", "PER"]))
    assert copies
    for copy in copies:
        assert copy.answer.labels == ("lives_in",)
        for span in copy.answer.mentions:
            assert copy.text[span.start : span.end] in MENTIONS["en", span.label]


def test_a_problem_without_mentions_is_refused() -> None:
    message = "augment: steps: 'mention' needs a problem whose answers are spans of a text, not 'classify'"
    with pytest.raises(ParamsError, match=message):
        copy_examples(TRAIN, PROBLEMS["classify"].sample())


@given(
    pieces=st.lists(st.text(" a你\n", max_size=4), min_size=2, max_size=5),
    words=st.lists(
        st.tuples(st.text("xy", min_size=1, max_size=3), st.text("uvw", min_size=1, max_size=5)), min_size=4
    ),
)
def test_replaced_parts_are_found_in_the_new_text(pieces: list[str], words: list[tuple[str, str]]) -> None:
    text, substitutes = pieces[0], {}
    for piece, (word, substitute) in zip(pieces[1:], words, strict=False):
        substitutes[len(text), len(text) + len(word)] = substitute
        text += word + piece
    rewrite = replace_parts(text, substitutes)
    assert [rewrite.text[start:end] for _, _, start, end in rewrite.replacements] == list(substitutes.values())
    assert [(start, end) for start, end, _, _ in rewrite.replacements] == list(substitutes)
    for start, new_start, size in rewrite.alignment or ():
        assert text[start : start + size] == rewrite.text[new_start : new_start + size]
