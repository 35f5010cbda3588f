"""What a registry knows of a model and of its versions -> two short Markdown pages for the people who meet it there.

The card is in the package and says all; a page says what one asks first: what it is for, how good it is, what it cost,
whether it is in use, and how to load it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from satiety.package.card import Facts, format_interval
from satiety.problems import Problem

LONGEST = 5000
"""Characters that MLflow keeps of a description."""
SHOWN = 10
"""Versions in a table, or names in a list, at most."""
SHOWN_METRICS = 20
"""Metrics in a table at most: with long names they fill a description."""
DIGITS = 12
"""Of a digest that is shown; the whole one is among the version's tags."""
_MARKUP = re.compile(r"[`|<>*\[\]\s]+")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version, as its registry tells of it."""

    number: str
    roles: Sequence[str]
    """Its aliases."""
    tags: Mapping[str, str]


def render_version_page(problem: Problem, scores: Mapping[str, Any], facts: Facts, version: ModelVersion) -> str:
    """Return the page of one version."""
    parts = [
        _standing(version),
        f"### Scores on {scores['examples']:,} frozen test examples",
        _scores(scores),
        "### Training data and code",
        _making(facts),
        "### Load it",
        _code(facts.name, version.number, problem),
    ]
    return _whole(parts)


def render_model_page(problem: Problem, facts: Facts, versions: Sequence[ModelVersion]) -> str:
    """Return the page of the model; the newest version comes first."""
    champion = next((version for version in versions if "champion" in version.roles), None)
    parts = [
        f"{_purpose(problem)} Texts in {', '.join(facts.languages) or 'an unknown language'}.",
        f"It answers with {_names(problem.classes) or f'a {problem.answer.kind}'}, each with a confidence.",
        "### Versions",
        _versions(versions),
        (
            "*Difference*: the gain over the same base model without training, on the same test examples, with its "
            "confidence interval. A challenger becomes champion when a paired comparison favours it; "
            "`satiety history` lists every move of the alias with its reason."
        ),
        "### Load the champion" if champion else "### Load the newest",
        _code(facts.name, "@champion" if champion else versions[0].number, problem),
    ]
    return _whole(parts)


def _standing(version: ModelVersion) -> str:
    """Return it without markup: a list of versions shows the first words as they are written."""
    decision, reason = version.tags.get("satiety.decision"), version.tags.get("satiety.reason", "")
    if decision is None:
        return "Not compared yet: `promote` compares it with the champion."
    if "champion" in version.roles:
        return f"Champion. {reason}."
    return f"{'Was promoted' if decision == 'promoted' else decision.capitalize()}. {reason}."


def _scores(scores: Mapping[str, Any]) -> str:
    """Return a table of the metrics: the headline first, then those that fell, the worst first, then the others."""
    metrics, headline = scores["metrics"], scores["metric"]
    gains = {name: interval["value"] for name, interval in metrics["difference"].items()}
    names = sorted(metrics["after"], key=lambda name: (name != headline, min(gains[name], 0), "/" in name))
    rows = [
        (
            _bold(_plain(name), name == headline),
            format_interval(metrics["before"][name]),
            format_interval(metrics["after"][name]),
            _bold(format_interval(metrics["difference"][name], "+"), name == headline),
        )
        for name in names[:SHOWN_METRICS]
    ]
    level, fallen = f"{scores['level']:.0%}", sum(gain < 0 for gain in gains.values())
    note = (
        f"*Before*: the same base model untrained. In brackets: {level} confidence intervals (paired bootstrap). "
        f"Of {len(names)} metrics {fallen} fell."
    )
    hidden = names[SHOWN_METRICS:]
    if hidden:
        note += f" {len(hidden)} more metrics are in the card, {sum(gains[name] < 0 for name in hidden)} of them fell."
    return f"{_table(('metric', 'before', 'after', 'difference'), rows)}\n\n{note}"


def _making(facts: Facts) -> str:
    return "\n".join(f"- **{name}**: {value}" for name, value in _ingredients(facts))


def _ingredients(facts: Facts) -> Iterator[tuple[str, str]]:
    budget = facts.params.get("ingest", {}).get("budget")
    budget_note = f" of {budget:,}; the others are validation labels" if budget else ""
    yield "labels", f"{facts.trained:,} to train on{budget_note}"
    yield "languages", ", ".join(facts.languages) or "unknown"
    yield "data", ", ".join(f"{name} `{value[:DIGITS]}`" for name, value in facts.data.items())
    yield "code", f"git revision `{facts.revision[:DIGITS]}`"
    yield "card", "`README.md` among the artifacts of the run: use, limits, every param"


def _versions(versions: Sequence[ModelVersion]) -> str:
    rows = []
    for version in versions[:SHOWN]:
        score = f"{version.tags.get('satiety.metric', '')} {_interval(version, 'after')}"
        roles = _bold(", ".join(version.roles), "champion" in version.roles)
        rows.append(
            (version.number, roles, score, _interval(version, "difference"), version.tags.get("satiety.decision", ""))
        )
    return _table(("version", "role", "score", "difference", "promotion"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with air between its columns: the registry's page gives it none."""
    lines = ["|".join(f" {value}&emsp; " for value in row) for row in (head, *rows)]
    return "\n".join(f"|{line}|" for line in (lines[0], ":---|" * (len(head) - 1) + ":---", *lines[1:]))


def _interval(version: ModelVersion, name: str) -> str:
    text = version.tags.get(f"satiety.{name}")
    return format_interval(json.loads(text), "+" if name == "difference" else "") if text else ""


def _code(name: str, version: str, problem: Problem) -> str:
    suffix = version if version.startswith("@") else f"/{version}"
    confidence_note = " and the confidence" if problem.has_confidence else ""
    return (
        f'```python\nimport mlflow\n\nmodel = mlflow.pyfunc.load_model("models:/{name}{suffix}")\n'
        f'model.predict(["a text", "一段文字"])   # of each its {problem.gold}{confidence_note}\n```\n'
        "It needs `pip install 'satiety[train,serve]'` and works with `MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false`: "
        "none of its files can run code."
    )


def _purpose(problem: Problem) -> str:
    return (type(problem).__doc__ or problem.kind).strip().splitlines()[0]


def _names(classes: Sequence[str]) -> str:
    names = ", ".join(f"`{_plain(name)}`" for name in classes[:SHOWN])
    return names + (f" and {len(classes) - SHOWN} more" if len(classes) > SHOWN else "")


def _plain(name: str) -> str:
    """Return a label or a metric's name without what would be taken for markup, cut to 40 characters."""
    return _MARKUP.sub(" ", name)[:40]


def _bold(text: str, is_bold: bool) -> str:
    return f"**{text}**" if is_bold and text else text


def _whole(parts: Sequence[str]) -> str:
    return "\n\n".join(parts)[:LONGEST]
