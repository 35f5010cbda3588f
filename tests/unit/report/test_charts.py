"""Charts: the same bytes each time, in the page's colours, with every name as text and never as markup."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from satiety.report.charts.canvas import COLOURS, draw
from satiety.report.charts.intervals import axis_ends, scores_on_one_axis, whisker
from satiety.report.charts.learning import LabelAxis, LeverMark, learning_curve
from satiety.report.charts.series import Period, ScoreLine, TopicSeries, time_series, topic_panels

NASTY = "<script>$x^2$ 标注"
TEXTS = dict.fromkeys(("metric", "labels", "beyond", "limit", "worth"), NASTY)
CURVE = [{"labels": n, "value": 0.4 + n / 300, "low": 0.38 + n / 300, "high": 0.42 + n / 300} for n in (0, 10, 20, 40)]
FIT = {"line": [{**point, "labels": point["labels"] * 2} for point in CURVE], "asymptote": CURVE[-1]}
SCORE = {"value": 0.5, "low": 0.4, "high": 0.6}


def build_mark(number: int, value: float | None, verdict: str = "worth it", budget: int = 20) -> LeverMark:
    worth = {"value": value, "low": value and value / 2, "high": None}
    return LeverMark(number, budget, 0.4 + (value or 50) / 300, 0.4, 0.6, worth, verdict, number == 1)


def parse_svg(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314


MARKS = [build_mark(1, 35), build_mark(2, None), build_mark(3, 0.0, "harmful"), build_mark(4, 12, "not worth it here")]
MARKS.append(build_mark(5, 38, "inconclusive", 40))
UPPER = ScoreLine(NASTY, [0.5, 0.6, 0.5], "help", dashed=False)
LINES = (UPPER, ScoreLine("other", [0.5, 0.4, 0.5], "harm", dashed=True))
ROWS = {NASTY: [("▲", "harm"), ("", "even"), ("○", "even")]}
TOPIC = TopicSeries([1, 9, 2], [1, 1, 1], [5, 5, 5], 1, [1], [2], [(1, SCORE)], [9, 20, 9])
CHARTS: dict[str, Any] = {
    "whisker": lambda: whisker({"value": None, "low": None, "high": None}, (-1.0, 1.0)),
    "scores": lambda: scores_on_one_axis({NASTY: SCORE}, 0.3, NASTY, wide=True),
    "curve": lambda: learning_curve(CURVE, FIT, MARKS, TEXTS, wide=True),
    "series": lambda: time_series(LINES, [SCORE] * 3, [Period(NASTY, 2, 3)], ROWS, (NASTY, NASTY), wide=True),
    "panels": lambda: topic_panels(TOPIC, dict.fromkeys(("negative", "share", "volume"), NASTY), ("a", "b")),
    "curve alone": lambda: learning_curve(CURVE[1:2], None, [], TEXTS, wide=False),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
class TestEveryChart:
    def test_is_the_same_each_time(self, chart: Any) -> None:
        assert chart() == chart()

    def test_is_well_formed_and_has_the_page_s_colours_and_fonts(self, chart: Any) -> None:
        svg = chart()
        assert parse_svg(svg).tag == "svg"
        assert "var(--ink)" in svg
        assert not [word for word in ("#0", "font:", "DejaVu", "url(", "<script", "date") if word in svg]

    def test_texts_are_not_markup(self, chart: Any) -> None:
        svg = chart()
        texts = ["".join(text.itertext()) for text in parse_svg(svg).iter("text")]
        assert ("script" in svg) == (NASTY in texts)


def test_a_drawing_has_no_id_of_another() -> None:
    def paint(figure: Any) -> None:
        figure.add_axes((0, 0, 1, 1)).plot([1, 2], [1, 2], "o", color=COLOURS["ink"])

    ids = [
        {node.get("id") for node in parse_svg(draw(9, 9, 9, paint, kind)).iter()} - {None} for kind in ("a x", "b x")
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_an_axis_holds_zero_and_every_reading() -> None:
    assert axis_ends([SCORE, {"value": None, "low": -0.2, "high": None}]) == (-0.2, 0.6)


def test_label_axis_places_budgets_and_separates_zero() -> None:
    axis = LabelAxis([0, 10, 20, 40], 160)
    assert [axis.place(n) for n in (0, 10, 20, 160)] == [axis.zero, 0, 1, 4]
    assert axis.zero < axis.place(5) < 0
    assert axis.worth(None) > axis.place(40)
    assert axis.worth(0) < 0


@pytest.mark.parametrize("wide", [True, False])
def test_every_lever_has_a_mark_and_its_number(wide: bool) -> None:
    nodes = list(parse_svg(learning_curve(CURVE, FIT, MARKS, TEXTS, wide)).iter())
    numbers = ["".join(node.itertext()).strip() for node in nodes if node.get("class") == "number"]
    assert sorted(numbers) == ["1", "2", "3", "4", "5"]
    assert sum(node.get("class") == "mark" for node in nodes) == len(MARKS)
    assert sum(node.get("class") == "point" for node in nodes) == len(CURVE)


def test_beginning_surges_and_traffic_are_marked_in_their_window() -> None:
    kinds = [node.get("class") for node in parse_svg(CHARTS["panels"]()).iter()]
    assert (kinds.count("surge"), kinds.count("traffic")) == (1, 1)
    signs = [node for node in parse_svg(CHARTS["series"]()).iter() if node.get("class") == "sign"]
    assert ["".join(node.itertext()).strip() for node in signs if "".join(node.itertext()).strip()] == ["▲", "○"]
