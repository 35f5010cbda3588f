"""One of each text stays, whichever order they come in; a text with two answers is settled by the policy."""

import random
from itertools import chain

import pytest

from satiety.ingest.clean import identify
from satiety.ingest.duplicates import drop_twins, settle_conflicts
from satiety.records import Document, Example, Span


def example(text: str, label: str | None = "good", source: str = "a.csv:1", spans: tuple[Span, ...] = ()) -> Example:
    return Example(identify(text), text, label, spans, source=source)


def document(text: str, source: str = "c.txt:1") -> Document:
    return Document(identify(text), text, source=source)


class TestConflicts:
    ROWS = (example("很好", "good"), example("很好 ", "good"), example("很好", "bad"), example("ok", "bad"))

    def test_drop_takes_every_row_of_the_text(self) -> None:
        kept, rejected = settle_conflicts(self.ROWS, "drop")
        assert [e.text for e in kept] == ["ok"]
        assert {(r.reason, r.detail) for r in rejected} == {("conflict", "the same text is labelled: good ×2, bad ×1")}
        assert len(rejected) == 3

    def test_majority_keeps_what_more_than_half_say(self) -> None:
        kept, rejected = settle_conflicts(self.ROWS, "majority")
        assert [(e.text, e.label) for e in kept] == [("很好", "good"), ("很好 ", "good"), ("ok", "bad")]
        assert [r.text for r in rejected] == ["很好"]

    def test_majority_keeps_none_of_two_equals(self) -> None:
        kept, rejected = settle_conflicts(self.ROWS[1:], "majority")
        assert ([e.text for e in kept], len(rejected)) == (["ok"], 2)

    def test_spans_conflict_as_labels_do(self) -> None:
        one, other = example("Paris", None, spans=(Span(0, 5, "LOC"),)), example("Paris", None)
        kept, rejected = settle_conflicts([one, other], "drop")
        assert not kept
        assert rejected[0].detail == "the same text is labelled: 1 spans ×1, 0 spans ×1"


class TestTwins:
    NEAR = (
        "The train to Leeds leaves from platform four at nine",
        "The train to Leeds leaves from platform four at nine!",
    )

    def test_a_labelled_text_wins_over_a_raw_one_and_test_over_both(self) -> None:
        held, train = example(self.NEAR[0], source="t.csv:1"), example(self.NEAR[1])
        kept, documents, rejected = drop_twins(
            [train, held], [document(self.NEAR[0]), document("别的文字")], {"t.csv:1": "test"}, 0.8
        )
        assert (kept, [d.text for d in documents]) == ([held], ["别的文字"])
        assert sorted((r.reason, r.twin) for r in rejected) == [("duplicate", held.id), ("near_duplicate", held.id)]

    @pytest.mark.parametrize("seed", range(5))
    def test_what_stays_does_not_depend_on_the_order(self, seed: int) -> None:
        texts = [f"{word} {i % 7} 今天的天气 number {i % 40}" for i in range(80) for word in ("Nice", "nice")]
        rows = [example(text, source=f"a.csv:{i}") for i, text in enumerate(texts)]
        expected = [(e.id, e.text) for e in drop_twins(rows, [], {}, 0.7)[0]]
        random.Random(seed).shuffle(rows)
        kept, _, rejected = drop_twins(rows, [], {}, 0.7)
        assert [(e.id, e.text) for e in kept] == expected
        assert sorted(r.source for r in chain(kept, rejected)) == sorted(e.source for e in rows)
