"""What each test says, what is outside, and the labels' shares -> tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satiety.monitor.page.words import WORDS, Say
from satiety.worth.page.markup import Html, tag
from satiety.worth.page.table import table

NAMES = {"labels": "answers"}
"""Detectors whose name is another thing on the page."""


def tests(report: Mapping[str, Any], say: Say) -> list[Html]:
    """Return a row per detector, the surest first, and the share of texts unlike any of before."""
    drift, alpha = report["drift"], report["alpha"]
    rows = [
        (
            say(name) if (name := NAMES.get(kind, kind)) in WORDS else kind,
            f"{one['difference']:.4g}",
            f"{one['threshold']:.4g}",
            f"{one['p']:.3f}",
            say("moved" if one["p"] <= alpha else "same"),
        )
        for kind, one in sorted(drift["tests"].items(), key=lambda item: (item[1]["p"], item[0]))
    ]
    heads = [say(name) for name in ("test", "difference", "threshold", "p", "verdict")]
    caption = say("tests caption", count=len(rows), p=drift["p"], alpha=alpha)
    outside = report["outside"]
    said = say("outside", share=outside["value"], low=outside["low"], high=outside["high"], alpha=alpha)
    return [table(caption, heads, rows, numbers=(1, 2, 3)), tag("p", said)]


def labels(report: Mapping[str, Any], say: Say) -> list[Html]:
    """Return what share each label has among the test examples, and today."""
    found = report["labels"]
    if not found:
        return [tag("p", say("no labels"))]
    rows = [(name, f"{one['usual']:.1%}", say.share(one["today"])) for name, one in found.items()]
    heads, only = [say("label"), say("before"), say("now")], report["only_shares"]
    shown = [table(say("labels caption"), heads, rows, numbers=(1, 2))]
    if only["holds"]:
        return shown
    p = "" if only["p"] is None else f" (p = {only['p']:.3f})"
    return [tag("p", say("shares fail", p=p), class_="note"), *shown]
