"""Facts and scores of a model -> model card: use, scores, example, training, limits, params.

Source: Mitchell et al. 2019, Model Cards for Model Reporting, arXiv:1810.03993.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from satiety.problems import Problem
from satiety.report.render import write


@dataclass(frozen=True, slots=True)
class Facts:
    """Provenance of a package."""

    name: str
    """Name of the registered model."""
    revision: str
    """Git commit of the code."""
    data: Mapping[str, str]
    """SHA-256 of the training and test data, by name."""
    languages: Sequence[str]
    """Languages of the training examples, most frequent first; ISO 639-1. Rare ones may be detection errors."""
    trained: int
    """Number of labelled training examples, without dev."""
    params: Mapping[str, Any]
    """Resolved params, by section of params.yaml."""
    dev: int | None = None
    """Number of labelled validation examples; None if an earlier version of satiety made the package."""

    def describe_labels(self) -> str:
        """Return what became of the labels: of the budget, what is in neither table is in quarantine."""
        uses = [f"{self.trained:,} for training"]
        if self.dev is not None:
            uses += [f"{self.dev:,} for validation"] if self.dev else []
            ingest = self.params.get("ingest", {})
            # A source with a split of its own adds labels to the budget, or leaves a part of it unspent.
            is_budget_spent = not any(source.get("split") in ("dev", "extra") for source in ingest.get("labelled", ()))
            quarantined = ingest.get("budget", 0) - self.trained - self.dev
            if is_budget_spent and quarantined > 0:
                uses.append(f"{quarantined:,} in quarantine")
        return ", ".join(uses)


def render_card(problem: Problem, scores: Mapping[str, Any], facts: Facts, examples: Sequence[tuple[str, Any]]) -> str:
    """Return the card as Markdown."""
    parts = (
        [f"# {facts.name}"],
        _describe_purpose(problem, facts),
        _render_scores(scores),
        _render_example(examples),
        _describe_training(facts, scores.get("recipe")),
        _describe_limits(scores),
        ["## Params", "```yaml\n" + yaml.safe_dump(dict(facts.params), allow_unicode=True, sort_keys=False) + "```"],
    )
    return "\n\n".join(line for part in parts for line in part) + "\n"


def _describe_purpose(problem: Problem, facts: Facts) -> Iterator[str]:
    description = (type(problem).__doc__ or problem.kind).strip().splitlines()[0]
    yield f"{description} Problem `{problem.kind}`; language {', '.join(facts.languages) or 'unknown'}."
    yield f"Output: {', '.join(f'`{name}`' for name in problem.classes) or f'a {problem.answer.kind}'}."
    yield "## Intended use"
    yield (
        "Texts like the training texts: same language, same kind of author, same problem. Treat predictions as "
        f"suggestions{' with a confidence' if problem.has_confidence else ''}; let a person decide where errors can "
        "do harm."
    )


def _render_scores(scores: Mapping[str, Any]) -> Iterator[str]:
    sample = describe_sample(scores, "scores.frozen test")
    yield f"## Scores {sample['en']}"
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
        f"In brackets: {scores['confidence_level']:.0%} confidence intervals (paired bootstrap). *Before*: the same "
        f"base model without training.{calibration}"
    )
    if gain := describe_gain(scores):
        yield gain
    if abstention := scores.get("abstention"):
        yield (
            f"An answer with a confidence below {abstention['threshold']:.3f} is marked `none_of_these`. Of texts that "
            f"do have a class, at most {abstention['error']:.0%} are refused so, on average."
        )


def describe_sample(scores: Mapping[str, Any], test: str = "scores.test") -> dict[str, str]:
    """Return what a model was scored on, by language: the test, or every label out of fold.

    Args:
        scores: report of the stage `evaluate`; one of an earlier version is always of a test.
        test: key of the text for a test.
    """
    key = "scores.out of fold" if is_out_of_fold(scores) else test
    return write(key, examples=scores["examples"], folds=scores.get("folds"))


def is_out_of_fold(scores: Mapping[str, Any]) -> bool:
    """Return whether there was no test, so that every label was scored by a model that had not seen it."""
    return scores.get("scored_on") == "out_of_fold"


def read_threshold(scores: Mapping[str, Any]) -> float | None:
    """Return the confidence below which a text may belong to no class; None where every text is answered."""
    abstention = scores.get("abstention")
    return float(abstention["threshold"]) if abstention else None


def describe_gain(scores: Mapping[str, Any]) -> str | None:
    """Return what raw texts and levers gained on the same examples; None in a report of an earlier version."""
    if "gain" not in scores:
        return None
    expected_gain = scores.get("expected_gain")
    expectation = "" if expected_gain is None else f" Cross-validation had expected {expected_gain:+.3f} of raw texts."
    return (
        f"Gain of raw texts and levers: {scores['metric']} {format_interval(scores['gain'], '+')}, against the best "
        f"recipe on labels alone, {format_interval(scores['labels_only'])}.{expectation}"
    )


def _render_example(examples: Sequence[tuple[str, Any]]) -> Iterator[str]:
    yield "## Example predictions"
    yield "\n".join(f"- {text}\n  `{json.dumps(answer, ensure_ascii=False)}`" for text, answer in examples)
    yield "The texts are made up. `manifest.json` contains the SHA-256 of every file; a changed package does not load."


def _describe_training(facts: Facts, recipe: str | None) -> Iterator[str]:
    yield "## Training"
    lines = [f"- recipe: `{recipe}`"] if recipe else []
    lines += [
        f"- labelled examples: {facts.describe_labels()}",
        f"- code: git revision `{facts.revision}`",
    ]
    lines += [f"- {name}: sha256 `{value}`" for name, value in facts.data.items()]
    yield "\n".join(lines)


def _describe_limits(scores: Mapping[str, Any]) -> Iterator[str]:
    yield "## Limits"
    metrics = scores["metrics"]["after"]
    classes = {name.partition("/")[2]: value for name, value in metrics.items() if name.startswith("f1/")}
    limits = [
        "- Not tested on other kinds of text, other languages or later texts.",
        "- It can reproduce biases of its training texts and its base model.",
    ]
    if is_out_of_fold(scores):
        warning = write("scores.no test")
        limits.insert(0, f"- {warning['en']}")
    if classes:
        worst = min(classes, key=lambda name: classes[name]["value"])
        limits.insert(0, f"- Weakest class: `{worst}`, F1 {format_interval(classes[worst])}.")
    yield "\n".join(limits)


def format_interval(interval: Mapping[str, float], sign: str = "") -> str:
    """Return a score with its interval as text."""
    return f"{interval['value']:{sign}.3f} [{interval['low']:{sign}.3f}, {interval['high']:{sign}.3f}]"
