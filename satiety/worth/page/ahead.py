"""Forecast and next step -> what a target takes, what to do, why, and what else there is to choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satiety.worth.page.markup import Html, tag
from satiety.worth.page.table import table
from satiety.worth.page.voice import Voice, quantity

Report = Mapping[str, Any]
PERFECT = 0.9995
"""A limit from here on is no finding, but where fits end: no score is higher."""


def forecast(report: Report, voice: Voice) -> list[Html]:
    """Return how many labels each target takes."""
    if not report.get("forecast"):
        return [tag("p", voice("none"))]
    caption = voice("forecast none")
    if report.get("fit"):
        limit = report["fit"]["asymptote"]
        said = f"{voice.score(limit['value'])} {voice.plain_interval(limit)}"
        caption = voice("forecast caption", limit=said) if limit["value"] < PERFECT else voice("forecast open")
    heads = [voice("target", metric=report["metric"]), voice("needed")]
    rows = [[voice.score(row["target"]), _needed(row, voice)] for row in report["forecast"]]
    return [table(caption, heads, rows, numbers=(1,))]


def _needed(row: Mapping[str, Any], voice: Voice) -> str:
    if not row["reachable"] or row["labels"] is None:
        return voice("unreachable")
    low, high = ("∞" if row[end] is None else voice.labels(row[end]) for end in ("low", "high"))
    return quantity(voice.labels(row["labels"]), voice.interval(low, high))


def step(report: Report, voice: Voice) -> list[Html]:
    """Return the next step, the evidence for it, and the choices it was picked from."""
    found = report["next"]
    said = [tag("p", found["sentence"][voice.language], class_="step")]
    if found["evidence"]:
        said += [tag("h3", voice("evidence")), tag("ul", *(tag("li", _said(one, voice)) for one in found["evidence"]))]
    if found["front"]:
        heads = [voice(name) for name in ("use", "spend", "score", "hours", "chosen")]
        rows = [_choice(row, voice) for row in found["front"]]
        said.append(table(voice("front caption"), heads, rows, numbers=(1, 2, 3)))
    return said


def _said(evidence: str | Mapping[str, str], voice: Voice) -> str:
    """Return a piece of evidence, which may be given in each language."""
    return evidence if isinstance(evidence, str) else evidence[voice.language]


def _choice(row: Mapping[str, Any], voice: Voice) -> list[str]:
    score = quantity(voice.score(row["score"]["value"]), voice.plain_interval(row["score"]))
    levers = voice.lever("+".join(row["levers"]))
    hours = "–" if row["hours"] is None else f"{row['hours']:,.1f}"
    return [levers, voice.count(row["labels"]), score, hours, voice("is chosen") if row["chosen"] else ""]
