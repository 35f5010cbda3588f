"""The numbers of the report, and test sets that are refused."""

import csv
import io
import json
from dataclasses import replace

import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.evaluate import Evaluate
from satiety.evaluate.calibration import calibrate
from satiety.evaluate.report import check_gold, format_calibration, format_confusion, score
from satiety.problems import Prediction
from tests.packaging import answers, build_problem, examples

PARAMS = Evaluate(seed=3, resamples=400, confidence_level=0.95, bins=10, prefix="")


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_the_report_holds_both_scores_their_difference_and_every_metric(kind: str) -> None:
    problem, gold = build_problem(kind), examples(kind, 100)
    predictions_before, predictions_after = answers(gold, 0.5), answers(gold, 0.9)
    calibration = calibrate(problem.confidence_correct(gold, predictions_after), PARAMS.bins)
    systems = {"before": predictions_before, "labels_only": answers(gold, 0.7), "after": predictions_after}
    report = score(problem, gold, systems, params=PARAMS, calibration=calibration)
    assert (report["metric"], report["examples"], report["confidence_level"]) == (problem.headline, 100, 0.95)
    assert report["difference"]["value"] == pytest.approx(
        report["after"]["value"] - report["before"]["value"], abs=2e-6
    )
    assert report["difference"]["low"] > 0
    assert report["gain"]["value"] == pytest.approx(report["after"]["value"] - report["labels_only"]["value"], abs=2e-6)
    assert report["gain"]["low"] > 0
    for side in ("before", "after", "difference"):
        assert set(problem.metrics) <= set(report["metrics"][side])
        assert report["metrics"][side][problem.headline] == report[side]
        assert list(report[side]) == ["value", "low", "high"]
    assert report["calibration"]["answers"] == calibration.answers > 0
    assert "NaN" not in json.dumps(report)


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_perfect_predictions_score_one(kind: str) -> None:
    problem, gold = build_problem(kind), examples(kind, 40)
    truth = answers(gold, 1.0)
    calibration = calibrate(problem.confidence_correct(gold, truth), PARAMS.bins)
    systems = {"before": truth, "labels_only": truth, "after": truth}
    report = score(problem, gold, systems, params=PARAMS, calibration=calibration)
    assert report["after"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert report["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert report["calibration"] == {"ece": 0.2, "answers": calibration.answers, "confidence": 0.8, "accuracy": 1.0}


def test_a_good_test_set_passes() -> None:
    check_gold(build_problem("classify"), examples("classify", 2))
    check_gold(build_problem("ner"), examples("ner", 2))


def test_an_empty_test_set_is_refused() -> None:
    with pytest.raises(DataError, match=r"there are no test examples; increase `ingest.test`"):
        check_gold(build_problem("classify"), [])


def test_a_test_set_of_one_class_is_refused() -> None:
    with pytest.raises(DataError, match="all 5 test examples have the label '好'"):
        check_gold(
            build_problem("classify"), [replace(example, answer=Label("好")) for example in examples("classify", 5)]
        )


def test_a_test_set_without_any_entity_is_refused() -> None:
    with pytest.raises(DataError, match="predictions on the 3 test examples reach only entity_f1 0: their gold"):
        check_gold(build_problem("ner"), [Example(str(i), {"text": "没有"}) for i in range(3)])


def test_confusion_has_a_row_for_each_pair_whatever_the_label_is_called() -> None:
    gold = [Example("1", {"text": "x"}, answer=Label('a,"b"')), Example("2", {"text": "y"}, answer=Label("好\n坏"))]
    text = format_confusion(build_problem("classify"), gold, [Prediction(Label("好\n坏")), Prediction(Label("好\n坏"))])
    assert list(csv.reader(io.StringIO(text))) == [["gold", "predicted"], ['a,"b"', "好\n坏"], ["好\n坏", "好\n坏"]]


def test_calibration_has_a_row_for_each_bin_that_holds_something() -> None:
    rows = format_calibration(calibrate([(0.9, True), (0.9, False), (0.2, False)], bins=10)).splitlines()
    assert rows == ["confidence,accuracy,count", "0.200000,0.000000,1", "0.900000,0.500000,2"]
