"""Test is frozen, the budget is spent once, groups never straddle, and no example is lost."""

from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.inputs import content_id
from satiety.core.project import make_placeholder
from satiety.core.records import Example
from satiety.ingest import DEV_SHARE, Ingest
from satiety.ingest.split import Partition, allocate, divide, link

COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=1)


def make_example(text: str, label: str, **fields: str) -> Example:
    return Example(content_id({"text": text}), {"text": text}, Label(label), **fields)


def make_examples(labels: str, start: int = 0, group: int = 1, source: str = "a.csv") -> list[Example]:
    """Return one example per letter, which is its label; each ``group`` consecutive examples are one group."""
    rows = []
    for i, label in enumerate(labels, start=start):
        text = f"第{i}条"
        rows.append(
            Example(
                content_id({"text": text}),
                {"text": text},
                Label(label),
                group=content_id({"text": f"第{i - i % group}条"}),
                source=source,
            )
        )
    return rows


def split_examples(rows: list[Example], bound: Any = None, **size_changes: Any) -> Partition:
    sizes = {"seed": 1, "test": 20, "budget": 10, "dev": 0.3} | size_changes
    return divide(rows, link(rows, 0.65), bound or {}, lambda e: str(e.answer), **sizes)


def list_ids(partition: Partition, split: str) -> list[str]:
    return [e.id for e in partition.examples if e.split == split]


def test_every_example_has_one_place_and_the_sizes_are_as_requested() -> None:
    rows = make_examples("ab" * 50)
    partition = split_examples(rows)
    assert [len(list_ids(partition, split)) for split in ("test", "dev", "train")] == [20, 3, 7]
    assert (len(partition.hidden), partition.rejected) == (70, [])
    assert sorted([e.id for e in partition.examples] + [d.id for d in partition.hidden]) == sorted(e.id for e in rows)
    assert {document.origin for document in partition.hidden} == {"unlabelled"}


def test_every_split_has_the_proportions_of_the_whole() -> None:
    partition = split_examples(make_examples("aab" * 100), test=60, budget=30, dev=0.2)
    counts = {
        split: Counter(str(e.answer) for e in partition.examples if e.split == split)
        for split in ("test", "dev", "train")
    }
    assert counts == {"test": {"a": 40, "b": 20}, "dev": {"a": 4, "b": 2}, "train": {"a": 16, "b": 8}}


def test_equal_seeds_give_equal_splits_in_any_order_and_different_seeds_do_not() -> None:
    rows = make_examples("ab" * 50)
    assert split_examples(rows) == split_examples(rows[::-1])
    assert list_ids(split_examples(rows), "test") != list_ids(split_examples(rows, seed=2), "test")


def test_new_data_moves_few_examples_out_of_test() -> None:
    original = set(list_ids(split_examples(make_examples("ab" * 100)), "test"))
    extended = set(list_ids(split_examples(make_examples("ab" * 110)), "test"))
    assert len(original & extended) >= 16


def test_another_budget_leaves_test_as_it_was() -> None:
    rows = make_examples("ab" * 50)
    assert list_ids(split_examples(rows), "test") == list_ids(split_examples(rows, budget=40), "test")


@settings(max_examples=40)
@given(st.text("abc", min_size=60, max_size=100), st.integers(1, 4))
def test_groups_never_straddle(labels: str, group: int) -> None:
    partition = split_examples(make_examples(labels, group=group), test=12, budget=10)
    places: dict[str, set[str]] = defaultdict(set)
    for e in partition.examples:
        places[e.group].add(e.split)
    assert all(len(splits) == 1 for splits in places.values())
    held_out = {e.group for e in partition.examples if e.split != "train"}
    groups = {e.id: e.group for e in make_examples(labels, group=group)}
    assert not [d for d in partition.hidden if groups[d.id] in held_out]


class TestRareClasses:
    def test_a_class_of_one_is_for_training(self) -> None:
        partition = split_examples(make_examples("ab" * 50 + "c"))
        assert [e.split for e in partition.examples if str(e.answer) == "c"] == ["train"]

    def test_a_class_of_three_is_in_every_split(self) -> None:
        partition = split_examples(make_examples("ab" * 50 + "ccc"))
        assert sorted(e.split for e in partition.examples if str(e.answer) == "c") == ["dev", "test", "train"]


