"""A problem that the meter cannot measure -> a report that says so, in the shape of any other, with nothing in it.

Its cells are linear heads on what a frozen encoder makes of texts; a problem whose answers a decoder writes has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.worth.section import Worth

LIST_SECTIONS = ("budgets", "curve", "methods", "levers", "advantage", "credit", "forecast")
"""Parts of a report that are lists."""


def build_empty_report(problem: Problem, params: Worth, labels: int, test: int) -> dict[str, Any]:
    """Return the report.

    Args:
        problem: that has no linear head.
        params: of the meter.
        labels: that there are, those of dev included.
        test: examples that there are to test on.
    """
    kind, metric = problem.kind, problem.headline
    return {
        "metric": metric,
        "problem": kind,
        "depth": "none",
        "level": params.confidence_level,
        "labels": labels,
        "test": test,
        **{name: [] for name in LIST_SECTIONS},
        "headline": {
            "lever": None,
            "budget": None,
            "en": f"Not measured: the meter solves linear heads on a frozen encoder, and {kind} has none: a decoder "
            "writes its answers.",
            "zh": f"没有测量：计量器在冻结的编码器上求解线性头，而 {kind} 的答案由解码器写出，没有这样的头。",
        },
        "next": {
            "sentence": {
                "en": f"What a lever adds here, two runs show, with its name in `use` and without: compare {metric} in "
                "reports/evaluate.json.",
                "zh": f"某个杠杆在此有何作用，可运行两次来看：`use` 里写上它的名字，再去掉，"
                f"比较 reports/evaluate.json 里的 {metric}。",
            }
        },
    }
