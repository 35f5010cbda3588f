"""Colours that can be read, and nothing from elsewhere."""

import re

import pytest

from satiety.worth.page.style import DARK, GROUNDS, LIGHT, STYLE, TEXT

LEAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("text", TEXT)
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_stands_out(palette: dict[str, str], text: str, ground: str) -> None:
    assert contrast(palette[text], palette[ground]) >= LEAST


def test_printed_text_stands_out() -> None:
    assert all(contrast(LIGHT[text], "#ffffff") >= LEAST for text in TEXT)


def test_both_palettes_have_the_same_colours_and_all_are_used() -> None:
    assert set(LIGHT) == set(DARK) == set(re.findall(r"var\(--(\w+)\)", STYLE)) - {"tone"}


def test_the_sheet_loads_nothing_and_is_whole() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "$" not in STYLE
    assert STYLE.count("{") == STYLE.count("}")
