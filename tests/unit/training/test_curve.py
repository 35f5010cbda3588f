"""Curves as CSV."""

from pathlib import Path

import pytest

from satiety.training.curve import TrainingCurve


def test_points_come_in_order_and_a_curve_without_points_keeps_its_header(tmp_path: Path) -> None:
    curve = TrainingCurve(("step", "loss"))
    curve.write(tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text() == "step,loss\n"
    curve.add({"step": 1, "loss": 0.5})
    curve.add({"step": 2, "loss": 1 / 3})
    curve.write(tmp_path / "plots" / "loss.csv")
    assert (tmp_path / "plots" / "loss.csv").read_text() == "step,loss\n1,0.5\n2,0.333333\n"


def test_a_point_without_one_of_its_columns_is_a_bug() -> None:
    with pytest.raises(KeyError, match="loss"):
        TrainingCurve(("step", "loss")).add({"step": 1})
