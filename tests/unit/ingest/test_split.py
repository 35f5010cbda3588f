"""Test is frozen, the budget is spent once, groups never straddle, and nobody is lost."""

from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.errors import DataError
from satiety.ingest.clean import identify
from satiety.ingest.split import Divided, divide, group_up, share_out
from satiety.records import Example

COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=1)


def examples(labels: str, start: int = 0, group: int = 1, source: str = "a.csv") -> list[Example]:
    """Return one example per letter, its label the letter; every ``group`` of them in a row belong together."""
    made = []
    for i, label in enumerate(labels, start=start):
        text = f"第{i}条"
        made.append(Example(identify(text), text, label, group=identify(f"第{i - i % group}条"), source=source))
    return made


def divided(rows: list[Example], bound: Any = None, **asked: Any) -> Divided:
    sizes = {"seed": 1, "test": 20, "budget": 10, "dev": 0.3} | asked
    return divide(rows, bound or {}, lambda e: e.label or "", **sizes)


def ids(made: Divided, split: str) -> list[str]:
    return [e.id for e in made.examples if e.split == split]


def test_everyone_has_one_place_and_the_sizes_are_as_asked() -> None:
    rows = examples("ab" * 50)
    made = divided(rows)
    assert [len(ids(made, split)) for split in ("test", "dev", "train")] == [20, 3, 7]
    assert (len(made.hidden), made.rejected) == (70, [])
    assert sorted([e.id for e in made.examples] + [d.id for d in made.hidden]) == sorted(e.id for e in rows)
    assert {document.origin for document in made.hidden} == {"unlabelled"}


def test_every_split_has_the_proportions_of_the_whole() -> None:
    made = divided(examples("aab" * 100), test=60, budget=30, dev=0.2)
    found = {split: Counter(e.label for e in made.examples if e.split == split) for split in ("test", "dev", "train")}
    assert found == {"test": {"a": 40, "b": 20}, "dev": {"a": 4, "b": 2}, "train": {"a": 16, "b": 8}}


def test_the_same_seed_gives_the_same_split_in_any_order_and_another_gives_another() -> None:
    rows = examples("ab" * 50)
    assert divided(rows) == divided(rows[::-1])
    assert ids(divided(rows), "test") != ids(divided(rows, seed=2), "test")


def test_new_data_moves_few_out_of_test() -> None:
    before = set(ids(divided(examples("ab" * 100)), "test"))
    after = set(ids(divided(examples("ab" * 110)), "test"))
    assert len(before & after) >= 16


def test_another_budget_leaves_test_as_it_was() -> None:
    rows = examples("ab" * 50)
    assert ids(divided(rows), "test") == ids(divided(rows, budget=40), "test")


@settings(deadline=None, max_examples=40)
@given(st.text("abc", min_size=60, max_size=100), st.integers(1, 4))
def test_groups_never_straddle(labels: str, group: int) -> None:
    made = divided(examples(labels, group=group), test=12, budget=10)
    places: dict[str, set[str]] = defaultdict(set)
    for e in made.examples:
        places[e.group].add(e.split)
    assert all(len(splits) == 1 for splits in places.values())
    held = {e.group for e in made.examples if e.split != "train"}
    groups = {e.id: e.group for e in examples(labels, group=group)}
    assert not [d for d in made.hidden if groups[d.id] in held]


class TestRareClasses:
    def test_a_class_of_one_is_for_training(self) -> None:
        made = divided(examples("ab" * 50 + "c"))
        assert [e.split for e in made.examples if e.label == "c"] == ["train"]

    def test_a_class_of_three_is_in_every_split(self) -> None:
        made = divided(examples("ab" * 50 + "ccc"))
        assert sorted(e.split for e in made.examples if e.label == "c") == ["dev", "test", "train"]


