"""What a run of the pipeline made -> a table and a page in Prefect, with links to where the rest is."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from satiety.damaged import read_state
from satiety.state import STATE
from tasks.stage import COST, REPORTS


def publish(ended: Mapping[str, str], mlflow: str | None) -> None:
    """Make the two artifacts of this run.

    Args:
        ended: how each stage ended.
        mlflow: a link to the run in MLflow, where there is one.
    """
    create_table_artifact(key="stages", table=rows(ended), description="What each stage did.")
    create_markdown_artifact(key="pipeline", markdown=page(mlflow), description="What came of it.")
    publish_meter()


def publish_meter() -> None:
    """Make the artifacts of what the meter says."""
    told = _read(REPORTS / "worth.json")
    if told:
        create_markdown_artifact(key="worth", markdown=meter(told), description="What labels buy.")
        create_table_artifact(key="levers", table=levers(told), description="What each lever is worth, in labels.")


def publish_retraining(note: Mapping[str, Any]) -> None:
    """Make the artifact of what was new, what was decided, and why."""
    create_markdown_artifact(key="retrain", markdown=retraining(note), description="What came of the retraining.")


def retraining(note: Mapping[str, Any]) -> str:
    """Return what a retraining notes, as markdown."""
    rows = {
        "asked for by": note["reason"],
        "new": ", ".join(f"{count:,} {what}" for what, count in note["new"].items()),
        "learned from": f"{note['learned']:,} labels, {note['texts']:,} raw texts",
        "fresh test": f"{note['fresh']:,} examples",
        "of no use": ", ".join(f"{count:,}: {why}" for why, count in note["of no use"].items()) or "none",
        "branch": f"`{note['branch']}`, " + ("merged" if note["merged"] else f"not merged: {note['left']}"),
        "worktree": f"`{note['worktree']}`",
    }
    lines = [f"# {str(note['decision']).capitalize()}", "", str(note["because"]), "", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())])


def publish_monitor(told: Mapping[str, Any], name: str) -> None:
    """Make the artifacts of what monitoring found; ``name`` is that of its report."""
    create_markdown_artifact(key=name, markdown=moved(told, name), description="Has the world moved?")
    if "drift" in told:
        tests = [{"test": test, **one} for test, one in told["drift"]["tests"].items()]
        create_table_artifact(key=f"{name}-drift", table=tests, description="What each test says.")


def moved(told: Mapping[str, Any], report: str) -> str:
    """Return the verdict, what is new, and where the page is, as markdown; texts are quoted, never markup."""
    lines = [f"# {told['sentence']['en']}", ""]
    if told.get("terms"):
        words = (f"`{one['word'].replace('`', '')}` ({one['window']:.0%})" for one in told["terms"])
        lines += ["New or more frequent: " + ", ".join(words), ""]
    if told.get("labels"):
        if not told["only_shares"]["holds"]:
            lines += ["More than the shares of the labels has moved, so these are not reliable:", ""]
        lines += ["| label | test examples | today |", "|---|---|---|"]
        lines += [
            f"| {name} | {one['usual']:.1%} | {one['today']['value']:.1%} |" for name, one in told["labels"].items()
        ]
    return "\n".join([*lines, "", f"The page: `{Path.cwd() / REPORTS / report}.html`"])


def report(name: str) -> dict[str, Any]:
    """Return what a stage, or what is none, reported."""
    return _read(REPORTS / f"{name}.json")


def meter(told: Mapping[str, Any]) -> str:
    """Return the headline, the curve and the next step, as markdown."""
    metric, level = told["metric"], f"{told['level']:.0%} interval"
    lines = [f"# {told['headline']['en']}", "", f"| labels alone | {metric} | {level} |", "|---|---|---|"]
    lines += [f"| {n['budget']} | {n['value']:.3f} | [{n['low']:.3f}, {n['high']:.3f}] |" for n in told["curve"]]
    page = Path.cwd() / REPORTS / "worth.html"
    return "\n".join([*lines, "", f"**Next:** {told['next']['sentence']['en']}", "", f"The page: `{page}`"])


def levers(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per lever set and budget."""
    names = ("lever", "budget", "score", "verdict")
    return [
        {name: one[name] for name in names}
        | {f"gain {end}": one["gain"][end] for end in ("value", "low", "high")}
        | {f"labels {end}": one["labels"][end] for end in ("value", "low", "high")}
        for one in told["levers"]
    ]


def rows(ended: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a row per stage: how it ended, what went in and out, how long it took when it last ran."""
    return [_row(stage, how) for stage, how in ended.items()]


def page(mlflow: str | None) -> str:
    """Return the scores, the decision and the links, as markdown."""
    scores, promoted = _read(REPORTS / "evaluate.json"), _read(REPORTS / "promote.json")
    lines = [f"# {promoted.get('name', 'pipeline')}", ""]
    if scores:
        lines += [f"**{scores['metric']}** on {scores['examples']:,} frozen test examples", "", *_scores(scores), ""]
    if promoted:
        lines += [f"**{str(promoted['decision']).capitalize()}**: {promoted['reason']}", ""]
    return "\n".join([*lines, "## Where the rest is", *(f"- {link}" for link in _links(mlflow))])


def _scores(scores: Mapping[str, Any]) -> list[str]:
    sides = {"before": "before", "after": "after", "difference": "**difference**"}
    return [
        "| | value | 95 % interval |",
        "|---|---|---|",
        *(
            f"| {shown} | {s['value']:{sign}.3f} | [{s['low']:{sign}.3f}, {s['high']:{sign}.3f}] |"
            for side, shown in sides.items()
            for s, sign in [(scores[side], "+" if side == "difference" else "")]
        ),
    ]


def _links(mlflow: str | None) -> list[str]:
    """Return links for who sees the web alone, and paths for who sits at the machine."""
    folder = Path.cwd()
    where = os.environ.get("SATIETY_TRACKING_URI", "")
    registry = f"{where.rstrip('/')}/#/models" if where.startswith("http") else None
    local = "MLflow: `mlflow ui --backend-store-uri sqlite:///mlflow.db`"
    return [
        f"MLflow run: [{mlflow}]({mlflow})" if mlflow else local,
        *([f"Registered models: [{registry}]({registry})"] if registry else []),
        f"Data Docs: `{folder / REPORTS / 'data_docs' / 'index.html'}`, and with the run of `validate` in MLflow",
        f"Reports: `{folder / REPORTS}/<stage>.json`",
        f"The model: `{folder / 'models' / 'package'}`, its card `README.md` in it",
    ]


def _row(stage: str, how: str) -> dict[str, Any]:
    report, cost = _read(REPORTS / f"{stage}.json"), read_state(STATE / "timings" / f"{stage}.json", COST) or {}
    return {
        "stage": stage,
        "this run": how,
        "in": report.get("in"),
        "out": report.get("out"),
        "quarantined": report.get("quarantined"),
        "seconds, when it ran": cost.get("seconds"),
        "GB": round(cost["peak_bytes"] / 1e9, 2) if cost else None,
    }


def _read(path: Path) -> dict[str, Any]:
    """Return what a file holds, or nothing where a stage did not come to write it."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
