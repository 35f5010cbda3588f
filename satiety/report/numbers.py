"""Numbers -> how the pages write them; Jinja2 knows each function as a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

NO_BREAK_SPACE = "\u00a0"
MISSING = "–"


def count(number: float) -> str:
    """Write a whole number: 2,000."""
    return f"{number:,.0f}"


def score(value: float | None) -> str:
    """Write a score: 0.531; a dash where there is none."""
    return MISSING if value is None else f"{value:.3f}"


def signed(value: float | None, digits: int = 3) -> str:
    """Write a difference with its sign: +0.031, −0.004; zero has none."""
    if value is None:
        return MISSING
    text = f"{value:+,.{digits}f}"
    return text.replace("-", "−") if any(digit in text for digit in "123456789") else text[1:]


def whole(value: float | None) -> str:
    """Write a difference in whole numbers: +41, −7."""
    return signed(value, digits=0)


def percent(share: float, digits: int = 0) -> str:
    """Write a share: 5%."""
    return f"{share:.{digits}%}"


def tenths(share: float) -> str:
    """Write a share with one decimal: 9.4%."""
    return percent(share, digits=1)


def metric_name(metric: str) -> str:
    """Write the name of a metric: macro_f1 -> macro-F1."""
    return metric.replace("_", "-").replace("f1", "F1")


def interval(low: str, high: str) -> str:
    """Write the two ends of an interval, which stay together on one line."""
    return f"[{low}, {high}]".replace(" ", NO_BREAK_SPACE)


STYLES: dict[str, Callable[..., str]] = {
    "count": count,
    "score": score,
    "signed": signed,
    "whole": whole,
    "percent": percent,
    "tenths": tenths,
}


def bounds(reading: Mapping[str, float | None], style: str = "score") -> str:
    """Write the interval of a reading ``{value, low, high}``; ``style`` is that of its ends."""
    return interval(STYLES[style](reading["low"]), STYLES[style](reading["high"]))


def estimate(reading: Mapping[str, float | None], style: str = "score") -> str:
    """Write a reading and its interval: 0.531 [0.513, 0.549]."""
    return f"{STYLES[style](reading['value'])} {bounds(reading, style)}"


def coded(text: str) -> Markup:
    """Return a text as markup in which what stands between backticks is code."""
    from markupsafe import Markup

    parts = [Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(text.split("`"))]
    return Markup("").join(parts)


FILTERS: dict[str, Callable[..., Any]] = {
    **STYLES,
    "bounds": bounds,
    "estimate": estimate,
    "coded": coded,
    "metric_name": metric_name,
}
