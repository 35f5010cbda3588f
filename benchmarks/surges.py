"""Planted surges of negative opinion: how many are found in the window they begin in, and how many alerts are false.

The tweets and the Chinese reviews of examples/opinion_monitoring, replayed over twelve weeks with other seeds; beside
the surges, bursts of a topic and growths of the whole stream are planted, which must not be taken for any. How negative
a text is says a head on frozen embeddings that learned from 240 labels, none of them in the stream; what is kept of it
is in benchmarks/scratch. With `--model` a packaged model says it, and nothing is promised. The Chinese encoder must lie
beside the project, in `../shared/models`. A quarter of an hour.

    python -m benchmarks.surges [--seeds 5] [--first 0] [--model models/package] [en zh]
"""

import argparse
import json
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.agreement import SCRATCH
from benchmarks.support import stages
from examples.opinion_monitoring.answers import predict_negative, probability
from examples.opinion_monitoring.arrivals import draw_plants
from examples.opinion_monitoring.outcomes import Tally, iterate_assessments, tally
from examples.opinion_monitoring.source import Opinion, Replay, StreamText, load
from examples.opinion_monitoring.stream import StreamParams, Topics
from satiety.core.answers import Label
from satiety.evaluate.share import estimate_wilson_interval

RESULTS = Path("benchmarks/results/surges.json")
STREAMS = {
    "en": (Path("examples/opinion_monitoring/tweets.yaml"), Path("params.yaml")),
    "zh": (Path("examples/opinion_monitoring/reviews_zh.yaml"), Path("examples/topics_zh/params.yaml")),
}
"""What is replayed, and the problem whose encoder reads it."""
LABELS, ALL = 240, 10**6
SIZES = (1.0, 2.0, 3.0, 5.0, 8.0)
"""Of surges, bursts and growths; 0 stands for a stream where nothing is planted."""
BAR, PER = 1.0, 1000
PACKAGED = ", packaged model"
"""Ends the name of what `--model` gave."""


@cache
def load_stream(language: str, model: Path | None) -> tuple[StreamParams, Replay, list[StreamText], dict[str, float]]:
    """Return how a stream is monitored and made, its texts, and how negative each is to a model, or the head."""
    path, _ = STREAMS[language]
    blocks = stages.read(path)
    stream_params = Opinion.check(path, blocks["opinion"], keys=("opinion",))
    params = Replay.check(path, blocks["replay"], keys=("replay",))
    texts = load(params, Topics.of(stream_params.topics))
    if model is not None:
        return stream_params, params, texts, predict_negative([text.text for text in texts], model, stream_params)
    cache_file = SCRATCH / f"surges-{language}" / "probabilities.json"
    if not cache_file.exists():
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        probabilities = predict_by_head(language, stream_params, params, texts)
        cache_file.write_text(json.dumps(probabilities, ensure_ascii=False), encoding="utf-8")
    return stream_params, params, texts, json.loads(cache_file.read_text(encoding="utf-8"))


def predict_by_head(
    language: str, stream_params: StreamParams, params: Replay, texts: list[StreamText]
) -> dict[str, float]:
    """Return how probably a text is negative, to a head that has learned from others."""
    from satiety.core.asset import Asset
    from satiety.core.records import Example
    from satiety.ingest.assets import copy_model
    from satiety.worth.features import FeatureExtractor
    from satiety.worth.learners import ProxyModel
    from satiety.worth.section import Worth

    home, problem_file = SCRATCH / f"surges-{language}", STREAMS[language][1]
    problem_params = stages.read(problem_file)
    base = problem_params["project"]["base"]
    base["uri"] = base["uri"].replace("local://../../../shared", f"local://{Path('../shared').absolute()}")
    copy_model(Asset.model_validate(base), home / "base", Path("data/raw"))
    worth = Worth.load(problem_file)
    stream_texts = {entry.text for entry in texts}
    pool = [
        entry
        for entry in load(params.model_copy(update={"texts": ALL}), Topics.of({}))
        if entry.text not in stream_texts
    ]
    examples = [
        Example(str(i), {"text": entry.text}, Label(entry.label))
        for i, entry in enumerate(random.Random(params.seed).sample(pool, LABELS))
    ]
    problem = params.problem.model_copy(update={"labels": sorted({str(example.answer) for example in examples})})
    proxy = ProxyModel(
        problem,
        FeatureExtractor(home, home / "base", problem, worth.encoder_config, "cpu"),
        worth.head,
        worth.encoder_config,
    )
    head = proxy.fit(examples, params.seed)
    assert head is not None  # noqa: S101
    inputs = [entry.text for entry in texts]
    answers = proxy.predict(head, problem.build_examples(inputs))
    return {text: probability(answer.scores, stream_params) for text, answer in zip(inputs, answers, strict=True)}


