"""The year's worlds: the same every time, one word for one word, labels in the shares asked for; English, Chinese."""

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


def texts(language: str, count: int = 300) -> list[Example]:
    draw = random.Random(4)
    labels = draw.choices(["good", "good", "bad"], k=count)
    lexica = {"good": GOOD, "bad": BAD}
    return [
        Example(f"{i}", {"text": sentence(draw, language, lexica[one][language])}, Label(one))
        for i, one in enumerate(labels)
    ]


def year(**changes: Any) -> Year:
    return Year.model_validate(YEAR.model_dump() | changes)


def vocabulary(shares: list[float], **more: int) -> dict[str, Any]:
    size = {"spared": 2, "commonest": 30, "replaced": 12} | more
    return {"kind": "vocabulary", "first": 1, "last": len(shares), "shares": shares, **size}


def test_the_plan_has_each_shift_alone_and_quiet_months_first() -> None:
    planted = [make_scenario(YEAR, month).planted for month in range(1, YEAR.months + 1)]
    assert planted[:2] == [(), ()]
    assert set(planted) == {(), ("opening",), ("labels",), ("vocabulary",)}
    shares = [make_scenario(YEAR, month).renamed for month in range(7, 13)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_has_one_new_name_which_no_other_has_and_which_is_no_old_word(language: str) -> None:
    examples = texts(language)
    planned = year(shifts=[vocabulary([1.0])])
    new = choose_replacements(planned, examples)
    assert new == choose_replacements(planned, list(examples))
    assert new != choose_replacements(planned.model_copy(update={"seed": 1}), examples)
    assert len(new) == len(set(new.values())) == 12
    old = {one.text[a:b].lower() for one in examples for a, b in split_words(one.text)}
    assert not old & set(new.values())
    common = Counter(word for one in examples for word in {one.text[a:b].lower() for a, b in split_words(one.text)})
    assert not {word for word, _ in common.most_common(2)} & set(new), "the commonest stay"
    assert all((max(name) > "\u4e00") == (language == "zh") for name in new.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_in_the_new_words_have_them_throughout_and_stay_so_as_the_share_grows(language: str) -> None:
    examples, planned = texts(language), year(shifts=[vocabulary([0.3, 0.7, 1.0])])
    new = choose_replacements(planned, examples)
    changed = []
    for month in (1, 2, 3):
        then = [write_example(one, make_scenario(planned, month), new) for one in examples]
        assert [str(one.answer) for one in then] == [str(one.answer) for one in examples]
        changed.append({a.id for a, b in zip(examples, then, strict=True) if a.text != b.text})
        for one in then:
            if one.id in changed[-1]:
                assert not {one.text[a:b].lower() for a, b in split_words(one.text)} & set(new)
    assert changed[0] < changed[1] < changed[2]
    assert [len(part) / len(examples) for part in changed] == pytest.approx([0.3, 0.7, 1.0], abs=0.08)


@pytest.mark.parametrize(("language", "opening"), [("en", "RT @user: "), ("zh", "转发：")])
def test_an_opening_stands_before_the_text_and_changes_nothing_else(language: str, opening: str) -> None:
    now = make_scenario(year(shifts=[{"kind": "opening", "first": 2, "last": 2, "opening": opening}]), 2)
    for one in texts(language, 20):
        assert write_example(one, now, {}).text == opening + one.text
    assert write_example(one, Scenario(1), {}) == one


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_come_in_the_shares_asked_for_and_no_text_twice(language: str) -> None:
    examples = texts(language)
    found = draw_examples(examples, 60, {"good": 0.25, "bad": 0.75}, random.Random(1))
    assert Counter(str(one.answer) for one in found) == {"good": 15, "bad": 45}
    assert len({one.id for one in found}) == 60
    assert found == draw_examples(examples, 60, {"good": 0.25, "bad": 0.75}, random.Random(1))
    usual = draw_examples(examples, 150, None, random.Random(1))
    assert Counter(str(one.answer) for one in usual)["good"] / 150 == pytest.approx(2 / 3, abs=0.1)


def test_more_than_there_is_names_the_label() -> None:
    with pytest.raises(DataError, match=r"year: 270 texts of label 'bad' are asked for, but \d+ are left"):
        draw_examples(texts("en"), 300, {"good": 0.1, "bad": 0.9}, random.Random(1))
    with pytest.raises(DataError, match="year: 301 texts are asked for, but 300 are left"):
        draw_examples(texts("en"), 301, None, random.Random(1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"drawn": 501}, "501 answers cannot be drawn where 500 are given"),
        ({"shifts": [vocabulary([0.5]) | {"last": 2}]}, "shares: 1 for months 1 to 2; give one for each"),
        ({"shifts": [{"kind": "opening", "first": 3, "last": 2, "opening": ""}]}, "month 2 is before the first, 3"),
        ({"shifts": [{"kind": "labels", "first": 1, "last": 1, "shares": {"a": 0.4}}]}, "together 0.4; make it 1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_its_line(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "year.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(FILE.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ParamsError, match=said):
        Year.read(path)


def lived() -> dict[str, Any]:
    """Return a year of three months, as year.json has it."""

    def interval(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.03, "high": value + 0.03}

    def month(number: int, verdict: str, done: str | None) -> dict[str, Any]:
        scores = {"champion": interval(0.6), "first": interval(0.61 - 0.05 * number), "difference": interval(0.0)}
        retraining = done and {"decision": done, "asked_by": "schedule", "because": "<b>why</b>", "learned": 1}
        planted = {"month": number, "planted": ["vocabulary"] * (number == 2), "renamed": 0.5 * (number == 2)}
        told = {"verdict": verdict, "estimate": interval(0.58), "true": scores, "retraining": retraining}
        return {"world": planted, "asked": 0.6, **told}

    months = [month(1, "no drift", None), month(2, "harmful drift", "promoted"), month(3, "drift without harm", "kept")]
    plan = {"judged": 2000, "texts": 500, "drawn": 100}
    errors = {"error": 0.02, "intervals that held the truth": 3}
    return {"metric": "macro_f1", "plan": plan, "months": months, **errors}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_every_month_escapes_what_it_is_given_and_draws_two_sizes(language: str) -> None:
    made = page(lived(), language)  # type: ignore[arg-type]
    assert made.count("<svg") == 2
    assert made.count('class="dots"') == 2 * 2
    assert "&lt;b&gt;why&lt;/b&gt;" in made
    assert "<script" not in made
    assert "1 of 2 challengers" in made or "2 个挑战者中有 1 个" in made
    assert made == page(lived(), language)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_a_sign_and_a_wording_for_whatever_comes_of_a_retraining(language: str) -> None:
    told = lived()
    for decision in ("promoted", "kept", "refused", "none"):
        told["months"][1]["retraining"]["decision"] = decision
        made = page(told, language)  # type: ignore[arg-type]
        assert wordings()[f"year.{decision}"][language] in made  # type: ignore[index]
