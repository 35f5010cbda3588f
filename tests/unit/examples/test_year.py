"""The simulated shifts of the year: reproducible, one new word per old word, labels in the planned shares."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.year.page import page
from examples.year.plan import FILE, Year
from examples.year.scenarios import Scenario, choose_replacements, draw_examples, make_scenario, write_example
from satiety.core.answers import Label
from satiety.core.errors import DataError, ParamsError
from satiety.core.records import Example
from satiety.report.render import texts as wordings
from satiety.text.words import split_words
from tests.pipeline.made import BAD, GOOD, sentence

YEAR = Year.read()
LANGUAGES = ["en", "zh"]


def build_examples(language: str, count: int = 300) -> list[Example]:
    draw = random.Random(4)
    labels = draw.choices(["good", "good", "bad"], k=count)
    lexica = {"good": GOOD, "bad": BAD}
    return [
        Example(f"{i}", {"text": sentence(draw, language, lexica[label][language])}, Label(label))
        for i, label in enumerate(labels)
    ]


def build_plan(**changes: Any) -> Year:
    return Year.model_validate(YEAR.model_dump() | changes)


def build_vocabulary_shift(shares: list[float], **sizes: int) -> dict[str, Any]:
    fields = {"spared": 2, "commonest": 30, "replaced": 12} | sizes
    return {"kind": "vocabulary", "first": 1, "last": len(shares), "shares": shares, **fields}


def test_the_plan_has_each_shift_alone_and_quiet_months_first() -> None:
    planted = [make_scenario(YEAR, month).planted for month in range(1, YEAR.months + 1)]
    assert planted[:2] == [(), ()]
    assert set(planted) == {(), ("opening",), ("labels",), ("vocabulary",)}
    shares = [make_scenario(YEAR, month).renamed for month in range(7, 13)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_replacements_are_unique_and_no_original_words(language: str) -> None:
    examples = build_examples(language)
    planned = build_plan(shifts=[build_vocabulary_shift([1.0])])
    replacements = choose_replacements(planned, examples)
    assert replacements == choose_replacements(planned, list(examples))
    assert replacements != choose_replacements(planned.model_copy(update={"seed": 1}), examples)
    assert len(replacements) == len(set(replacements.values())) == 12
    original_words = {example.text[a:b].lower() for example in examples for a, b in split_words(example.text)}
    assert not original_words & set(replacements.values())
    common = Counter(
        word for example in examples for word in {example.text[a:b].lower() for a, b in split_words(example.text)}
    )
    assert not {word for word, _ in common.most_common(2)} & set(replacements), "the most common words stay"
    assert all((max(name) > "\u4e00") == (language == "zh") for name in replacements.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_changed_texts_have_only_new_words_and_stay_changed_as_the_share_grows(language: str) -> None:
    examples, planned = build_examples(language), build_plan(shifts=[build_vocabulary_shift([0.3, 0.7, 1.0])])
    replacements = choose_replacements(planned, examples)
    changed = []
    for month in (1, 2, 3):
        month_examples = [write_example(example, make_scenario(planned, month), replacements) for example in examples]
        assert [str(example.answer) for example in month_examples] == [str(example.answer) for example in examples]
        changed.append({a.id for a, b in zip(examples, month_examples, strict=True) if a.text != b.text})
        for example in month_examples:
            if example.id in changed[-1]:
                assert not {example.text[a:b].lower() for a, b in split_words(example.text)} & set(replacements)
    assert changed[0] < changed[1] < changed[2]
    assert [len(part) / len(examples) for part in changed] == pytest.approx([0.3, 0.7, 1.0], abs=0.08)


@pytest.mark.parametrize(("language", "opening"), [("en", "RT @user: "), ("zh", "转发：")])
def test_an_opening_stands_before_the_text_and_changes_nothing_else(language: str, opening: str) -> None:
    scenario = make_scenario(build_plan(shifts=[{"kind": "opening", "first": 2, "last": 2, "opening": opening}]), 2)
    for example in build_examples(language, 20):
        assert write_example(example, scenario, {}).text == opening + example.text
    assert write_example(example, Scenario(1), {}) == example


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_have_the_planned_shares_and_no_text_comes_twice(language: str) -> None:
    examples = build_examples(language)
    drawn_examples = draw_examples(examples, 60, {"good": 0.25, "bad": 0.75}, random.Random(1))
    assert Counter(str(example.answer) for example in drawn_examples) == {"good": 15, "bad": 45}
    assert len({example.id for example in drawn_examples}) == 60
    assert drawn_examples == draw_examples(examples, 60, {"good": 0.25, "bad": 0.75}, random.Random(1))
    usual = draw_examples(examples, 150, None, random.Random(1))
    assert Counter(str(example.answer) for example in usual)["good"] / 150 == pytest.approx(2 / 3, abs=0.1)


def test_too_few_texts_are_refused_with_the_label() -> None:
    with pytest.raises(DataError, match=r"year: 270 texts of label 'bad' are asked for, but \d+ are left"):
        draw_examples(build_examples("en"), 300, {"good": 0.1, "bad": 0.9}, random.Random(1))
    with pytest.raises(DataError, match="year: 301 texts are asked for, but 300 are left"):
        draw_examples(build_examples("en"), 301, None, random.Random(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drawn": 501}, "501 answers cannot be drawn where 500 are given"),
        ({"shifts": [build_vocabulary_shift([0.5]) | {"last": 2}]}, "shares: 1 for months 1 to 2; give one for each"),
        ({"shifts": [{"kind": "opening", "first": 3, "last": 2, "opening": ""}]}, "month 2 is before the first, 3"),
        ({"shifts": [{"kind": "labels", "first": 1, "last": 1, "shares": {"a": 0.4}}]}, "together 0.4; make it 1"),
    ],
)
def test_invalid_plan_is_refused_with_its_line(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "year.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(FILE.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        Year.read(path)


def simulate_year() -> dict[str, Any]:
    """Return a year of three months, as year.json has it."""

    def build_interval(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.03, "high": value + 0.03}

    def build_month(number: int, verdict: str, decision: str | None) -> dict[str, Any]:
        scores = {
            "champion": build_interval(0.6),
            "first": build_interval(0.61 - 0.05 * number),
            "difference": build_interval(0.0),
        }
        retraining = decision and {
            "decision": decision,
            "trigger": "schedule",
            "reason": "<b>why</b>",
            "train_labels": 1,
        }
        planted = {"month": number, "planted": ["vocabulary"] * (number == 2), "renamed": 0.5 * (number == 2)}
        outcome = {"verdict": verdict, "estimate": build_interval(0.58), "true": scores, "retraining": retraining}
        return {"world": planted, "traffic_score": 0.6, **outcome}

    months = [
        build_month(1, "no drift", None),
        build_month(2, "harmful drift", "promoted"),
        build_month(3, "drift without harm", "kept"),
    ]
    plan = {"judged": 2000, "texts": 500, "drawn": 100}
    errors = {"error": 0.02, "intervals that held the truth": 3}
    return {"metric": "macro_f1", "plan": plan, "months": months, **errors}


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_every_month_in_two_sizes_and_escapes_texts(language: str) -> None:
    html = page(simulate_year(), language)  # type: ignore[arg-type]
    assert html.count("<svg") == 2
    assert html.count('class="dots"') == 2 * 2
    assert "&lt;b&gt;why&lt;/b&gt;" in html
    assert "<script" not in html
    assert "1 of 2 challengers" in html or "2 个挑战者中有 1 个" in html
    assert html == page(simulate_year(), language)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_a_text_for_every_outcome_of_a_retraining(language: str) -> None:
    report = simulate_year()
    for decision in ("promoted", "kept", "refused", "none"):
        report["months"][1]["retraining"]["decision"] = decision
        html = page(report, language)  # type: ignore[arg-type]
        assert wordings()[f"year.{decision}"][language] in html  # type: ignore[index]
