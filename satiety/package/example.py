"""Made-up example inputs, so that packages contain no text of a person, and predictions as JSON."""

from collections.abc import Sequence
from typing import Any

from satiety.core.answers import Span, load
from satiety.core.inputs import Inputs, Value
from satiety.core.records import Evaluated
from satiety.problems import Prediction, Problem

LANGUAGES = ("en", "zh")
"""Languages of the made-up inputs."""
TOLERANCE = 0.05
"""Maximum difference of a confidence between processors; bfloat16 has eight bits of precision."""


def select_example_inputs(problem: Problem, languages: Sequence[str]) -> list[Inputs]:
    """Return example inputs in the first supported language of ``languages``, else in English."""
    supported = [language for language in languages if language in LANGUAGES]
    return [example.inputs for example in problem.examples(supported[0] if supported else "en")]


def serialize_prediction(
    problem: Problem, inputs: Inputs, prediction: Prediction, threshold: float | None = None
) -> dict[str, Any]:
    """Return a prediction as JSON values, with its confidence if the problem has one.

    With a threshold, ``none_of_these`` says whether the confidence is below it: the text may belong to no class.
    """
    answer = {problem.gold: problem.to_json(inputs, prediction.answer)}
    confidence = {"confidence": round(float(prediction.confidence), 4)} if problem.has_confidence else {}
    abstention = {} if threshold is None else {"none_of_these": bool(prediction.confidence < threshold)}
    return answer | confidence | abstention


def build_signature(problem: Problem, *, can_abstain: bool = False) -> dict[str, Any]:
    """Return the input and output columns as MLflow schemas."""
    sample_inputs = problem.examples("en")[0].inputs
    inputs = [{**_describe_column(sample_inputs[name]), "required": True, "name": name} for name in problem.inputs]
    answer = {**problem.signature(), "name": problem.gold, "required": True}
    confidence = [{"type": "double", "name": "confidence", "required": True}] if problem.has_confidence else []
    abstention = [{"type": "boolean", "name": "none_of_these", "required": True}] if can_abstain else []
    text = {"type": "string", "required": True}
    return {"inputs": inputs if len(inputs) > 1 else [text], "outputs": [answer, *confidence, *abstention]}


def _describe_column(value: Value) -> dict[str, Any]:
    """Return the MLflow type of an input: a text, or a list of texts, numbers or spans."""
    if isinstance(value, str):
        return {"type": "string"}
    if all(isinstance(part, Span) for part in value):
        span_fields = {name: {"type": kind} for name, kind in (("start", "long"), ("end", "long"), ("label", "string"))}
        return {"type": "array", "items": {"type": "object", "properties": span_fields}}
    return {"type": "array", "items": {"type": "string" if isinstance(value[0], str) else "double"}}


def is_match(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Return whether two predictions are equal, with confidences within ``TOLERANCE``."""
    inexact = {"confidence": 0, "none_of_these": False}
    is_same = {**answer, **inexact} == {**expected, **inexact}
    return is_same and abs(answer.get("confidence", 0) - expected.get("confidence", 0)) <= TOLERANCE


def is_contradicted(problem: Problem, stored: Evaluated, prediction: Prediction) -> bool:
    """Return whether a prediction differs from the stored one by more than processors can explain."""
    return problem.contradicts(load(stored.after), stored.confidence, prediction, TOLERANCE)
