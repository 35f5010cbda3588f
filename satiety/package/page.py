"""Registered model and its versions -> two short Markdown pages for MLflow's registry.

A page summarises the model card: use, scores, training data, status, and how to load the model.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from satiety.package.card import Facts, describe_gain, describe_sample, format_interval
from satiety.problems import Problem

LONGEST = 5000
"""Maximum characters of a description in MLflow."""
SHOWN = 10
"""Maximum versions in a table, or names in a list."""
SHOWN_METRICS = 20
"""Maximum metrics in a table; with long names they fill a description."""
DIGITS = 12
"""Characters of a digest; the version's tags contain all of it."""
_MARKUP = re.compile(r"[`|<>*\[\]\s]+")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version in the registry."""

    number: str
    roles: Sequence[str]
    """Aliases."""
    tags: Mapping[str, str]


def render_version_page(problem: Problem, scores: Mapping[str, Any], facts: Facts, version: ModelVersion) -> str:
    """Return the page of one version."""
    training = {
        "labels": facts.describe_labels(),
        "languages": ", ".join(facts.languages) or "unknown",
        "data": ", ".join(f"{name} `{value[:DIGITS]}`" for name, value in facts.data.items()),
        "code": f"git revision `{facts.revision[:DIGITS]}`",
        "card": "`README.md` among the artifacts of the run: use, limits, every param",
    }
    sample = describe_sample(scores, "scores.frozen test")
    return _join(
        _describe_status(version),
        f"### Scores {sample['en']}",
        _format_scores(scores),
        describe_gain(scores) or "",
        "### Training data and code",
        "\n".join(f"- **{name}**: {value}" for name, value in training.items()),
        "### Load it",
        _format_code(facts.name, version.number, problem),
    )


def render_model_page(problem: Problem, facts: Facts, versions: Sequence[ModelVersion]) -> str:
    """Return the page of the model; the newest version comes first."""
    has_champion = any("champion" in version.roles for version in versions)
    purpose = (type(problem).__doc__ or problem.kind).strip().splitlines()[0]
    classes = ", ".join(f"`{_strip_markup(name)}`" for name in problem.classes[:SHOWN])
    if len(problem.classes) > SHOWN:
        classes += f" and {len(problem.classes) - SHOWN} more"
    return _join(
        f"{purpose} Texts in {', '.join(facts.languages) or 'an unknown language'}.",
        f"It answers with {classes or f'a {problem.answer.kind}'}, each with a confidence.",
        "### Versions",
        _format_versions(versions),
        "*Difference*: the gain over the same base model without training, on the same examples, with its "
        "confidence interval. A challenger becomes champion when a paired comparison favours it; "
        "`satiety history` lists every move of the alias with its reason.",
        "### Load the champion" if has_champion else "### Load the newest",
        _format_code(facts.name, "@champion" if has_champion else versions[0].number, problem),
    )


def _describe_status(version: ModelVersion) -> str:
    """Return the promotion status without markup, because lists of versions show its first words as plain text."""
    decision, reason = version.tags.get("satiety.decision"), version.tags.get("satiety.reason", "")
    if decision is None:
        return "Not compared yet: `promote` compares it with the champion."
    if "champion" in version.roles:
        return f"Champion. {reason}."
    return f"{'Was promoted' if decision == 'promoted' else decision.capitalize()}. {reason}."


def _format_scores(scores: Mapping[str, Any]) -> str:
    """Return a table of the metrics: the headline first, then those that fell, the worst first, then the others."""
    metrics, headline = scores["metrics"], scores["metric"]
    gains = {name: interval["value"] for name, interval in metrics["difference"].items()}
    names = sorted(metrics["after"], key=lambda name: (name != headline, min(gains[name], 0), "/" in name))
    rows = [
        (
            _format_bold(_strip_markup(name), name == headline),
            format_interval(metrics["before"][name]),
            format_interval(metrics["after"][name]),
            _format_bold(format_interval(metrics["difference"][name], "+"), name == headline),
        )
        for name in names[:SHOWN_METRICS]
    ]
    level, fallen = f"{scores['confidence_level']:.0%}", sum(gain < 0 for gain in gains.values())
    note = (
        f"*Before*: the same base model untrained. In brackets: {level} confidence intervals (paired bootstrap). "
        f"Of {len(names)} metrics {fallen} fell."
    )
    hidden = names[SHOWN_METRICS:]
    if hidden:
        note += f" {len(hidden)} more metrics are in the card, {sum(gains[name] < 0 for name in hidden)} of them fell."
    return f"{_format_table(('metric', 'before', 'after', 'difference'), rows)}\n\n{note}"


def _format_versions(versions: Sequence[ModelVersion]) -> str:
    rows = []
    for version in versions[:SHOWN]:
        metric, score, difference, decision = (
            version.tags.get(f"satiety.{name}", "") for name in ("metric", "after", "difference", "decision")
        )
        roles = _format_bold(", ".join(version.roles), "champion" in version.roles)
        rows.append((version.number, roles, f"{metric} {score}", difference, decision))
    return _format_table(("version", "role", "score", "difference", "promotion"), rows)


def _format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, padded because the registry's pages have no space between columns."""
    lines = ["|".join(f" {value}&emsp; " for value in row) for row in (head, *rows)]
    return "\n".join(f"|{line}|" for line in (lines[0], ":---|" * (len(head) - 1) + ":---", *lines[1:]))


def _format_code(name: str, version: str, problem: Problem) -> str:
    suffix = version if version.startswith("@") else f"/{version}"
    confidence_note = " and the confidence" if problem.has_confidence else ""
    return (
        f'```python\nimport mlflow\n\nmodel = mlflow.pyfunc.load_model("models:/{name}{suffix}")\n'
        f'model.predict(["a text", "一段文字"])   # {problem.gold}{confidence_note} of each\n```\n'
        "It needs `pip install 'satiety[train,serve]'` and works with `MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false`: "
        "none of its files can run code."
    )


def _strip_markup(name: str) -> str:
    """Return a name without Markdown markup, cut to 40 characters."""
    return _MARKUP.sub(" ", name)[:40]


def _format_bold(text: str, is_bold: bool) -> str:
    return f"**{text}**" if is_bold and text else text


def _join(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)[:LONGEST]
