"""What a run of the pipeline made -> a table and a page in Prefect, with links to where the rest is."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from satiety.core.state import STATE
from satiety.core.state_files import read_state
from tasks.stage import COST, REPORTS


def publish(outcomes: Mapping[str, str], run_url: str | None) -> None:
    """Make the two artifacts of this run.

    Args:
        outcomes: how each stage ended.
        run_url: a link to the run in MLflow, where there is one.
    """
    create_table_artifact(key="stages", table=tabulate_stages(outcomes), description="What each stage did.")
    create_markdown_artifact(key="pipeline", markdown=render_page(run_url), description="What came of it.")
    publish_meter()


def publish_meter() -> None:
    """Make the artifacts of what the meter says."""
    report = _read(REPORTS / "worth.json")
    if report:
        create_markdown_artifact(key="worth", markdown=render_meter(report), description="What labels buy.")
        create_table_artifact(
            key="levers", table=tabulate_levers(report), description="What each lever is worth, in labels."
        )


def publish_retraining(note: Mapping[str, Any]) -> None:
    """Make the artifact of what was new, what was decided, and why."""
    create_markdown_artifact(
        key="retrain", markdown=render_retraining(note), description="What came of the retraining."
    )


def render_retraining(note: Mapping[str, Any]) -> str:
    """Return what a retraining notes, as markdown."""
    rows = {
        "asked for by": note["reason"],
        "new": ", ".join(f"{count:,} {kind}" for kind, count in note["new"].items()),
        "learned from": f"{note['learned']:,} labels, {note['texts']:,} raw texts",
        "fresh test": f"{note['fresh']:,} examples",
        "of no use": ", ".join(f"{count:,}: {reason}" for reason, count in note["of no use"].items()) or "none",
        "branch": f"`{note['branch']}`, " + ("merged" if note["merged"] else f"not merged: {note['left']}"),
        "worktree": f"`{note['worktree']}`",
    }
    lines = [f"# {str(note['decision']).capitalize()}", "", str(note["because"]), "", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())])


def publish_monitor(report: Mapping[str, Any], name: str) -> None:
    """Make the artifacts of what monitoring found; ``name`` is that of its report."""
    create_markdown_artifact(key=name, markdown=render_drift(report, name), description="Has the world moved?")
    if "drift" in report:
        tests = [{"test": test, **values} for test, values in report["drift"]["tests"].items()]
        create_table_artifact(key=f"{name}-drift", table=tests, description="What each test says.")


def render_drift(report: Mapping[str, Any], report_name: str) -> str:
    """Return the verdict, what is new, and where the page is, as markdown; texts are quoted, never markup."""
    lines = [f"# {report['sentence']['en']}", ""]
    if report.get("terms"):
        words = (f"`{term['word'].replace('`', '')}` ({term['window']:.0%})" for term in report["terms"])
        lines += ["New or more frequent: " + ", ".join(words), ""]
    if report.get("labels"):
        if not report["only_shares"]["holds"]:
            lines += ["More than the shares of the labels has moved, so these are not reliable:", ""]
        lines += ["| label | test examples | today |", "|---|---|---|"]
        lines += [
            f"| {name} | {share['usual']:.1%} | {share['today']['value']:.1%} |"
            for name, share in report["labels"].items()
        ]
    return "\n".join([*lines, "", f"The page: `{Path.cwd() / REPORTS / report_name}.html`"])


def read_report(name: str) -> dict[str, Any]:
    """Return what a stage, or what is none, reported."""
    return _read(REPORTS / f"{name}.json")


def render_meter(report: Mapping[str, Any]) -> str:
    """Return the headline, the curve and the next step, as markdown."""
    metric, level = report["metric"], f"{report['level']:.0%} interval"
    lines = [f"# {report['headline']['en']}", "", f"| labels alone | {metric} | {level} |", "|---|---|---|"]
    lines += [f"| {n['budget']} | {n['value']:.3f} | [{n['low']:.3f}, {n['high']:.3f}] |" for n in report["curve"]]
    page = Path.cwd() / REPORTS / "worth.html"
    return "\n".join([*lines, "", f"**Next:** {report['next']['sentence']['en']}", "", f"The page: `{page}`"])


def tabulate_levers(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per lever set and budget."""
    names = ("lever", "budget", "score", "verdict")
    return [
        {name: row[name] for name in names}
        | {f"gain {end}": row["gain"][end] for end in ("value", "low", "high")}
        | {f"labels {end}": row["labels"][end] for end in ("value", "low", "high")}
        for row in report["levers"]
    ]


def tabulate_stages(outcomes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a row per stage: how it ended, what went in and out, how long it took when it last ran."""
    return [_row(stage, outcome) for stage, outcome in outcomes.items()]


def render_page(run_url: str | None) -> str:
    """Return the scores, the decision and the links, as markdown."""
    scores, promoted = _read(REPORTS / "evaluate.json"), _read(REPORTS / "promote.json")
    lines = [f"# {promoted.get('name', 'pipeline')}", ""]
    if scores:
        lines += [f"**{scores['metric']}** on {scores['examples']:,} frozen test examples", "", *_scores(scores), ""]
    if promoted:
        lines += [f"**{str(promoted['decision']).capitalize()}**: {promoted['reason']}", ""]
    return "\n".join([*lines, "## Where the rest is", *(f"- {link}" for link in _links(run_url))])


def _scores(scores: Mapping[str, Any]) -> list[str]:
    sides = {"before": "before", "after": "after", "difference": "**difference**"}
    return [
        "| | value | 95 % interval |",
        "|---|---|---|",
        *(
            f"| {label} | {s['value']:{sign}.3f} | [{s['low']:{sign}.3f}, {s['high']:{sign}.3f}] |"
            for side, label in sides.items()
            for s, sign in [(scores[side], "+" if side == "difference" else "")]
        ),
    ]


def _links(run_url: str | None) -> list[str]:
    """Return links for who sees the web alone, and paths for who sits at the machine."""
    folder = Path.cwd()
    tracking_uri = os.environ.get("SATIETY_TRACKING_URI", "")
    registry = f"{tracking_uri.rstrip('/')}/#/models" if tracking_uri.startswith("http") else None
    local = "MLflow: `mlflow ui --backend-store-uri sqlite:///mlflow.db`"
    return [
        f"MLflow run: [{run_url}]({run_url})" if run_url else local,
        *([f"Registered models: [{registry}]({registry})"] if registry else []),
        f"Data Docs: `{folder / REPORTS / 'data_docs' / 'index.html'}`, and with the run of `validate` in MLflow",
        f"Reports: `{folder / REPORTS}/<stage>.json`",
        f"The model: `{folder / 'models' / 'package'}`, its card `README.md` in it",
    ]


def _row(stage: str, outcome: str) -> dict[str, Any]:
    report, cost = _read(REPORTS / f"{stage}.json"), read_state(STATE / "timings" / f"{stage}.json", COST) or {}
    return {
        "stage": stage,
        "this run": outcome,
        "in": report.get("in"),
        "out": report.get("out"),
        "quarantined": report.get("quarantined"),
        "seconds, when it ran": cost.get("seconds"),
        "GB": round(cost["peak_bytes"] / 1e9, 2) if cost else None,
    }


def _read(path: Path) -> dict[str, Any]:
    """Return what a file holds, or nothing where a stage did not come to write it."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