class TestBoundSources:
    def test_a_bound_source_goes_to_its_split(self) -> None:
        train, test = make_examples("ab" * 20), make_examples("ab" * 15, start=100, source="t.csv")
        partition = split_examples(train + test, {"t.csv": "test"})
        assert set(list_ids(partition, "test")) < {e.id for e in test}
        assert Counter(r.reason for r in partition.rejected) == {"spare": 10}
        assert partition.rejected[0].detail == "its source is reserved for test, which is complete"
        assert len(partition.hidden) == 30

    def test_a_smaller_test_source_is_taken_whole(self) -> None:
        partition = split_examples(
            make_examples("ab" * 20) + make_examples("abab", start=100, source="t.csv"), {"t.csv": "test"}
        )
        assert len(list_ids(partition, "test")) == 4

    def test_a_text_close_to_a_held_out_text_is_rejected(self) -> None:
        test = make_examples("ab" * 10, start=100, source="t.csv")
        close = [make_example(f"近{i}", "a", group=e.group, source="a.csv") for i, e in enumerate(test)]
        partition = split_examples(make_examples("ab" * 20) + close + test, {"t.csv": "test"})
        assert sorted((r.reason, r.twin) for r in partition.rejected) == sorted(("straddles", e.id) for e in test)

    def test_all_three_splits_may_have_sources(self) -> None:
        rows = [make_examples("ab" * 20, start=i * 100, source=s) for i, s in enumerate(("train", "dev", "test"))]
        partition = split_examples([e for part in rows for e in part], {"train": "train", "dev": "dev", "test": "test"})
        assert all(e.source == e.split for e in partition.examples)


class TestNotEnough:
    @pytest.mark.parametrize("labels", ["ab" * 14, ""])
    def test_too_few_examples_are_refused_with_their_count(self, labels: str) -> None:
        message = (
            rf"{len(labels)} labelled texts remain after cleaning, but test 20 \+ dev 3 \+ train 7 = 30 are "
            r"needed; lower ingest\.test or ingest\.budget, or add labelled data"
        )
        with pytest.raises(DataError, match=message):
            split_examples(make_examples(labels))

    def test_just_enough_examples_are_divided(self) -> None:
        assert len(split_examples(make_examples("ab" * 15)).examples) == 30

    def test_a_group_that_is_too_large_is_cut_and_the_rest_is_rejected(self) -> None:
        partition = split_examples(make_examples("ab" * 45, group=30))
        assert [len(list_ids(partition, split)) for split in ("test", "dev", "train")] == [20, 3, 7]
        assert Counter(r.reason for r in partition.rejected) == {"straddles": 10 + 27}

    def test_one_group_alone_cannot_be_divided(self) -> None:
        with pytest.raises(DataError, match="dev needs 3 texts, but only 0 are available; the others are similar"):
            split_examples(make_examples("ab" * 30, group=60))


class TestShares:
    @given(COUNTS, st.integers(1, 400), st.integers(0, 2))
    def test_shares_add_up_and_no_stratum_gives_more_than_it_has(
        self, counts: dict[str, int], total: int, leave: int
    ) -> None:
        shares = allocate(counts, total, leave)
        assert sum(shares.values()) == min(total, sum(counts.values()))
        assert all(0 <= shares[name] <= n for name, n in counts.items())

    @given(COUNTS, st.integers(8, 40))
    def test_every_stratum_gives_at_least_one_where_possible(self, counts: dict[str, int], total: int) -> None:
        assert min(allocate(counts, total, 0).values()) >= 1

    def test_a_stratum_keeps_its_reserve_as_long_as_others_suffice(self) -> None:
        assert allocate({"a": 2, "b": 10}, 5, 2) == {"a": 0, "b": 5}
        assert allocate({"a": 2, "b": 10}, 12, 2) == {"a": 2, "b": 10}


class TestGroups:
    def test_similar_texts_and_named_groups_form_one_group(self) -> None:
        texts = ["今天上海的天气非常好，适合出门散步", "今天上海的天气非常好，适合出门跑步", "unrelated", "another one"]
        group_names = ["", "user 1", "user 1", ""]
        rows = [
            Example(content_id({"text": t}), {"text": t}, Label("a"), group=g)
            for t, g in zip(texts, group_names, strict=True)
        ]
        groups = _get_groups_in_test(rows)
        first, second, third, fourth = (groups[content_id({"text": text})] for text in texts)
        assert first == second == third != fourth

    def test_a_text_close_to_a_held_out_group_is_rejected_and_the_rest_of_its_own_group_stays(self) -> None:
        close = [f"今天上海的天气非常好，适合出门{x}" for x in ("散步", "跑步")]
        rows = [*make_examples("ab" * 30), *make_examples("ab" * 10, start=500, source="t.csv")]
        rows += [Example("held", {"text": close[0]}, Label("a"), group="one", source="t.csv")]
        rows += [
            Example("near", {"text": close[1]}, Label("a"), group="two"),
            Example("free", {"text": "一句无关的话"}, Label("a"), group="two"),
        ]
        partition = split_examples(rows, {"t.csv": "test"}, test=21, budget=60)
        assert [(r.id, r.twin) for r in partition.rejected] == [("near", "held")]
        assert "free" in {e.id for e in partition.examples} | {d.id for d in partition.hidden}


