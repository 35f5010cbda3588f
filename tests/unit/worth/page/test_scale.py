"""Axes: in order, with a 0 that is broken off, and round numbers."""

import pytest

from satiety.worth.page.scale import FRAMES, Frame, scale, ticks
from tests.unit.worth.page import sample

every_frame = pytest.mark.parametrize("frame", FRAMES, ids=[frame.name for frame in FRAMES])


@every_frame
def test_more_labels_lie_further_right_and_higher_scores_higher(frame: Frame) -> None:
    made = scale(frame, sample.report(), [])
    places = [made.x(n) for n in (0, 7, 15, 30, 60, 120, 240, 480, 960)]
    assert places == sorted(places)
    assert made.left < places[0] < places[-1] == made.right
    assert made.floor > made.y(0.4) > made.y(0.6) > frame.top


@every_frame
def test_a_doubling_is_the_same_everywhere(frame: Frame) -> None:
    made = scale(frame, sample.report(), [])
    steps = [made.x(2 * n) - made.x(n) for n in (15, 60, 240, 480)]
    assert steps == pytest.approx([steps[0]] * 4)


@every_frame
def test_without_a_fit_the_axis_ends_with_what_was_measured(frame: Frame) -> None:
    made = scale(frame, sample.bare(), [])
    assert made.last == 240
    assert made.x(240) < made.right


def test_everything_drawn_fits() -> None:
    made = scale(FRAMES[-1], sample.report(), [0.2, 0.9])
    assert made.low < 0.2
    assert made.high > 0.9


def test_a_far_limit_does_not_flatten_the_curve() -> None:
    near = sample.report()
    far = sample.report()
    far["fit"]["asymptote"]["value"] = 5.0
    assert scale(FRAMES[0], far, []).high < scale(FRAMES[0], near, []).high * 1.2


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.37, 0.74, [0.4, 0.5, 0.6, 0.7]),
        (0.5, 0.53, [0.5, 0.505, 0.51, 0.515, 0.52, 0.525, 0.53]),
        (-0.1, 1.1, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)
