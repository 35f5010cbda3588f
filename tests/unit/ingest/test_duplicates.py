"""One of each text stays, whatever their order; conflicting answers are settled by the policy."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import pytest

from satiety.core.answers import Answer, Label, Span, Spans, Text
from satiety.core.inputs import content_id
from satiety.core.records import Document, Example
from satiety.ingest.duplicates import drop_duplicates, resolve_conflicts


def make_example(text: str, label: str = "good", source: str = "a.csv:1") -> Example:
    return Example(content_id({"text": text}), {"text": text}, Label(label), source=source)


def make_question(
    text: str, answer: str, context: str = "Anna met Bo in Paris, and they talked all evening."
) -> Example:
    inputs = {"question": text, "context": context}
    return Example(content_id(inputs), inputs, Text(answer), source="q.jsonl:1")


def make_document(text: str, source: str = "c.txt:1") -> Document:
    return Document(content_id({"text": text}), text, source=source)


class TestConflicts:
    ROWS = (
        make_example("很好", "good"),
        make_example("很好 ", "good"),
        make_example("很好", "bad"),
        make_example("ok", "bad"),
    )

    def test_drop_takes_every_row_of_the_text(self) -> None:
        remaining, rejected = resolve_conflicts(self.ROWS, "drop")
        assert [e.text for e in remaining] == ["ok"]
        assert {(r.reason, r.detail) for r in rejected} == {
            ("conflict", "the same text has several answers: good ×2, bad ×1")
        }
        assert len(rejected) == 3

    def test_majority_keeps_the_answer_of_more_than_half(self) -> None:
        remaining, rejected = resolve_conflicts(self.ROWS, "majority")
        assert [(e.text, str(e.answer)) for e in remaining] == [("很好", "good"), ("很好 ", "good"), ("ok", "bad")]
        assert [r.text for r in rejected] == ["很好"]

    def test_majority_keeps_neither_of_two_equally_frequent_answers(self) -> None:
        remaining, rejected = resolve_conflicts(self.ROWS[1:], "majority")
        assert ([e.text for e in remaining], len(rejected)) == (["ok"], 2)

    def test_spans_conflict_as_labels_do(self) -> None:
        conflicts = Spans((Span(0, 5, "LOC"),))
        rows = [replace(make_example("Paris"), answer=answer) for answer in (conflicts, Spans())]
        remaining, rejected = resolve_conflicts(rows, "drop")
        assert not remaining
        assert rejected[0].detail == "the same text has several answers: 0:5 LOC ×1, (empty) ×1"

    def test_two_questions_on_one_context_are_no_conflict_and_no_twins(self) -> None:
        questions = [make_question("Whom did Anna meet?", "Bo"), make_question("Where did they meet?", "Paris")]
        assert resolve_conflicts(questions, "drop") == (questions, [])
        remaining, _, rejected = drop_duplicates(questions, [], {}, 0.8)
        assert (len(remaining), rejected) == (2, [])

    def test_one_question_asked_twice_is_a_conflict_or_a_twin(self) -> None:
        questions = [make_question("Whom did Anna meet?", "Bo"), make_question("whom did  Anna meet?", "Bob")]
        assert resolve_conflicts(questions, "drop")[0] == []
        remaining, _, rejected = drop_duplicates(
            [questions[0], make_question("Whom did Anna meet ?", "Bo")], [], {}, 0.8
        )
        assert (len(remaining), [row.reason for row in rejected]) == (1, ["near_duplicate"])

    def test_answers_that_are_all_correct_are_merged_without_conflict(self) -> None:
        def merge(answers: Sequence[Answer]) -> Answer:
            return Text("+".join(sorted(str(answer) for answer in answers)))

        remaining, rejected = resolve_conflicts(self.ROWS, "drop", merge)
        assert len(remaining) == len(self.ROWS)
        assert not rejected
        assert len({(row.id, row.answer) for row in remaining}) == len({row.id for row in remaining})


class TestTwins:
    NEAR = (
        "The train to Leeds leaves from platform four at nine",
        "The train to Leeds leaves from platform four at nine!",
    )

    def test_a_labelled_text_wins_over_a_raw_one_and_test_over_both(self) -> None:
        held_out, train = make_example(self.NEAR[0], source="t.csv:1"), make_example(self.NEAR[1])
        remaining, documents, rejected = drop_duplicates(
            [train, held_out], [make_document(self.NEAR[0]), make_document("别的文字")], {"t.csv:1": "test"}, 0.8
        )
        assert (remaining, [d.text for d in documents]) == ([held_out], ["别的文字"])
        assert sorted((r.reason, r.twin) for r in rejected) == [
            ("duplicate", held_out.id),
            ("near_duplicate", held_out.id),
        ]

    @pytest.mark.parametrize("seed", range(5))
    def test_the_remaining_rows_do_not_depend_on_their_order(self, seed: int) -> None:
        texts = [f"{word} {i % 7} 今天的天气 number {i % 40}" for i in range(80) for word in ("Nice", "nice")]
        rows = [make_example(text, source=f"a.csv:{i}") for i, text in enumerate(texts)]
        expected = [(e.id, e.text) for e in drop_duplicates(rows, [], {}, 0.7)[0]]
        random.Random(seed).shuffle(rows)
        remaining, _, rejected = drop_duplicates(rows, [], {}, 0.7)
        assert [(e.id, e.text) for e in remaining] == expected
        assert sorted(r.source for r in chain(remaining, rejected)) == sorted(e.source for e in rows)