def _get_groups_in_test(rows: list[Example]) -> dict[str, str]:
    """Return the group of each row in a test split that contains all of them."""
    sources = [Example(e.id, {"text": e.text}, e.answer, group=e.group, source="t.csv") for e in rows]
    partition = split_examples([*sources, *make_examples("ab" * 10)], {"t.csv": "test"}, test=len(rows))
    return {e.id: e.group for e in partition.examples if e.split == "test"}


class TestChance:
    """The chance of a text to be in test does not depend on similar texts or on its group."""

    SEEDS = range(400)

    def measure_chances(self, rows: list[Example], kinds: dict[str, str], test: int) -> dict[str, float]:
        """Return the mean share of each kind of text that is in test."""
        ties, counts, sizes = link(rows, 0.65), Counter[str](), Counter(kinds.values())
        for seed in self.SEEDS:
            partition = divide(rows, ties, {}, lambda e: str(e.answer), seed=seed, test=test, budget=2, dev=0.5)
            test_ids = list_ids(partition, "test")
            assert len(test_ids) == test
            counts.update(kinds[name] for name in test_ids)
        return {kind: counts[kind] / sizes[kind] / len(self.SEEDS) for kind in sizes}

    def test_the_chance_of_near_duplicates(self) -> None:
        rows, kinds = make_examples("ab" * 150), dict[str, str]()
        for number, size in enumerate([2] * 12 + [5] * 6 + [20] * 3):
            for i in range(size):
                text = f"Dear customer {number * 7919}, thank you for your order of last week, it is on its way, no {i}"
                rows.append(make_example(text, "ab"[i % 2]))
                kinds[rows[-1].id] = f"near {size}"
        kinds |= {e.id: "alone" for e in rows if e.id not in kinds}
        chances = self.measure_chances(rows, kinds, test=80)
        assert set(chances) == {"near 2", "near 5", "near 20", "alone"}
        assert all(abs(chance - 80 / len(rows)) < 0.01 for chance in chances.values()), chances

    @pytest.mark.parametrize("singles", [300, 0])
    def test_the_chance_of_groups_named_by_the_user(self, singles: int) -> None:
        rows, kinds = make_examples("ab" * (singles // 2)), dict[str, str]()
        for number, size in enumerate([2] * 40 + [5] * 16 + [16] * 8):
            for i in range(size):
                text = f"组{number}的第{i}条"
                rows.append(make_example(text, "ab"[i % 2], group=f"user {number}"))
                kinds[rows[-1].id] = f"group of {size}"
        kinds |= {e.id: "alone" for e in rows if e.id not in kinds}
        chances = self.measure_chances(rows, kinds, test=90)
        assert all(abs(chance - 90 / len(rows)) < 0.03 for chance in chances.values()), chances


class TestFrozen:
    TEXTS = tuple(
        " ".join("".join(Random(i + k).choices("abcdefgh", k=6)) for k in range(0, 900, 100)) for i in range(80)
    )
    ROWS = tuple(make_example(text, "ab"[i % 2]) for i, text in enumerate(TEXTS))

    def test_a_new_member_of_a_group_moves_no_text_of_it_out_of_test(self) -> None:
        for twin in self.ROWS[::4]:
            original = set(list_ids(split_examples([*self.ROWS]), "test"))
            newcomer = Example("new", {"text": f"{twin.text} now"}, twin.answer)
            partition = split_examples([*self.ROWS, newcomer])
            extended = set(list_ids(partition, "test"))
            assert len(original - extended) <= 1, "only where the newcomer is drawn, or the shares of the strata change"
            assert twin.id not in original - extended
            if twin.id in original and "new" not in extended:
                assert [(r.id, r.twin) for r in partition.rejected if r.id == "new"] == [("new", twin.id)]

    def test_texts_close_to_a_test_text_are_in_no_split(self) -> None:
        near_copies = [Example(f"near {e.id}", {"text": f"{e.text} now"}, e.answer) for e in self.ROWS]
        partition = split_examples([*self.ROWS, *near_copies])
        test = {name.removeprefix("near ") for name in list_ids(partition, "test")}
        other_ids = [*(e.id for e in partition.examples if e.split != "test"), *(d.id for d in partition.hidden)]
        assert len(partition.rejected) >= 15, "the copies of texts in test"
        assert not test & {name.removeprefix("near ") for name in other_ids}


def test_labels_added_later_are_all_in_train_and_move_no_example() -> None:
    rows = make_examples("ab" * 50)
    later = make_examples("abc" * 10, start=500, source="later.jsonl")
    original, extended = split_examples(rows), split_examples([*rows, *later], {"later.jsonl": "extra"})
    for split in ("test", "dev"):
        assert list_ids(extended, split) == list_ids(original, split)
    assert set(list_ids(extended, "train")) == {*list_ids(original, "train"), *(e.id for e in later)}
    assert extended.hidden == original.hidden


def test_labels_added_later_that_are_close_to_a_held_out_text_are_rejected() -> None:
    rows = make_examples("ab" * 50)
    held_out = next(e for e in rows if e.id in list_ids(split_examples(rows), "test"))
    later = [Example("x", {"text": "close"}, Label("a"), group=held_out.group, source="later.jsonl")]
    partition = split_examples([*rows, *later], {"later.jsonl": "extra"})
    assert [(r.id, r.reason, r.twin) for r in partition.rejected] == [("x", "straddles", held_out.id)]


def test_without_a_share_for_dev_every_label_trains() -> None:
    partition = split_examples(make_examples("ab" * 50), dev=0)
    assert [len(list_ids(partition, split)) for split in ("test", "dev", "train")] == [20, 0, 10]


def test_a_source_for_dev_takes_its_share_of_the_budget_without_a_param() -> None:
    values = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["ingest"]
    source = values["labelled"][0]
    shares = [
        Ingest.model_validate(values | {"labelled": sources} | changes, context=make_placeholder()).dev_share
        for sources, changes in (
            ([source], {}),
            ([source, source | {"split": "dev"}], {}),
            ([source, source | {"split": "dev"}], {"dev": 0.4}),
        )
    ]
    assert shares == [0, DEV_SHARE, 0.4]


class TestAuto:
    """A test needs 200 labelled texts beyond the budget; with fewer there is none, and 2,000 suffice."""

    @pytest.mark.parametrize(
        ("count", "size"), [(64, 0), (263, 0), (264, 200), (1064, 1000), (2064, 2000), (2500, 2000)]
    )
    def test_it_is_what_the_budget_leaves(self, count: int, size: int) -> None:
        rows = make_examples("ab" * (count // 2) + "a" * (count % 2))
        partition = split_examples(rows, test="auto", budget=64, dev=0)
        assert (len(list_ids(partition, "test")), len(list_ids(partition, "train"))) == (size, 64)
        assert len(partition.hidden) == count - size - 64, "the budget stays honest: other labels are not spent"

    def test_it_draws_the_texts_that_the_number_would_draw(self) -> None:
        rows = make_examples("aab" * 900)
        assert split_examples(rows, test="auto", budget=64) == split_examples(rows, test=2000, budget=64)

    def test_near_duplicates_of_the_test_cost_no_label_of_the_budget(self) -> None:
        """Of a test of all 240 that are left, they could not train: the test is smaller by them, or there is none."""
        draw = Random(1)
        stems = ["".join(draw.choices("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往", k=40)) for _ in range(152)]
        rows = [make_example(f"{stem}{ending}", "ab"[i % 2]) for i, stem in enumerate(stems) for ending in "甲乙"]
        partition = split_examples(rows, test="auto", budget=64, dev=0)
        sizes = [len(list_ids(partition, split)) for split in ("test", "train")]
        assert sizes[1] == 64
        assert sizes[0] == 0 or 200 <= sizes[0] < 240
        with pytest.raises(DataError, match=r"train needs 64 texts, but only \d+ are available"):
            split_examples(rows, test=240, budget=64, dev=0)

    def test_without_a_test_no_text_is_rejected(self) -> None:
        partition = split_examples(make_examples("ab" * 40, group=4), test="auto", budget=64, dev=0)
        assert (list_ids(partition, "test"), partition.rejected, len(partition.hidden)) == ([], [], 16)

    @pytest.mark.parametrize("count", [30, 300, 2300])
    def test_a_source_for_test_is_used_whatever_its_size(self, count: int) -> None:
        rows = [*make_examples("ab" * 32), *make_examples("ab" * (count // 2), start=64, source="t.csv")]
        partition = split_examples(rows, {"t.csv": "test"}, test="auto", budget=64, dev=0)
        assert len(list_ids(partition, "test")) == min(count, 2000)
        assert len(list_ids(partition, "train")) == 64

    def test_a_number_is_used_as_it_is(self) -> None:
        rows = make_examples("ab" * 200)
        assert len(list_ids(split_examples(rows, test=50, budget=64), "test")) == 50
        assert list_ids(split_examples(rows, test=0, budget=64), "test") == []

    def test_too_few_labels_are_refused_without_a_word_about_a_test(self) -> None:
        with pytest.raises(DataError, match=r"but train 64 = 64 are needed; lower ingest\.budget, or add"):
            split_examples(make_examples("ab" * 30), test="auto", budget=64, dev=0)
