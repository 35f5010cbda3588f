"""Reports of the meter for the page: consistent numbers, and every kind of missing value.

The scores and their worth in labels agree with the curve (straight between budgets on the log axis), so that an arrow
of the figure must end on it.
"""

import math
from typing import Any

Row = tuple[str, float, tuple[float, float], tuple[float | None, float | None, float | None], str]

BUDGETS = [0, 15, 30, 60, 120, 240]
BASELINE = {0: 0.395, 15: 0.441, 30: 0.486, 60: 0.531, 120: 0.572, 240: 0.604}
MARGIN = {0: 0.022, 15: 0.0225, 30: 0.0195, 60: 0.018, 120: 0.016, 240: 0.014}
BOTH, ALL = "self_training+retrieve", "augment+self_training+retrieve"
WORTH, NOT, HARM, OPEN = "worth it", "not worth it here", "harmful", "inconclusive"

LEVERS: dict[int, list[Row]] = {
    0: [
        ("self_training", 0.431, (0.014, 0.058), (0.0, 0.0, 18.1), WORTH),
        ("retrieve", 0.398, (-0.009, 0.015), (0.0, 0.0, 0.0), OPEN),
        (BOTH, 0.452, (0.033, 0.081), (17.8, 0.0, 27.5), WORTH),
    ],
    15: [
        ("augment", 0.434, (-0.024, 0.008), (0.0, 0.0, 18.4), OPEN),
        ("self_training", 0.478, (0.016, 0.057), (26.5, 17.2, 40.3), WORTH),
        ("retrieve", 0.452, (-0.004, 0.026), (17.8, 0.0, 25.9), OPEN),
        (BOTH, 0.497, (0.034, 0.077), (35.5, 24.3, 53.6), WORTH),
        (ALL, 0.490, (0.026, 0.071), (31.9, 21.0, 49.8), WORTH),
    ],
    30: [
        ("augment", 0.472, (-0.029, 0.000), (24.2, 16.9, 34.0), OPEN),
        ("self_training", 0.518, (0.014, 0.050), (49.1, 33.8, 74.2), WORTH),
        ("retrieve", 0.497, (-0.002, 0.024), (35.5, 26.1, 49.9), OPEN),
        (BOTH, 0.535, (0.031, 0.067), (64.2, 45.0, 97.7), WORTH),
        (ALL, 0.528, (0.023, 0.061), (57.3, 40.6, 88.2), WORTH),
    ],
    60: [
        ("augment", 0.514, (-0.030, -0.004), (46.2, 34.1, 61.8), HARM),
        ("self_training", 0.556, (0.010, 0.040), (91.6, 64.4, 139.0), WORTH),
        ("retrieve", 0.541, (-0.001, 0.021), (71.0, 52.7, 99.2), OPEN),
        (BOTH, 0.571, (0.025, 0.055), (118.0, 81.5, 214.0), WORTH),
        (ALL, 0.563, (0.016, 0.048), (103.0, 71.9, 166.4), WORTH),
    ],
    120: [
        ("augment", 0.566, (-0.017, 0.005), (108.4, 78.2, 160.9), OPEN),
        ("self_training", 0.589, (0.005, 0.029), (173.4, 121.0, None), WORTH),
        ("retrieve", 0.577, (-0.005, 0.015), (133.7, 97.4, 209.8), NOT),
        (BOTH, 0.596, (0.011, 0.037), (201.8, 139.5, None), WORTH),
        (ALL, 0.591, (0.006, 0.032), (181.2, 126.4, None), WORTH),
    ],
    240: [
        ("augment", 0.600, (-0.013, 0.005), (220.1, 163.0, None), NOT),
        ("self_training", 0.611, (-0.003, 0.017), (None, 204.7, None), OPEN),
        ("retrieve", 0.603, (-0.009, 0.007), (234.8, 176.2, None), NOT),
        (BOTH, 0.617, (0.002, 0.024), (None, 229.3, None), WORTH),
        (ALL, 0.612, (-0.003, 0.019), (None, 208.5, None), OPEN),
    ],
}
STOPPED = {("augment", 120), ("augment", 240), ("retrieve", 240)}
ASYMPTOTE, SCALE, EXPONENT = 0.72, 0.60, 0.30


