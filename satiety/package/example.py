"""Made-up texts to show a model with, so that no text of a person is ever handed on; and answers as plain JSON."""

from collections.abc import Sequence
from typing import Any

from satiety.problems import Prediction, Problem

TEXTS = {
    ("text", "en"): [
        "The delivery came a day early and everything works.",
        "It broke twice and nobody answers.",
    ],
    ("text", "zh"): ["快递提前一天到了，东西都很好用。", "两次都坏了，写信也没有人回复。"],
    ("token", "en"): ["Maria Keller opened a shop in Lisbon for Nordwind Trading."],
    ("token", "zh"): ["王小明在杭州为北风贸易公司开了一家店。"],
}
"""By what the model answers for, and language. The people and firms do not exist."""
TOLERANCE = 0.05
"""By how much a confidence may differ between processors: bfloat16 keeps eight bits."""


def made_up(problem: Problem, languages: Sequence[str]) -> list[str]:
    """Return example texts in the first of the languages that has some, commonest first; English where none has."""
    known = [language for language in languages if (problem.head, language) in TEXTS]
    return TEXTS[problem.head, known[0] if known else "en"]


def plain(prediction: Prediction) -> dict[str, Any]:
    """Return an answer as JSON can hold it."""
    confidence = round(prediction.confidence, 4)
    if prediction.label is not None:
        return {"label": prediction.label, "confidence": confidence}
    spans = [{"start": span.start, "end": span.end, "label": span.label} for span in prediction.spans]
    return {"spans": spans, "confidence": confidence}


def signature(problem: Problem) -> dict[str, Any]:
    """Return what goes in and comes out, in the notation of MLflow's schemas."""
    number = {"start": {"type": "long", "required": True}, "end": {"type": "long", "required": True}}
    span = {"type": "object", "properties": number | {"label": {"type": "string", "required": True}}}
    answer = {
        "text": {"type": "string", "name": "label", "required": True},
        "token": {"type": "array", "items": span, "name": "spans", "required": True},
    }
    confidence = {"type": "double", "name": "confidence", "required": True}
    return {"inputs": [{"type": "string", "required": True}], "outputs": [answer[problem.head], confidence]}


def matches(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Return whether two plain answers are one, their confidence within tolerance."""
    same = {**answer, "confidence": 0} == {**expected, "confidence": 0}
    return same and abs(float(answer["confidence"]) - float(expected["confidence"])) <= TOLERANCE
