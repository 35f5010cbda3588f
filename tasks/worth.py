"""Stage `worth`: labels, corpus and base model -> what labels buy, what each lever is worth in labels; a page of it."""

from pathlib import Path
from typing import Any

from satiety.files import write_text
from satiety.problems import Problem
from satiety.records import Document, Example, read
from satiety.settings import Settings
from satiety.state import STATE
from satiety.tuning import Finetune
from satiety.worth.section import Worth
from tasks.stage import Made, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    corpus: Path,
    base: Path,
    page: Made,
    page_zh: Made,
    curve: Made,
    *,
    params: Worth,
    report: Report,
) -> None:
    """Evaluate the cells, those that are not kept from before, and say what they mean."""
    from satiety.worth.page import page as drawn
    from satiety.worth.preparing import Material

    pool = (*read(train, Example), *read(dev, Example))
    material = Material(Problem.load(problem), pool, tuple(read(test, Example)), tuple(read(corpus, Document)), base)
    told = _told(material, params)
    write_text(page, drawn(told, "en"))
    write_text(page_zh, drawn(told, "zh"))
    for path in (page, page_zh):
        report.keep(path)
    write_text(curve, _rows(told))
    for one in told["curve"]:
        report.point("plain", one["value"], one["budget"])
    for one in told["levers"]:
        report.point(one["lever"], one["score"], one["budget"])
    report.flow(read=len(pool) + len(material.test) + len(material.corpus), wrote=len(told["levers"]))
    report.add(**told)


def _told(material: Any, params: Worth) -> dict[str, Any]:
    """Return what the report says: what was measured, or that nothing can be."""
    from satiety.executor import processes
    from satiety.tuning.inputs import head_of
    from satiety.worth.advice import advise
    from satiety.worth.decision import decide
    from satiety.worth.findings import find, tell
    from satiety.worth.headline import headline
    from satiety.worth.preparing import prepare
    from satiety.worth.study import run
    from satiety.worth.unmeasured import unmeasured

    if head_of(material.problem).writes:
        return unmeasured(material.problem, params, len(material.pool), len(material.test))
    settings = Settings()
    plan, inputs = prepare(material, params, Finetune.load(), STATE / "worth", settings.device)
    with processes(settings.processes) as executor:
        found = find(plan, run(plan, inputs, executor))
    decision = decide(found)
    return {**tell(found), "headline": headline(found, decision), "next": advise(found, decision)}


def _rows(told: dict[str, Any]) -> str:
    """Return the plot: by labels, plain's score with its interval, and every lever set's with that of its gain."""
    rows = [("plain", one["budget"], one["value"], one["low"], one["high"]) for one in told["curve"]]
    for one in told["levers"]:
        ends = (round(one["score"] + one["gain"][end] - one["gain"]["value"], 6) for end in ("low", "high"))
        rows.append((one["lever"], one["budget"], one["score"], *ends))
    return "\n".join(",".join(map(str, row)) for row in [("levers", "labels", "score", "low", "high"), *rows]) + "\n"


if __name__ == "__main__":
    main.cli()