def report() -> dict[str, Any]:
    """Return a report with every section, of fine-tuned runs."""
    return {
        "metric": "macro_f1",
        "problem": "classify",
        "depth": "fine_tuned",
        "confidence_level": 0.95,
        "labels": 240,
        "test": 2000,
        "languages": ["en"],
        "replicates": {"levers": 10, "curve": 20},
        "resamples": 1000,
        "budgets": BUDGETS,
        "curve": [
            {"budget": n, **build_interval(BASELINE[n], BASELINE[n] - MARGIN[n], BASELINE[n] + MARGIN[n])}
            for n in BUDGETS
        ],
        "fit": {
            "asymptote": build_interval(ASYMPTOTE, 0.652, 0.841),
            "exponent": EXPONENT,
            "line": [build_fit_point(n) for n in (15, 21, 30, 42, 60, 85, 120, 170, 240, 300, 380, 480, 600, 760, 960)],
        },
        "methods": [
            build_method(15, 0.441, 0.0, is_chosen=True),
            build_method(60, 0.441, 0.017, is_chosen=False),
        ],
        "levers": [build_lever(n, row) for n, rows in LEVERS.items() for row in rows],
        "advantage": [
            {"lever": BOTH, **build_interval(41.2, 18.9, 77.0)},
            {"lever": "self_training", **build_interval(26.4, 9.8, 49.1)},
            {"lever": "retrieve", **build_interval(6.3, -3.0, 17.2)},
            {"lever": "augment", **build_interval(-7.1, -15.5, 0.9)},
        ],
        "credit": [
            build_credit(30, 0.9, capped=False),
            build_credit(60, 1.0, capped=False),
            build_credit(120, 0.5, capped=True),
        ],
        "forecast": [
            {"target": 0.62, "labels": 392.0, "low": 304.0, "high": 571.0, "reachable": True},
            {"target": 0.64, "labels": 825.0, "low": 548.0, "high": None, "reachable": True},
            {"target": 0.75, "labels": None, "low": None, "high": None, "reachable": False},
        ],
        "backtest": {"forecasts": 6, "covered": 5, "share": 0.833333},
        "calibration": {
            "oracle": [build_known_answer(30, 60, 57.8, 44.1, 79.3), build_known_answer(60, 120, 116.4, 86.0, 178.2)],
            "copy": [build_known_answer(60, 60, 60.7, 52.3, 71.5)],
            "poison": [build_known_answer(60, 60, 38.2, 27.7, 49.6)],
            "leak": {"refused": 12, "score": 0.702, "inflation": build_interval(0.098, 0.081, 0.116)},
        },
        "agreement": {
            "runs": 12,
            "agree": 11,
            "share": build_interval(0.916667, 0.646, 0.985),
            "disagreements": [
                {
                    "lever": "retrieve",
                    "budget": 60,
                    "proxy": build_interval(0.010, -0.001, 0.021),
                    "fine_tuned": build_interval(0.014, 0.003, 0.026),
                }
            ],
        },
        "saved": {
            "runs": 40,
            "of": 240,
            "share": 0.166667,
            "stopped": [{"lever": "augment", "after": 4}, {"lever": "retrieve", "after": 6}],
            "error": 0.05,
        },
        "next": {
            "sentence": {
                "en": "Recommendation: label 60 more texts, keep self-training on, turn augmentation off.",
                "zh": "建议：再标注 60 条文本，继续使用自训练和检索，关闭数据增强。",
            },
            "evidence": [
                "300 labels: macro-F1 0.626 (95% CI 0.608 to 0.644), 5.0 hours",
                "self-training and retrieval at 240 labels: macro-F1 +0.013 (95% CI +0.002 to +0.024)",
                "augmentation at 60 labels: macro-F1 −0.017 (95% CI −0.030 to −0.004)",
            ],
            "front": [
                build_option(120, ["self_training", "retrieve"], 0.596, 0.015, 2.0),
                build_option(240, ["self_training", "retrieve"], 0.617, 0.014, 4.0),
                build_option(300, ["self_training", "retrieve"], 0.626, 0.018, 5.0, is_chosen=True),
                build_option(480, [], 0.627, 0.021, 8.0),
            ],
        },
        "headline": {
            "en": "With self-training and retrieval, 60 labels score as high as 118 labels without them "
            "(95% CI 82 to 214).",
            "zh": "使用自训练和检索时，60 条标注的得分相当于不使用时的 118 条标注（95% 置信区间 82 至 214）。",
        },
    }


def bare() -> dict[str, Any]:
    """Return a report without fit, agreement, forecast, sanity checks, or a budget of zero."""
    full_report = report()
    empty: dict[str, Any] = {"methods": [], "advantage": [], "credit": [], "forecast": []}
    none = {"fit": None, "agreement": None, "backtest": None, "calibration": None, "saved": None}
    lever_rows = [row for row in full_report["levers"] if row["budget"] > 0]
    start = {"budgets": BUDGETS[1:], "curve": full_report["curve"][1:], "levers": lever_rows}
    return (
        full_report
        | empty
        | none
        | start
        | {"depth": "proxy", "next": full_report["next"] | {"front": [], "evidence": []}}
    )


