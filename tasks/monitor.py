"""`monitor`, which is no stage: what the packaged model is asked today against its test examples; a page of it.

What was asked is a fact of the world, not of this workspace, so DVC must not cache it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from satiety.drift.section import Monitor
from satiety.errors import DataError, SetupError
from satiety.files import sha256, write_text
from satiety.package.contents import MANIFEST, read_digest
from satiety.records import Example, read
from satiety.settings import Settings
from satiety.state import STATE
from tasks.integrity import check
from tasks.places import places
from tasks.stage import REPORTS, Report, stage

if TYPE_CHECKING:
    from satiety.drift.asked import Asked
    from satiety.drift.rehearsal import Pool
    from satiety.drift.seeing import Eye

log = logging.getLogger(__name__)


def called(*, table: bool) -> str:
    """Return what a report, and the pages of it, are called: a table is not what the model is asked."""
    return "monitor-table" if table else "monitor"


@stage
def main(table: Path | None = None, *, params: Monitor, report: Report) -> None:
    """Look at the newest texts that were answered, or at those of a table, and say what has moved."""
    from satiety.drift.page import page
    from satiety.drift.verdict import too_few
    from satiety.drift.watch import Window, rehearsed, tell, watch

    asked, report.name = _asked(table, params), called(table=table is not None)
    pages = {"en": REPORTS / f"{report.name}.html", "zh": REPORTS / f"{report.name}.zh.html"}
    report.flow(read=len(asked.inputs), wrote=0)
    window = {"source": asked.source, "texts": len(asked.inputs), "since": asked.since, "until": asked.until}
    window["left_out"] = _left_out(asked)
    if len(asked.inputs) < params.least:
        report.add(verdict="too few texts", window=window, sentence=too_few(len(asked.inputs), params.least))
        for path in pages.values():
            path.unlink(missing_ok=True)
        return
    check([*places("problem", "package", "base", "train", "dev", "test"), REPORTS / "worth.json"])
    eye = _eye(params)
    pool = _pool(eye, params)
    sample, answers = eye.see(asked.inputs, asked.answers_of(read_digest(places("package")[0])))
    estimator = rehearsed(eye.problem, pool, len(sample), params)
    curve = _curve(eye.problem.headline)
    found = watch(eye.problem, pool, estimator, Window(sample, answers, asked.gold), params, curve)
    told = {**tell(found, eye.problem.headline), "window": window, "reference": len(pool.strata)}
    told |= {"alpha": params.alpha, "harm": params.harm, "level": params.level}
    for language, path in pages.items():
        write_text(path, page(told, language))  # type: ignore[arg-type]
        report.keep(path)
    if params.evidently:
        from satiety.drift.evidently_page import write

        write(eye.problem, pool.reference, sample, REPORTS / f"{report.name}-evidently.html")
    report.add(**told)


def _asked(table: Path | None, params: Monitor) -> Asked:
    from satiety.drift.asked import of_table, of_traffic
    from satiety.ingest import Ingest
    from satiety.package import Register
    from satiety.problems import Problem
    from satiety.traffic import recorded

    if table is not None:
        ingest = Ingest.load()
        return of_table(table, params.window, ingest.problem, ingest.limits)
    traffic = recorded(Settings())
    if traffic is None:
        raise SetupError("monitor: nothing is recorded outside of a project; run in one, or name a --table")
    return of_traffic(traffic, params.window, Problem.load(places("problem")[0]), Register.load().name)


def _left_out(asked: Asked) -> dict[str, Any] | None:
    """Say in the log, and return for the report, which rows of a table held no text."""
    if asked.left is None:
        return None
    told = asked.left.sentence()
    log.warning("%s: %s", asked.source, told["en"])
    return {**asdict(asked.left), "sentence": told}


def _eye(params: Monitor) -> Eye:
    from satiety import package as packages
    from satiety.drift.seeing import Eye
    from satiety.embedding import embedder

    package, base, train, dev = places("package", "base", "train", "dev")
    device = Settings().device
    opened, embed = packages.open(package, device), embedder(base, device, params.prefix)
    training = embed([one.text for path in (train, dev) for one in read(path, Example)])
    return Eye(opened.problem, opened.predict, embed, training, params.neighbours)


def _pool(eye: Eye, params: Monitor) -> Pool:
    """Return the test examples and their rewrites, answered; kept, for they are looked at again and again."""
    from satiety.augment import Augment
    from satiety.drift.seeing import kept, rewritten
    from satiety.worth.cells import code_of

    package, base, train, dev, test = places("package", "base", "train", "dev", "test")
    examples = list(read(test, Example))
    examples = Random(params.seed).sample(examples, min(params.reference, len(examples)))  # noqa: S311  # no secret
    if len(examples) < params.least:
        raise DataError(
            f"monitor: {len(examples)} test examples are too few to compare with; give `ingest.test` more of them"
        )
    how = Augment(seed=params.seed, steps=params.rehearsal.rewrites, near_duplicate=1.0)
    texts = [one.text for one in [*examples, *rewritten(examples, eye.problem, how)]]
    made_of: list[Any] = [sha256(path) for path in (package / MANIFEST, base / "model.safetensors", train, dev)]
    code = [code_of(name) for name in ("satiety.drift.seeing", "satiety.drift.sample", "satiety.embedding")]
    made_of += [*code, params.neighbours, params.prefix]

    def make() -> Pool:
        log.info("the model answers %d test examples and rewrites of them; the next look finds that done", len(texts))
        return eye.pool(examples, how)

    return kept(STATE / "monitor", made_of, texts, make)


def _curve(metric: str) -> list[dict[str, Any]]:
    """Return the meter's learning curve; none where it has not measured, or another metric."""
    path = REPORTS / "worth.json"
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return list(told["curve"]) if told.get("metric") == metric else []


if __name__ == "__main__":
    main.cli()
