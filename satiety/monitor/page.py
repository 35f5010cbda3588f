"""reports/monitor.json -> HTML page with verdict, scores, tests and new texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from satiety.report.charts.intervals import scores_on_one_axis
from satiety.report.numbers import estimate, score
from satiety.report.render import Language, render, translator

LONGEST = 200
"""Maximum characters of a text."""


def page(report: Mapping[str, Any], language: Language) -> str:
    """Return the HTML page of a report with the keys of reports/monitor.json."""
    window = report["window"]
    return render(
        "drift",
        language,
        report=report,
        times={name: minute(window[name]) for name in ("since", "until") if window["since"]},
        harm=report["usual"]["value"] - report["harm"],
        tests=sorted(report["drift"]["tests"].items(), key=lambda test: (test[1]["p"], test[0])),
        pictures=[_picture(report, language, wide) for wide in (False, True)],
        shorten=shorten,
    )


def minute(time: str) -> str:
    """Return an ISO 8601 time in UTC, to the minute."""
    return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def shorten(text: str) -> str:
    """Return a text on one line, cut to ``LONGEST`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _picture(report: Mapping[str, Any], language: Language, wide: bool) -> str:
    """Return the chart of the scores on the test examples, estimated for today, and from feedback."""
    t, feedback = translator(language), report["feedback"]
    scores = {"usual": report["usual"], "today": report["today"]}
    if feedback:
        scores["by feedback"] = feedback["score"]
    rows = {f"{t(f'drift.{name}')}: {estimate(reading)}": reading for name, reading in scores.items()}
    harm = report["usual"]["value"] - report["harm"]
    return scores_on_one_axis(rows, harm, t("drift.harm", value=score(harm)), wide)
