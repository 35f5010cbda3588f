"""Pages of the registry: complete, free of stray markup, and within the length limit."""

from typing import Any

import pytest

from satiety.package.card import Facts, describe_gain, describe_sample, render_card
from satiety.package.page import LONGEST, ModelVersion, render_model_page, render_version_page
from satiety.problems import PROBLEMS
from satiety.problems.classify import Classify

DATA = {"train": "1" * 64, "test": "2" * 64}
FACTS = Facts("made-up", "ab" * 20, DATA, ["zh", "en"], 24, {"ingest": {"budget": 30}}, 5)
INTERVAL = {"value": 0.5, "low": 0.4, "high": 0.6}
TAGS = {
    "satiety.metric": "macro_f1",
    "satiety.after": "0.800 [0.700, 0.900]",
    "satiety.difference": "+0.100 [-0.050, +0.200]",
}
DECIDED = {"satiety.decision": "promoted", "satiety.reason": "it is better"}


def make_scores(*names: str) -> dict[str, Any]:
    measured = dict.fromkeys(["accuracy", "macro_f1", *names], INTERVAL)
    metrics = {"before": measured, "after": measured, "difference": measured}
    return {"metric": "macro_f1", "metrics": metrics, "examples": 2000, "confidence_level": 0.95}


def make_problem(*labels: str) -> Classify:
    return Classify.model_validate({"labels": list(labels), "names": {}})


def render_page(*roles: str, **tags: str) -> str:
    return render_version_page(make_problem("bad", "好"), make_scores(), FACTS, ModelVersion("3", roles, TAGS | tags))


def test_the_card_sets_the_realised_gain_beside_the_expected_one() -> None:
    interval = {"value": 0.02, "low": -0.01, "high": 0.05}
    scores: dict[str, Any] = {"metric": "macro_f1", "gain": interval, "labels_only": interval}
    assert describe_gain({"metric": "macro_f1"}) is None
    assert "expected" not in str(describe_gain(scores | {"expected_gain": None}))
    text = str(describe_gain(scores | {"expected_gain": 0.031}))
    assert "macro_f1 +0.020 [-0.010, +0.050]" in text
    assert "Cross-validation had expected +0.031 of raw texts." in text


def test_the_page_of_a_version_contains_its_data_metrics_and_uri() -> None:
    text = render_page()
    for phrase in (
        "2,000 frozen test examples",
        "**labels**: 24 for training, 5 for validation, 1 in quarantine\n",
        "zh, en",
        "`111111111111`",
        "models:/made-up/3",
    ):
        assert phrase in text
    assert text.index("macro_f1") < text.index("accuracy")
    assert "| **macro_f1**&emsp; | 0.500 [0.400, 0.600]&emsp; |" in text
    assert "**+0.500 [+0.400, +0.600]**" in text


@pytest.mark.parametrize(
    ("roles", "tags", "start"),
    [
        (("challenger",), {}, "Not compared yet"),
        (("champion",), DECIDED, "Champion. it is better."),
        ((), DECIDED, "Was promoted. it is better."),
        ((), DECIDED | {"satiety.decision": "kept"}, "Kept. it is better."),
    ],
)
def test_the_page_of_a_version_starts_with_its_status(roles: tuple[str, ...], tags: dict[str, str], start: str) -> None:
    assert render_page(*roles, **tags).startswith(start)


def test_the_page_of_a_model_shows_its_versions_and_loads_the_champion() -> None:
    versions = [ModelVersion("2", ["challenger"], TAGS), ModelVersion("1", ["champion"], TAGS | DECIDED)]
    text = render_model_page(make_problem("bad", "good"), FACTS, versions)
    assert text.startswith("Predict one label per text. Texts in zh, en.")
    assert "`bad`, `good`" in text
    assert (
        "| 1&emsp; | **champion**&emsp; | macro_f1 0.800 [0.700, 0.900]&emsp; | +0.100 [-0.050, +0.200]&emsp; |" in text
    )
    assert "models:/made-up@champion" in text
    assert text.index("| 2&emsp;") < text.index("| 1&emsp;")


def test_without_a_champion_the_newest_is_loaded() -> None:
    assert "models:/made-up/2" in render_model_page(make_problem("bad", "good"), FACTS, [ModelVersion("2", [], {})])


def test_labels_can_neither_break_a_page_nor_make_it_long() -> None:
    labels = [f"a|b`c\nd{i}" + "长" * 500 for i in range(150)]
    names = [f"f1/{name}" for name in labels]
    for text in (
        render_version_page(make_problem(*labels), make_scores(*names), FACTS, ModelVersion("1", [], TAGS)),
        render_model_page(make_problem(*labels), FACTS, [ModelVersion(str(i), [], TAGS) for i in range(50)]),
    ):
        assert len(text) < LONGEST
        assert "c\nd" not in text
        assert "a|b" not in text
    assert "132 more metrics are in the card, 0 of them fell" in render_version_page(
        make_problem(*labels), make_scores(*names), FACTS, ModelVersion("1", [], TAGS)
    )


def test_no_metric_that_fell_is_hidden_behind_those_that_rose() -> None:
    measured = make_scores(*(f"f1/{number}" for number in range(30)))
    loss = {"value": -0.1, "low": -0.2, "high": 0.0}
    measured["metrics"]["difference"] = measured["metrics"]["difference"] | {
        "f1/29": loss,
        "f1/7": loss | {"value": -0.2},
    }
    text = render_version_page(make_problem("bad"), measured, FACTS, ModelVersion("1", [], TAGS))
    assert text.index("macro_f1") < text.index("f1/7&") < text.index("f1/29&") < text.index("accuracy&")
    assert "Of 32 metrics 2 fell. 12 more metrics are in the card, 0 of them fell." in text


def test_the_page_of_a_problem_of_spans_names_them() -> None:
    ner = PROBLEMS["ner"].sample()
    assert "# spans" in render_version_page(ner, make_scores(), FACTS, ModelVersion("1", [], TAGS))


OUT_OF_FOLD = {"scored_on": "out_of_fold", "folds": 10, "examples": 64}


def test_card_and_page_say_that_every_label_was_scored_out_of_fold() -> None:
    scores = make_scores() | OUT_OF_FOLD
    calibration = {"ece": 0.1, "answers": 64, "confidence": 0.8, "accuracy": 0.8}
    phrase = "Scores on 64 labels, each by a model that had not seen it (10 folds)"
    page = render_version_page(make_problem("bad", "好"), scores, FACTS, ModelVersion("3", (), TAGS))
    card = render_card(make_problem("bad", "好"), scores | {"calibration": calibration, "recipe": "linear"}, FACTS, [])
    assert "## Training\n\n- recipe: `linear`\n- labelled examples:" in card
    assert f"### {phrase}" in page
    assert f"## {phrase}" in card
    assert "- There is no test. Each scored model learned from the labels of the other folds" in card
    assert "frozen" not in page + card


def test_what_was_scored_is_said_in_both_languages() -> None:
    assert describe_sample(OUT_OF_FOLD)["zh"] == "在 64 条标注上，每条由未见过它的模型预测（10 折）"
    assert describe_sample({"examples": 2000})["en"] == "on 2,000 test examples"
    assert describe_sample({"examples": 2000, "scored_on": "test"})["zh"] == "在 2,000 条测试样例上"
