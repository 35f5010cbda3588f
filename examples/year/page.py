"""year.json -> one page of it, in English or Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from satiety.report.charts.series import Period, ScoreLine, time_series
from satiety.report.numbers import metric_name
from satiety.report.render import Language, render, translator

Months = Sequence[Mapping[str, Any]]
TONES = {"harmful drift": "harm", "promoted": "help"}
"""Colours of what monitoring and retraining said; all else is grey."""


def page(report: Mapping[str, Any], language: Language) -> str:
    """Return the page of a year in the shape of year.json."""
    months = report["months"]
    decisions = [month["retraining"]["decision"] for month in months if month["retraining"]]
    return render(
        "year",
        language,
        report=report,
        promoted=decisions.count("promoted"),
        retrained=len(decisions) - decisions.count("none"),
        covered=report["intervals that held the truth"],
        signs=list(dict.fromkeys([*(month["verdict"] for month in months), *decisions])),
        tones=TONES,
        pictures=[_picture(report, language, wide) for wide in (False, True)],
    )


def _picture(report: Mapping[str, Any], language: Language, wide: bool) -> str:
    """Return the true scores with Satiety and without, the estimate, the shifts, and what was done."""
    t, months = translator(language), report["months"]
    scores = {line: [month["true"][line]["value"] for month in months] for line in ("champion", "first")}
    verdicts = [month["verdict"] for month in months]
    decisions = [month["retraining"]["decision"] if month["retraining"] else "" for month in months]
    rows = {"monitor": verdicts, "retraining": decisions}

    def sign(name: str) -> tuple[str, str]:
        return (t(f"year.{name}")[0] if name else "", TONES.get(name, "even"))

    return time_series(
        (
            ScoreLine(t("year.with"), scores["champion"], "help", dashed=False),
            ScoreLine(t("year.without"), scores["first"], "harm", dashed=True),
        ),
        [month["estimate"] for month in months],
        [Period(", ".join(t(f"year.{kind}") for kind in kinds), *ends) for kinds, ends in _shifts(months)],
        {t(f"year.{name}"): [sign(event) for event in events] for name, events in rows.items()},
        (metric_name(report["metric"]), t("year.month")),
        wide,
    )


def _shifts(months: Months) -> Iterator[tuple[Sequence[str], tuple[int, int]]]:
    """Yield what was changed in consecutive months, and the first and last of these."""
    numbered = enumerate(months, 1)
    for kinds, group in groupby(numbered, key=lambda pair: tuple(pair[1]["world"]["planted"])):
        numbers = [number for number, _ in group]
        if kinds:
            yield kinds, (numbers[0], numbers[-1])
