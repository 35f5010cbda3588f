"""Numbers and names of a report -> how the page says them, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from satiety.worth.page.markup import Html, join, tag
from satiety.worth.page.words import LANGUAGES, SIGNS, WORDS

Language = Literal["en", "zh"]
Reading = Mapping[str, Any]
"""``{value, low, high}``; None is *beyond what was measured*."""
GAP = "\u00a0"
"""A space where no line may break."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Says words and numbers in a language."""

    language: Language
    smallest: int
    """The smallest budget above 0: fewer labels than these were not measured."""
    largest: int
    """The largest budget: more labels than these were not measured."""

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a wording with its values in place."""
        return WORDS[key][LANGUAGES.index(self.language)].format(**values)

    def count(self, number: float) -> str:
        """Say a whole number: 2,000."""
        return f"{number:,.0f}"

    def score(self, value: float | None) -> str:
        """Say a score: 0.531."""
        return "–" if value is None else f"{value:.3f}"

    def signed(self, value: float | None, digits: int = 3) -> str:
        """Say a difference, with a sign that cannot be overlooked: +0.031, −0.004, 0.000."""
        if value is None:
            return "–"
        text = f"{value:+,.{digits}f}"
        return text[1:] if not any("1" <= one <= "9" for one in text) else text.replace("-", "−")

    def labels(self, value: float | None) -> str:
        """Say a worth in labels: 93, or that it is beyond the range measured."""
        if value is None:
            return self("more", n=self.count(self.largest))
        return self("fewer", n=self.count(self.smallest)) if value <= 0 else self.count(value)

    def interval(self, low: str, high: str) -> str:
        """Return both ends in brackets, held together on one line."""
        return f"[{low}, {high}]".replace(" ", GAP)

    def span(self, reading: Reading) -> str:
        """Say the interval of a worth in labels; empty where it says no more than the value."""
        low, high = self.labels(reading["low"]), self.labels(reading["high"])
        return "" if low == high else self.interval(low, high)

    def worth(self, reading: Reading) -> str:
        """Say a worth with its unit and interval: 93 labels [61, 140]."""
        said = self("labels", n=self.labels(reading["value"]))
        return f"{said} {self.span(reading)}".strip()

    def gain(self, reading: Reading) -> str:
        """Say a difference of scores and its interval: +0.031 [+0.004, +0.058]."""
        return f"{self.signed(reading['value'])} {self.interval(*map(self.signed, (reading['low'], reading['high'])))}"

    def plain_interval(self, reading: Reading) -> str:
        """Say the interval of a score."""
        return self.interval(self.score(reading["low"]), self.score(reading["high"]))

    def lever(self, name: str) -> str:
        """Say a lever set: *pseudo+retrieve* becomes *pseudo + retrieve*; none is *plain*."""
        return name.replace("+", " + ") or self("plain")

    def budget(self, n: int) -> str:
        """Say a budget: 60 labels."""
        return self("labels", n=self.count(n))

    def verdict(self, row: Mapping[str, Any]) -> Html:
        """Say a verdict as a sign and words, and whether it came early."""
        said = row["verdict"]
        sign = tag("span", SIGNS[said], class_="sign", aria_hidden="true")
        early = tag("small", self("early")) if row.get("stopped") else None
        refused = tag("small", self("texts refused", n=self.count(row["refused"]))) if row.get("refused") else None
        return join([tag("span", sign, GAP, self(said), class_=f"verdict {said.split()[0]}"), early, refused], " ")


def quantity(value: str, interval: str = "") -> Html:
    """Return a value and its interval, which may stand below it where there is little room."""
    return join([tag("b", value), tag("span", interval, class_="interval") if interval else None], " ")
