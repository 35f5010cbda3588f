"""Made-up inputs to show a model with, so that no text of a person is ever handed on; and answers as plain JSON."""

from collections.abc import Sequence
from typing import Any

from satiety.core.answers import Span, load
from satiety.core.inputs import Inputs, Value
from satiety.core.records import Evaluated
from satiety.problems import Prediction, Problem

LANGUAGES = ("en", "zh")
"""That made-up inputs are written in."""
TOLERANCE = 0.05
"""By how much a confidence may differ between processors: bfloat16 keeps eight bits."""


def select_example_inputs(problem: Problem, languages: Sequence[str]) -> list[Inputs]:
    """Return example inputs in the first of the languages that has some, commonest first; English where none has."""
    supported = [language for language in languages if language in LANGUAGES]
    return [example.inputs for example in problem.examples(supported[0] if supported else "en")]


def serialize_prediction(problem: Problem, inputs: Inputs, prediction: Prediction) -> dict[str, Any]:
    """Return an answer as JSON can hold it, and its confidence, where the problem's say something."""
    answer = {problem.gold: problem.to_json(inputs, prediction.answer)}
    return answer | ({"confidence": round(float(prediction.confidence), 4)} if problem.has_confidence else {})


def build_signature(problem: Problem) -> dict[str, Any]:
    """Return what goes in and comes out, in the notation of MLflow's schemas."""
    sample_inputs = problem.examples("en")[0].inputs
    inputs = [{**_describe_column(sample_inputs[name]), "required": True, "name": name} for name in problem.inputs]
    answer = {**problem.signature(), "name": problem.gold, "required": True}
    confidence = [{"type": "double", "name": "confidence", "required": True}] if problem.has_confidence else []
    text = {"type": "string", "required": True}
    return {"inputs": inputs if len(inputs) > 1 else [text], "outputs": [answer, *confidence]}


def _describe_column(value: Value) -> dict[str, Any]:
    """Return the type of an input that is like this one: a text, or a list of texts, numbers or stretches."""
    if isinstance(value, str):
        return {"type": "string"}
    if all(isinstance(part, Span) for part in value):
        span_fields = {name: {"type": kind} for name, kind in (("start", "long"), ("end", "long"), ("label", "string"))}
        return {"type": "array", "items": {"type": "object", "properties": span_fields}}
    return {"type": "array", "items": {"type": "string" if isinstance(value[0], str) else "double"}}


def is_match(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Return whether two plain answers are one, their confidence within tolerance."""
    is_same = {**answer, "confidence": 0} == {**expected, "confidence": 0}
    return is_same and abs(answer.get("confidence", 0) - expected.get("confidence", 0)) <= TOLERANCE


def is_contradicted(problem: Problem, stored: Evaluated, prediction: Prediction) -> bool:
    """Return whether an answer cannot be the stored one of the same model, on whatever processors they were given."""
    return problem.contradicts(load(stored.after), stored.confidence, prediction, TOLERANCE)
