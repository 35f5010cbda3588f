"""Publish the results of a run as artifacts in Prefect: tables, and pages with links to the full reports."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from satiety.core.state import STATE
from satiety.core.state_files import read_state
from satiety.package.card import describe_sample
from tasks.stage import COST, REPORTS
from tasks.tracking import format_ui_command


def publish(outcomes: Mapping[str, str], run_url: str | None) -> None:
    """Publish the results of a run of the pipeline.

    Args:
        outcomes: final state of each stage.
        run_url: URL of the run in MLflow, if it has one.
    """
    create_table_artifact(key="stages", table=tabulate_stages(outcomes), description="Outcome and cost of each stage.")
    create_markdown_artifact(key="pipeline", markdown=render_page(run_url), description="Scores, decision and links.")
    publish_meter()


def publish_meter() -> None:
    """Publish the report of `worth`, if there is one."""
    report = read_report("worth")
    if report:
        create_markdown_artifact(key="worth", markdown=render_meter(report), description="Learning curve.")
        create_table_artifact(key="levers", table=tabulate_levers(report), description="Worth of each lever in labels.")


def publish_retraining(note: Mapping[str, Any]) -> None:
    """Publish the note of a retraining."""
    create_markdown_artifact(key="retrain", markdown=render_retraining(note), description="Result of the retraining.")


def render_retraining(note: Mapping[str, Any]) -> str:
    """Return the note of a retraining as markdown."""
    rows = {
        "trigger": note["trigger"],
        "new": ", ".join(f"{count:,} {kind}" for kind, count in note["new"].items()),
        "trained on": f"{note['trained_on']:,} labels, {note['texts']:,} raw texts",
        "fresh test set": f"{note['fresh']:,} examples",
        "dropped": ", ".join(f"{count:,}: {reason}" for reason, count in note["dropped"].items()) or "none",
        "branch": f"`{note['branch']}`, "
        + ("merged" if note["merged"] else f"not merged: {note['not_merged_because']}"),
        "worktree": f"`{note['worktree']}`",
    }
    lines = [f"# {str(note['decision']).capitalize()}", "", str(note["decision_reason"]), "", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())])


def publish_monitor(report: Mapping[str, Any], name: str) -> None:
    """Publish a monitoring report under its name."""
    create_markdown_artifact(key=name, markdown=render_drift(report, name), description="Drift and its cost.")
    if "drift" in report:
        tests = [{"test": test, **values} for test, values in report["drift"]["tests"].items()]
        create_table_artifact(key=f"{name}-drift", table=tests, description="Result of each drift test.")


def render_drift(report: Mapping[str, Any], report_name: str) -> str:
    """Return the verdict, new terms, label shares and the path of the page as markdown; terms are quoted as code."""
    lines = [f"# {report['sentence']['en']}", ""]
    if report.get("terms"):
        words = (f"`{term['word'].replace('`', '')}` ({term['window']:.0%})" for term in report["terms"])
        lines += ["New or more frequent: " + ", ".join(words), ""]
    if report.get("labels"):
        if not report["only_shares"]["holds"]:
            lines += ["Not only the label shares changed, so these estimates are unreliable:", ""]
        lines += ["| label | test examples | today |", "|---|---|---|"]
        lines += [
            f"| {name} | {share['usual']:.1%} | {share['today']['value']:.1%} |"
            for name, share in report["labels"].items()
        ]
    return "\n".join([*lines, "", f"Page: `{Path.cwd() / REPORTS / report_name}.html`"])


def read_report(name: str) -> dict[str, Any]:
    """Return the report of a stage, of promotion or of monitoring; empty if there is none."""
    path = REPORTS / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def render_meter(report: Mapping[str, Any]) -> str:
    """Return the headline, the learning curve and the recommendation as markdown."""
    metric, level = report["metric"], f"{report['confidence_level']:.0%} CI"
    lines = [f"# {report['headline']['en']}", "", f"| labels, baseline | {metric} | {level} |", "|---|---|---|"]
    lines += [f"| {n['budget']} | {n['value']:.3f} | [{n['low']:.3f}, {n['high']:.3f}] |" for n in report["curve"]]
    page = Path.cwd() / REPORTS / "worth.html"
    return "\n".join([*lines, "", f"**{report['next']['sentence']['en']}**", "", f"Page: `{page}`"])


def tabulate_levers(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per set of levers and budget."""
    names = ("lever", "budget", "score", "verdict")
    return [
        {name: row[name] for name in names}
        | {f"gain {end}": row["gain"][end] for end in ("value", "low", "high")}
        | {f"labels {end}": row["labels"][end] for end in ("value", "low", "high")}
        for row in report["levers"]
    ]


def tabulate_stages(outcomes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return one row per stage: outcome, records in and out, and the cost of its last run."""
    rows = []
    for stage, outcome in outcomes.items():
        report, cost = read_report(stage), read_state(STATE / "timings" / f"{stage}.json", COST) or {}
        row = {"stage": stage, "this run": outcome} | {name: report.get(name) for name in ("in", "out", "quarantined")}
        gigabytes = round(cost["peak_bytes"] / 1e9, 2) if cost else None
        rows.append(row | {"seconds, when it ran": cost.get("seconds"), "GB": gigabytes})
    return rows


def render_page(run_url: str | None) -> str:
    """Return the scores, the decision about promotion and links as markdown."""
    scores, promoted = read_report("evaluate"), read_report("promote")
    lines = [f"# {promoted.get('name', 'pipeline')}", ""]
    if scores:
        sample = describe_sample(scores, "scores.frozen test")["en"]
        lines += [f"**{scores['metric']}** {sample}", "", *_scores(scores), ""]
    if promoted:
        lines += [f"**{str(promoted['decision']).capitalize()}**: {promoted['reason']}", ""]
    return "\n".join([*lines, "## Links", *(f"- {link}" for link in _links(run_url))])


def _scores(scores: Mapping[str, Any]) -> list[str]:
    sides = {"before": "before", "after": "after", "difference": "**difference**"}
    return [
        f"| | value | {scores['confidence_level']:.0%} CI |",
        "|---|---|---|",
        *(
            f"| {label} | {s['value']:{sign}.3f} | [{s['low']:{sign}.3f}, {s['high']:{sign}.3f}] |"
            for side, label in sides.items()
            for s, sign in [(scores[side], "+" if side == "difference" else "")]
        ),
    ]


def _links(run_url: str | None) -> list[str]:
    """Return URLs for readers of the web page, and paths for users of this machine."""
    folder = Path.cwd()
    tracking_uri = os.environ.get("SATIETY_TRACKING_URI", "")
    registry = f"{tracking_uri.rstrip('/')}/#/models" if tracking_uri.startswith("http") else None
    local = f"MLflow: `{format_ui_command(folder)}`"
    return [
        f"MLflow run: [{run_url}]({run_url})" if run_url else local,
        *([f"Registered models: [{registry}]({registry})"] if registry else []),
        f"Data Docs: `{folder / REPORTS / 'data_docs' / 'index.html'}`, also in the MLflow run of `validate`",
        f"Reports: `{folder / REPORTS}/<stage>.json`",
        f"Model: `{folder / 'models' / 'package'}`, with its model card `README.md`",
    ]