class TestBoundSources:
    def test_each_goes_where_it_is_for(self) -> None:
        train, test = examples("ab" * 20), examples("ab" * 15, start=100, source="t.csv")
        made = divided(train + test, {"t.csv": "test"})
        assert set(ids(made, "test")) < {e.id for e in test}
        assert Counter(r.reason for r in made.rejected) == {"spare": 10}
        assert made.rejected[0].detail == "its source is for test, which is full"
        assert len(made.hidden) == 30

    def test_a_smaller_test_source_is_taken_whole(self) -> None:
        made = divided(examples("ab" * 20) + examples("abab", start=100, source="t.csv"), {"t.csv": "test"})
        assert len(ids(made, "test")) == 4

    def test_what_is_close_to_a_text_held_out_goes(self) -> None:
        test = examples("ab" * 10, start=100, source="t.csv")
        close = [Example(identify(f"近{i}"), f"近{i}", "a", group=e.group, source="a.csv") for i, e in enumerate(test)]
        made = divided(examples("ab" * 20) + close + test, {"t.csv": "test"})
        assert sorted((r.reason, r.twin) for r in made.rejected) == sorted(("straddles", e.id) for e in test)

    def test_all_three_may_be_given(self) -> None:
        rows = [examples("ab" * 20, start=i * 100, source=s) for i, s in enumerate(("train", "dev", "test"))]
        made = divided([e for part in rows for e in part], {"train": "train", "dev": "dev", "test": "test"})
        assert all(e.source == e.split for e in made.examples)


class TestNotEnough:
    @pytest.mark.parametrize("labels", ["ab" * 14, ""])
    def test_too_few_are_counted(self, labels: str) -> None:
        message = (
            rf"{len(labels)} labelled texts are left after cleaning, but test 20 \+ dev 3 \+ train 7 = 30 are "
            r"asked for; lower ingest\.test or ingest\.budget, or add labelled data"
        )
        with pytest.raises(DataError, match=message):
            divided(examples(labels))

    def test_just_enough_is_enough(self) -> None:
        assert len(divided(examples("ab" * 15)).examples) == 30

    def test_a_group_too_large_is_cut_and_the_rest_of_it_goes(self) -> None:
        made = divided(examples("ab" * 45, group=30))
        assert [len(ids(made, split)) for split in ("test", "dev", "train")] == [20, 3, 7]
        assert Counter(r.reason for r in made.rejected) == {"straddles": 10 + 27}

    def test_one_group_alone_cannot_be_divided(self) -> None:
        with pytest.raises(DataError, match="dev asks for 3 texts, but 0 are left: the others belong together"):
            divided(examples("ab" * 30, group=60))


class TestShares:
    @settings(deadline=None)
    @given(COUNTS, st.integers(1, 400), st.integers(0, 2))
    def test_they_add_up_and_none_gives_more_than_it_has(self, counts: dict[str, int], total: int, leave: int) -> None:
        shares = share_out(counts, total, leave)
        assert sum(shares.values()) == min(total, sum(counts.values()))
        assert all(0 <= shares[name] <= n for name, n in counts.items())

    @settings(deadline=None)
    @given(COUNTS, st.integers(8, 40))
    def test_each_gives_one_where_all_can(self, counts: dict[str, int], total: int) -> None:
        assert min(share_out(counts, total, 0).values()) >= 1

    def test_a_stratum_keeps_back_as_long_as_others_fill_up(self) -> None:
        assert share_out({"a": 2, "b": 10}, 5, 2) == {"a": 0, "b": 5}
        assert share_out({"a": 2, "b": 10}, 12, 2) == {"a": 2, "b": 10}


class TestGroups:
    def test_near_duplicates_and_named_groups_are_joined(self) -> None:
        texts = ["今天上海的天气非常好，适合出门散步", "今天上海的天气非常好，适合出门跑步", "unrelated", "another one"]
        named = ["", "user 1", "user 1", ""]
        rows = [Example(identify(t), t, "a", group=g) for t, g in zip(texts, named, strict=True)]
        first, second, third, alone = (e.group for e in group_up(rows, 0.5))
        assert first == second == third != alone


def test_labels_added_later_are_all_learned_from_and_move_nobody() -> None:
    rows = examples("ab" * 50)
    later = examples("abc" * 10, start=500, source="later.jsonl")
    before, after = divided(rows), divided([*rows, *later], {"later.jsonl": "added"})
    for split in ("test", "dev"):
        assert ids(after, split) == ids(before, split)
    assert set(ids(after, "train")) == {*ids(before, "train"), *(e.id for e in later)}
    assert after.hidden == before.hidden


def test_labels_added_later_that_are_close_to_one_held_out_go() -> None:
    rows = examples("ab" * 50)
    held = next(e for e in rows if e.id in ids(divided(rows), "test"))
    later = [Example("x", "close", "a", group=held.group, source="later.jsonl")]
    made = divided([*rows, *later], {"later.jsonl": "added"})
    assert [(r.id, r.reason, r.twin) for r in made.rejected] == [("x", "straddles", held.id)]
