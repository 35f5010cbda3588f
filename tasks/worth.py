"""Stage `worth`: labels, corpus and base model -> learning curve and label worth of each lever, as report and page."""

from pathlib import Path
from typing import Any

from satiety.core.files import write_text
from satiety.core.records import Document, Example, read
from satiety.core.settings import Settings
from satiety.core.state import STATE
from satiety.problems import Problem
from satiety.tuning import Finetune
from satiety.worth.section import Worth
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    corpus: Path,
    base: Path,
    page: OutputPath,
    page_zh: OutputPath,
    curve: OutputPath,
    *,
    params: Worth,
    report: Report,
) -> None:
    """Execute the runs of the study that are not cached, and report learning curve and lever gains."""
    from satiety.worth.page import page as draw_page
    from satiety.worth.preparation import StudyData

    pool = (*read(train, Example), *read(dev, Example))
    material = StudyData(Problem.load(problem), pool, tuple(read(test, Example)), tuple(read(corpus, Document)), base)
    summary = _build_report(material, params)
    write_text(page, draw_page(summary, "en"))
    write_text(page_zh, draw_page(summary, "zh"))
    for path in (page, page_zh):
        report.log_artifact(path)
    write_text(curve, _build_plot_rows(summary))
    for point in summary["curve"]:
        report.log_point("baseline", point["value"], point["budget"])
    for point in summary["levers"]:
        report.log_point(point["lever"], point["score"], point["budget"])
    report.add_counts(
        records_in=len(pool) + len(material.test) + len(material.corpus), records_out=len(summary["levers"])
    )
    report.add(**summary)


def _build_report(material: Any, params: Worth) -> dict[str, Any]:
    """Return the report of the study; it is empty for a generative model, and where there is no test."""
    from satiety.core.executor import processes
    from satiety.tuning.inputs import build_head
    from satiety.worth.advice import advise, write_headline
    from satiety.worth.decision import decide
    from satiety.worth.findings import analyze_study
    from satiety.worth.preparation import prepare_study
    from satiety.worth.report import build_empty_report, build_report
    from satiety.worth.study import run_study

    if not material.test or build_head(material.problem).is_generative:
        return build_empty_report(material.problem, params, len(material.pool), len(material.test))
    settings = Settings()
    plan, inputs = prepare_study(material, params, Finetune.load(), STATE / "worth", settings.device)
    with processes(settings.processes) as executor:
        findings = analyze_study(plan, run_study(plan, inputs, executor))
    decision = decide(findings)
    return {
        **build_report(findings),
        "headline": write_headline(findings, decision),
        "next": advise(findings, decision),
    }


def _build_plot_rows(summary: dict[str, Any]) -> str:
    """Return CSV rows: score and interval by labels, for the baseline and each lever set (interval of its gain)."""
    rows = [("baseline", point["budget"], point["value"], point["low"], point["high"]) for point in summary["curve"]]
    for lever in summary["levers"]:
        bounds = (round(lever["score"] + lever["gain"][bound] - lever["gain"]["value"], 6) for bound in ("low", "high"))
        rows.append((lever["lever"], lever["budget"], lever["score"], *bounds))
    return "\n".join(",".join(map(str, row)) for row in [("levers", "labels", "score", "low", "high"), *rows]) + "\n"


if __name__ == "__main__":
    main.cli()