def replay(language: str, model: Path | None, size: float, seed: int) -> Tally:
    """Replay one stream."""
    stream_params, params, texts, probabilities = load_stream(language, model)
    params = params.model_copy(update={"seed": seed, "size": size, "planted": params.planted if size else 0})
    plants = draw_plants(texts, stream_params, params)
    return tally(
        list(iterate_assessments(texts, probabilities, stream_params, params, plants)), plants, stream_params.mostly
    )


def sum_tallies(tallies: list[Tally]) -> dict[str, Any]:
    """Return what several replays found, with 95 % intervals: Wilson's of shares, Garwood's of alerts."""
    from scipy.stats import chi2

    total = {name: sum(getattr(counts, name) for counts in tallies) for name in asdict(tallies[0])}
    false, windows = total["false"], total["windows"]
    low, high = (chi2.ppf(0.025, 2 * false) / 2 if false else 0.0), chi2.ppf(0.975, 2 * false + 2) / 2
    rates = {name: round(PER * value / windows, 3) for name, value in (("value", false), ("low", low), ("high", high))}
    share = estimate_wilson_interval(total["found"], total["planted"], 0.95).to_dict() if total["planted"] else None
    return total | {"share": share, "false_per_1000_windows": rates}


def main() -> None:
    """Replay, write the results, and end with a message where less is found than promised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("languages", nargs="*", default=list(STREAMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="seed of the first stream")
    parser.add_argument("--model", type=Path, help="a package that says what is negative, instead of the head")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    figures: dict[str, Any] = stages.read(RESULTS) if RESULTS.exists() else {}
    for language in arguments.languages:
        streams = f", seeds from {arguments.first}" if arguments.first else ""
        figures[language + (PACKAGED if arguments.model else "") + streams] = measure_language(
            language, arguments.model, seeds
        )
        RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if violations := list_violations(figures):
        sys.exit("outside what is promised: " + "; ".join(violations))


def measure_language(language: str, model: Path | None, seeds: range) -> dict[str, Any]:
    """Return what is found of surges of every size, and how negative texts of each topic are to who says it."""
    stream_params, params, texts, probabilities = load_stream(language, model)
    topic_scores = {
        topic: score_topic([text for text in texts if text.topics[:1] == (topic,)], probabilities, stream_params)
        for topic in stream_params.topics
    }
    sizes: dict[str, Any] = {}
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for size in (0.0, *SIZES):
            jobs = [pool.submit(replay, language, model, size, seed) for seed in seeds]
            sizes[f"{size:g}"] = sum_tallies([job.result() for job in jobs])
            print(language, size, json.dumps(sizes[f"{size:g}"]), flush=True)
    return {
        "seeds": list(seeds),
        "texts": len(texts),
        "topics": topic_scores,
        "planted_size": params.size,
        "sizes": sizes,
    }


def score_topic(
    texts: list[StreamText], probability_by_text: dict[str, float], stream_params: StreamParams
) -> dict[str, float]:
    """Return the mean probability of texts that people call negative, of others, and how well it parts them."""
    from sklearn.metrics import roc_auc_score

    probabilities, gold = (
        [probability_by_text[text.text] for text in texts],
        [text.label in stream_params.negative for text in texts],
    )
    means = {
        name: round(fmean(p for p, bad in zip(probabilities, gold, strict=True) if bad == is_negative), 3)
        for name, is_negative in (("negative", True), ("others", False))
    }
    return means | {"auc": round(float(roc_auc_score(gold, probabilities)), 3)}


def list_violations(figures: dict[str, Any]) -> list[str]:
    """Return what is promised and not so."""
    violations = []
    for language, entry in figures.items():
        if PACKAGED in language:
            continue
        row = entry["sizes"][f"{entry['planted_size']:g}"]
        if row["found"] < row["planted"]:
            violations.append(f"{language}: {row['found']} of {row['planted']} surges found")
        if row["false_per_1000_windows"]["value"] > BAR:
            violations.append(f"{language}: {row['false_per_1000_windows']['value']} false alerts per {PER} windows")
    return violations


if __name__ == "__main__":
    main()
