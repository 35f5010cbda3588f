"""Command `monitor`: recent traffic of the packaged model against its test examples -> report and HTML pages.

It is outside the DVC pipeline, because the traffic is an input that DVC cannot track.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from satiety.core.errors import DataError, SetupError
from satiety.core.files import sha256, write_text
from satiety.core.records import Example, read
from satiety.core.settings import Settings
from satiety.core.state import STATE
from satiety.monitor.section import Monitor
from satiety.package.contents import MANIFEST, read_digest
from tasks.integrity import check_hashes
from tasks.paths import find_paths
from tasks.stage import REPORTS, Report, stage

if TYPE_CHECKING:
    from satiety.monitor.featurizer import Featurizer
    from satiety.monitor.shift_simulation import Pool
    from satiety.monitor.traffic_window import TrafficWindow

log = logging.getLogger(__name__)


def name_report(*, table: bool) -> str:
    """Return the name of the report and its pages; a table and the recorded traffic have separate reports."""
    return "monitor-table" if table else "monitor"


@stage
def main(table: Path | None = None, *, params: Monitor, report: Report) -> None:
    """Measure drift and score loss in the newest recorded texts, or in the texts of a table."""
    from satiety.monitor.page import page
    from satiety.monitor.verdict import explain_too_few
    from satiety.monitor.window_report import FeaturizedWindow, measure_drift, to_report, train_estimator

    traffic, report.name = _load_traffic(table, params), name_report(table=table is not None)
    pages = {"en": REPORTS / f"{report.name}.html", "zh": REPORTS / f"{report.name}.zh.html"}
    report.add_counts(records_in=len(traffic.inputs), records_out=0)
    window = {"source": traffic.source, "texts": len(traffic.inputs), "since": traffic.since, "until": traffic.until}
    window["left_out"] = _summarize_skipped(traffic)
    if len(traffic.inputs) < params.min_texts:
        report.add(
            verdict="too few texts", window=window, sentence=explain_too_few(len(traffic.inputs), params.min_texts)
        )
        for path in pages.values():
            path.unlink(missing_ok=True)
        return
    check_hashes([*find_paths("problem", "package", "base", "train", "dev", "test"), REPORTS / "worth.json"])
    featurizer = _load_featurizer(params)
    pool = _load_pool(featurizer, params)
    sample, answers = featurizer.transform(traffic.inputs, traffic.answers_of(read_digest(find_paths("package")[0])))
    estimator = train_estimator(featurizer.problem, pool, len(sample), params)
    curve = _read_curve(featurizer.problem.headline)
    findings = measure_drift(
        featurizer.problem, pool, estimator, FeaturizedWindow(sample, answers, traffic.gold), params, curve
    )
    summary = {**to_report(findings, featurizer.problem.headline), "window": window, "reference": len(pool.strata)}
    summary |= {"alpha": params.alpha, "harm": params.harm, "confidence_level": params.confidence_level}
    for language, path in pages.items():
        write_text(path, page(summary, language))  # type: ignore[arg-type]
        report.log_artifact(path)
    if params.evidently:
        from satiety.monitor.evidently_page import write_page

        write_page(featurizer.problem, pool.reference, sample, REPORTS / f"{report.name}-evidently.html")
    report.add(**summary)


def _load_traffic(table: Path | None, params: Monitor) -> TrafficWindow:
    from satiety.ingest import Ingest
    from satiety.monitor.traffic_window import read_table, read_traffic
    from satiety.package import Register
    from satiety.problems import Problem
    from satiety.serving.traffic import open_record

    if table is not None:
        ingest = Ingest.load()
        return read_table(table, params.window, ingest.problem, ingest.limits)
    record = open_record(Settings())
    if record is None:
        raise SetupError("monitor: no traffic is recorded outside a project; run it inside one, or give --table")
    return read_traffic(record, params.window, Problem.load(find_paths("problem")[0]), Register.load().name)


def _summarize_skipped(traffic: TrafficWindow) -> dict[str, Any] | None:
    """Log and return which rows of a table were skipped; None without a table."""
    if traffic.excluded is None:
        return None
    sentences = traffic.excluded.describe()
    log.warning("%s: %s", traffic.source, sentences["en"])
    return {**asdict(traffic.excluded), "sentence": sentences}


def _load_featurizer(params: Monitor) -> Featurizer:
    from satiety import package as packages
    from satiety.monitor.featurizer import Featurizer
    from satiety.training.embedding import load_embedder

    package, base, train, dev = find_paths("package", "base", "train", "dev")
    device = Settings().device
    model, embed = packages.open(package, device), load_embedder(base, device, params.prefix)
    train_embeddings = embed([example.text for path in (train, dev) for example in read(path, Example)])
    return Featurizer(model.problem, model.predict, embed, train_embeddings, params.k)


def _load_pool(featurizer: Featurizer, params: Monitor) -> Pool:
    """Return test examples and their rewrites with predictions, from the cache if it contains them."""
    from satiety.levers.augment import Augment
    from satiety.monitor.featurizer import load_or_build_pool, rewrite
    from satiety.worth.runs import hash_code

    package, base, train, dev, test = find_paths("package", "base", "train", "dev", "test")
    examples = list(read(test, Example))
    examples = Random(params.seed).sample(examples, min(params.reference, len(examples)))  # noqa: S311  # no secret
    if len(examples) < params.min_texts:
        raise DataError(
            f"monitor: {len(examples)} test examples, at least {params.min_texts} are needed; increase `ingest.test`"
        )
    augmentation = Augment(seed=params.seed, steps=params.simulation.rewrites, dedup_threshold=1.0)
    texts = [example.text for example in [*examples, *rewrite(examples, featurizer.problem, augmentation)]]
    cache_key: list[Any] = [sha256(path) for path in (package / MANIFEST, base / "model.safetensors", train, dev)]
    code = [
        hash_code(name)
        for name in ("satiety.monitor.featurizer", "satiety.monitor.sample", "satiety.training.embedding")
    ]
    cache_key += [*code, params.k, params.prefix]

    def build() -> Pool:
        log.info("predicting %d test examples and rewrites; later runs read them from the cache", len(texts))
        return featurizer.build_pool(examples, augmentation)

    return load_or_build_pool(STATE / "monitor", cache_key, texts, build)


def _read_curve(metric: str) -> list[dict[str, Any]]:
    """Return the learning curve of stage `worth`; empty if there is none for this metric."""
    path = REPORTS / "worth.json"
    contents: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return list(contents["curve"]) if contents.get("metric") == metric else []


if __name__ == "__main__":
    main.cli()