def hostile() -> dict[str, Any]:
    """Return a report whose every name is markup."""
    full_report = report()
    nasty = "<b>b</b><script>f(1)</script>\"'&amp;"
    for row in (*full_report["levers"], *full_report["advantage"]):
        row["lever"] = row["lever"].replace("self_training", nasty)
    for credit_row in full_report["credit"]:
        credit_row["shares"][0]["lever"] = credit_row["interactions"][0]["levers"][0] = nasty
    full_report["next"]["front"][0]["levers"] = [nasty]
    full_report["saved"]["stopped"][0]["lever"] = full_report["agreement"]["disagreements"][0]["lever"] = nasty
    full_report["methods"][0]["method"] = full_report["metric"] = full_report["problem"] = full_report["depth"] = nasty
    full_report["next"] |= {"evidence": [nasty], "sentence": {"en": nasty, "zh": nasty}}
    return full_report | {"headline": {"en": nasty, "zh": nasty}, "languages": [nasty]}


def build_interval(value: float | None, low: float | None, high: float | None) -> dict[str, float | None]:
    return {
        name: number if number is None else round(number, 6)
        for name, number in zip(("value", "low", "high"), (value, low, high), strict=True)
    }


def build_fit_point(labels: int) -> dict[str, float | int | None]:
    """Return a point of the curve through the measured scores; beyond the last, of a power law."""
    last = BUDGETS[-1]
    if labels > last:
        value = BASELINE[last] + SCALE * (last**-EXPONENT - labels**-EXPONENT)
        low, high = (MARGIN[last] + wider * (labels / last - 1) for wider in (0.006, 0.010))
        return {"labels": labels, **build_interval(value, value - low, value + high)}
    upper = next(n for n in BUDGETS[1:] if n >= labels)
    lower = max(n for n in BUDGETS[1:] if n <= labels)
    part = 0.0 if lower == upper else math.log(labels / lower) / math.log(upper / lower)
    value = BASELINE[lower] + part * (BASELINE[upper] - BASELINE[lower])
    margin = MARGIN[lower] + part * (MARGIN[upper] - MARGIN[lower])
    return {"labels": labels, **build_interval(value, value - margin, value + margin)}


def build_method(budget: int, score: float, margin: float, *, is_chosen: bool) -> dict[str, Any]:
    gap = score - BASELINE[budget]
    difference = build_interval(gap, gap - margin, gap + margin)
    return {"method": "zero_shot", "budget": budget, "score": score, "difference": difference, "chosen": is_chosen}


def build_lever(budget: int, row: Row) -> dict[str, Any]:
    name, score, (low, high), labels, verdict = row
    entry = {
        "lever": name,
        "budget": budget,
        "score": score,
        "gain": build_interval(score - BASELINE[budget], low, high),
    }
    stopped = {"stopped": True} if (name, budget) in STOPPED else {}
    return entry | {"labels": build_interval(*labels), "verdict": verdict} | stopped


def build_credit(budget: int, size: float, capped: bool) -> dict[str, Any]:
    def build_part(gain: float, labels: float) -> dict[str, Any]:
        value, worth = gain * size, labels * budget / 60
        high = None if capped and labels > 20 else worth + 0.7 * budget
        return {
            "gain": build_interval(value, value - 0.013, value + 0.014),
            "labels": build_interval(worth, worth - 0.4 * budget, high),
        }

    return {
        "budget": budget,
        "joint": build_part(0.032, 43.0),
        "shares": [
            {"lever": "augment", **build_part(-0.0115, -15.1)},
            {"lever": "self_training", **build_part(0.0285, 37.2)},
            {"lever": "retrieve", **build_part(0.015, 20.9)},
        ],
        "interactions": [
            {"levers": ["augment", "self_training"], **build_part(0.004, 5.0)},
            {"levers": ["self_training", "retrieve"], **build_part(0.005, 8.4)},
        ],
        "capped": capped,
    }


def build_known_answer(budget: int, truth: int, value: float, low: float, high: float) -> dict[str, Any]:
    return {"budget": budget, "truth": truth, "labels": build_interval(value, low, high), "holds": True}


def build_option(
    labels: int, levers: list[str], score: float, margin: float, hours: float, is_chosen: bool = False
) -> dict[str, Any]:
    entry = {"labels": labels, "levers": levers, "score": build_interval(score, score - margin, score + margin)}
    return entry | {"hours": hours, "chosen": is_chosen}
