"""reports/worth.json -> one page about what each lever is worth in labels, in English or Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from satiety.report.charts.intervals import axis_ends
from satiety.report.charts.learning import LeverMark, learning_curve
from satiety.report.numbers import count, estimate, metric_name
from satiety.report.render import Language, render, translator

Report = Mapping[str, Any]
Row = Mapping[str, Any]
CHECKS = ("oracle", "copy", "poison")


def page(report: Report, language: Language) -> str:
    """Return the page of a report in the shape of reports/worth.json; of one that measured nothing, its sentences."""
    if not report["budgets"]:
        return render("worth", language, report=report)
    budgets = [budget for budget in report["budgets"] if budget > 0]
    headline = _headline_row(report)
    focus = headline["budget"] if headline else budgets[-1]
    rows = _shown_rows(report, headline) if headline else []
    marks = [_mark(number, row, row is headline) for number, row in enumerate(rows, 1)]
    return render(
        "worth",
        language,
        report=report,
        checks=sanity_checks(report),
        smallest=budgets[0],
        largest=budgets[-1],
        focus=focus,
        groups=[group for budget in report["budgets"] if (group := _select_budget(report, budget))["rows"]],
        credit_ends=axis_ends(part["gain"] for share in report.get("credit") or [] for part in _parts(share)),
        arrows=[_arrow(mark, row, focus) for mark, row in zip(marks, rows, strict=True)],
        pictures=[_picture(report, marks, focus, language, wide) for wide in (False, True)],
    )


def sanity_checks(report: Report) -> list[bool]:
    """Return for each check with a known answer whether it passed; that of the leak is the last."""
    calibration = report.get("calibration") or {}
    outcomes = [bool(row["holds"]) for kind in CHECKS for row in calibration.get(kind) or []]
    leak = calibration.get("leak")
    return [*outcomes, bool(leak.get("holds", leak["refused"] > 0))] if leak else outcomes


def _select_budget(report: Report, budget: int) -> dict[str, Any]:
    """Return the levers at a budget, the best first, and the baseline's score."""
    rows = [row for row in report["levers"] if row["budget"] == budget]
    rows.sort(key=lambda row: -1.0 if row["score"] is None else row["score"], reverse=True)
    baseline = next((point["value"] for point in report["curve"] if point["budget"] == budget), None)
    return {"budget": budget, "baseline": baseline, "rows": rows}


def _parts(share: Row) -> list[Row]:
    return [share["joint"], *share["shares"], *share["interactions"]]


def _headline_row(report: Report) -> Row | None:
    """Return the row that the headline names; else the best that is worth it, measured well, and far up the curve."""
    rows = _scored(report)
    named = (report["headline"].get("budget"), report["headline"].get("lever"))

    def rank(row: Row) -> tuple[bool, int, float]:
        bounded = sum(row["labels"][end] is not None for end in ("value", "low", "high"))
        return row["verdict"] == "worth it", bounded, (row["labels"]["value"] or 0) - row["budget"]

    best = [_best(rows, budget) for budget in sorted({row["budget"] for row in rows})]
    return next((row for row in rows if (row["budget"], row["lever"]) == named), max(best, key=rank, default=None))


def _shown_rows(report: Report, headline: Row) -> list[Row]:
    """Return the levers of the figure: the headline's, every single one at its budget, the best set at every other."""
    rows, focus = _scored(report), headline["budget"]
    singles = [row for row in rows if row["budget"] == focus and "+" not in row["lever"] and row is not headline]
    others = sorted({row["budget"] for row in rows} - {focus})
    return [headline, *sorted(singles, key=_score, reverse=True), *(_best(rows, budget) for budget in others)]


def _scored(report: Report) -> list[Row]:
    return [row for row in report["levers"] if row.get("score") is not None]


def _best(rows: Sequence[Row], budget: int) -> Row:
    return max((row for row in rows if row["budget"] == budget), key=_score)


def _score(row: Row) -> float:
    return float(row["score"])


def _mark(number: int, row: Row, main: bool) -> LeverMark:
    score, gain = float(row["score"]), row["gain"]
    baseline = score - (gain["value"] or 0.0)
    low, high = (score if gain[end] is None else baseline + gain[end] for end in ("low", "high"))
    return LeverMark(number, row["budget"], score, low, high, row["labels"], row["verdict"], main)


def _arrow(mark: LeverMark, row: Row, focus: int) -> dict[str, Any]:
    """Return the line of the figure's key that says what a numbered mark is."""
    near = row["budget"] == focus
    return {**row, "number": mark.number, "worth": row["labels"], "near": near}


def _picture(report: Report, marks: Sequence[LeverMark], focus: int, language: Language, wide: bool) -> str:
    """Return the learning curve; the narrow one has only the levers at the headline's budget."""
    t, fit, main = translator(language), report.get("fit"), next((mark for mark in marks if mark.main), None)
    texts = {
        "metric": metric_name(report["metric"]),
        "labels": t("worth.axis"),
        "beyond": t("worth.beyond", n=count(report["budgets"][-1])),
        "limit": t("worth.limit", limit=estimate(fit["asymptote"])) if fit else "",
        "worth": count(main.worth["value"]) if main and main.worth["value"] else "",
    }
    shown = [mark for mark in marks if wide or mark.budget == focus]
    return learning_curve([{**point, "labels": point["budget"]} for point in report["curve"]], fit, shown, texts, wide)
