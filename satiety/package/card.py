"""What is known of a model -> its card: what it is for, how it was made, how good it is, where it will fail.

Source: Mitchell et al. 2019, Model Cards for Model Reporting, arXiv:1810.03993.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from satiety.problems import Problem


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says that is in no other file of the package."""

    name: str
    """Of the registered model."""
    revision: str
    """Git commit of the code."""
    data: Mapping[str, str]
    """SHA-256 of what it was trained and tested on, by name."""
    languages: Sequence[str]
    """Of the training examples, commonest first; ISO 639-1. Those of a few texts are as likely a detector's errors."""
    trained: int
    """Labelled examples it was trained on, those of dev left out."""
    params: Mapping[str, Any]
    """Every value that it was made with, defaults included, by block of params.yaml."""


def render_card(problem: Problem, scores: Mapping[str, Any], facts: Facts, examples: Sequence[tuple[str, Any]]) -> str:
    """Return the card as Markdown."""
    parts = (
        [f"# {facts.name}"],
        _describe_purpose(problem, facts),
        _render_scores(scores),
        _render_example(examples),
        _describe_training(facts),
        _describe_limits(scores),
        ["## Params", "```yaml\n" + yaml.safe_dump(dict(facts.params), allow_unicode=True, sort_keys=False) + "```"],
    )
    return "\n\n".join(line for part in parts for line in part) + "\n"


def _describe_purpose(problem: Problem, facts: Facts) -> Iterator[str]:
    description = (type(problem).__doc__ or problem.kind).strip().splitlines()[0]
    yield f"{description} Problem `{problem.kind}`; language {', '.join(facts.languages) or 'unknown'}."
    yield f"Answers: {', '.join(f'`{name}`' for name in problem.classes) or f'a {problem.answer.kind}'}."
    yield "## Intended use"
    yield (
        "Texts like those it was trained on: same language, same kind of writer, same question. It gives a suggestion"
        f"{' with a confidence' if problem.has_confidence else ''}; where a wrong answer harms somebody, a person "
        "decides."
    )


def _render_scores(scores: Mapping[str, Any]) -> Iterator[str]:
    yield f"## Scores on {scores['examples']:,} frozen test examples"
    rows = [
        f"| {metric} | {format_interval(scores['metrics']['before'][metric])} | {format_interval(interval)} "
        f"| {format_interval(scores['metrics']['difference'][metric], '+')} |"
        for metric, interval in scores["metrics"]["after"].items()
    ]
    calibration_scores = scores["calibration"]
    calibration = (
        f" Expected calibration error: {calibration_scores['ece']:.3f}." if calibration_scores["answers"] else ""
    )
    head = ["| metric | before | after | difference |", "|---|---|---|---|"]
    yield "\n".join([*head, *rows])
    yield (
        f"In brackets the {scores['level']:.0%} intervals of a paired bootstrap. *before* is what the same base model "
        f"answers untrained.{calibration}"
    )


def _render_example(examples: Sequence[tuple[str, Any]]) -> Iterator[str]:
    yield "## What it answers"
    yield "\n".join(f"- {text}\n  `{answer}`" for text, answer in examples)
    yield "The texts are made up. `manifest.json` holds the SHA-256 of every file; a changed byte is refused."


def _describe_training(facts: Facts) -> Iterator[str]:
    yield "## How it was made"
    budget = facts.params.get("ingest", {}).get("budget")
    budget_note = f" of a budget of {budget:,} labels, the rest of which chose the best step" if budget else ""
    lines = [
        f"- trained on {facts.trained:,} labelled examples{budget_note}",
        f"- code: git revision `{facts.revision}`",
    ]
    lines += [f"- {name}: sha256 `{value}`" for name, value in facts.data.items()]
    yield "\n".join(lines)


def _describe_limits(scores: Mapping[str, Any]) -> Iterator[str]:
    yield "## Limits"
    metrics = scores["metrics"]["after"]
    classes = {name.partition("/")[2]: value for name, value in metrics.items() if name.startswith("f1/")}
    if classes:
        worst = min(classes, key=lambda name: classes[name]["value"])
        yield f"- It is weakest at `{worst}`: F1 {format_interval(classes[worst])}."
    yield (
        "- Other kinds of text, other languages and later times were not tested.\n"
        "- What its training texts and its base model take for granted, it takes for granted too."
    )


def format_interval(interval: Mapping[str, float], sign: str = "") -> str:
    """Return a score with its interval, for a table."""
    return f"{interval['value']:{sign}.3f} [{interval['low']:{sign}.3f}, {interval['high']:{sign}.3f}]"
