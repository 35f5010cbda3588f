"""Colours that can be read, and nothing from elsewhere."""

import re

import pytest

from satiety.report.charts.canvas import NAMES
from tests.unit.report.palette import DARK, LIGHT, STYLE

LEAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""
TEXT = ("ink", "soft", "help", "harm", "even")
PAPER = "#ffffff"


def compute_luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def compute_contrast(first: str, second: str) -> float:
    dark, light = sorted(map(compute_luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("text", TEXT)
def test_text_has_enough_contrast(palette: dict[str, str], text: str) -> None:
    assert all(compute_contrast(palette[text], palette[ground]) >= LEAST for ground in ("paper", "zone"))
    assert compute_contrast(LIGHT[text], PAPER) >= LEAST


def test_both_palettes_have_the_colours_of_the_charts_and_of_the_sheet() -> None:
    used_colours = set(re.findall(r"var\(--(\w+)\)", STYLE)) - {"tone", "sans", "serif"}
    assert set(LIGHT) == set(DARK) == set(NAMES)
    assert used_colours <= set(NAMES)


def test_the_sheet_loads_nothing_and_is_whole() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert STYLE.count("{") == STYLE.count("}")
