"""Power against drift, at equal false alarms: our detectors together, and alibi-detect's MMDDrift and KSDrift.

Windows of the test texts into which 10 or 30 % other texts are mixed: chat lines into tweets, dialogue into Chinese
news titles. All get the same embeddings, probabilities and rows. The threshold of each raises an alarm in a
twentieth of its own windows without a mix, so false alarms gain nothing. The peer runs in a virtual environment of its
own, which benchmarks/peers/alibi.py says how to make.

    python -m benchmarks.power PEER_PYTHON [--repeats 60]
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import SCRATCH, SHARED
from benchmarks.drift import ALPHA, DATASETS, PERMUTATIONS, REFERENCE, load_featurizer
from satiety.monitor import DETECTORS, TextSample, compare

RESULTS = Path("benchmarks/results/power.json")
PEER = Path(__file__).parent / "peers" / "alibi.py"
SIZES, MIXES, NULLS = (50, 200, 1000), (0.1, 0.3), 3
"""Texts in a window; shares of other texts; windows without any, for each with."""
OURS = "together"
OTHERS = 2000


def load_other_texts(language: str) -> list[str]:
    """Return texts of another kind: chat lines, or lines of a dialogue."""
    if language == "en":
        from satiety.core.records import Document, read

        corpus = read(SCRATCH / "drift-en/data/corpus.parquet", Document)
        texts = [document.text for document in corpus if document.origin == "corpus"]
    else:
        lines = (SHARED / "data/xdailydialog/zh_dev_human.txt").read_text(encoding="utf-8").splitlines()
        texts = [part.strip() for line in lines for part in line.split("__eou__") if part.strip()]
    rows = np.random.default_rng(1).permutation(len(texts))[:OTHERS]
    return [texts[i] for i in rows]


def make_pairs(texts: int, foreign: int, repeats: int) -> list[dict[str, Any]]:
    """Return the pairs to compare: rows of a reference and of a window, its size, and the share mixed in."""
    jobs = []
    for size in SIZES:
        for mix in (0.0, *MIXES):
            for repeat in range(repeats * (1 if mix else NULLS)):
                draw = np.random.default_rng([repeat, size, round(100 * mix)])
                order = draw.permutation(texts)
                foreign_rows = texts + draw.choice(foreign, round(mix * size), replace=False)
                window = [*order[REFERENCE : REFERENCE + size - len(foreign_rows)].tolist(), *foreign_rows.tolist()]
                jobs.append({"size": size, "mix": mix, "reference": order[:REFERENCE].tolist(), "window": window})
    return jobs


@cache
def _sample(folder: Path) -> TextSample:
    arrays = np.load(folder / "texts.npz")
    texts = tuple(json.loads((folder / "texts.json").read_text(encoding="utf-8")))
    return TextSample(texts, *(arrays[name] for name in ("embeddings", "scores", "distances")))


def compute_p_values(folder: Path, pair: tuple[int, Mapping[str, Any]]) -> dict[str, float]:
    """Return our p-values: of all detectors together, and of each."""
    number, job = pair
    texts = _sample(folder)
    reference, window = texts.take(np.array(job["reference"])), texts.take(np.array(job["window"]))
    detectors = [DETECTORS[name].sample() for name in DETECTORS]
    comparison = compare(reference, window, detectors, permutations=PERMUTATIONS, alpha=ALPHA, seed=number)
    return {OURS: comparison.p} | {name: test.p for name, test in comparison.tests.items()}


def power(
    pairs: Sequence[Mapping[str, Any]], p_values: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, list[bool]]]:
    """Return by condition and detector which windows raised an alarm, each detector at its own realised 5 %.

    p-values of permutations are tied; a random number, the same for all detectors, breaks the ties.
    """
    draw = np.random.default_rng(0)
    ties = draw.uniform(0, 1e-6, len(pairs))
    hits: dict[str, dict[str, list[bool]]] = {}
    for size in SIZES:
        null = [i for i, pair in enumerate(pairs) if pair["size"] == size and not pair["mix"]]
        for name in p_values[0]:
            edge = np.quantile([p_values[i][name] + ties[i] for i in null], ALPHA)
            for mix in MIXES:
                rows = [i for i, pair in enumerate(pairs) if (pair["size"], pair["mix"]) == (size, mix)]
                entry = hits.setdefault(f"{size} {mix}", {})
                entry[name] = [bool(p_values[i][name] + ties[i] < edge) for i in rows]
    return hits


def measure(language: str, peer: str, repeats: int) -> dict[str, dict[str, list[bool]]]:
    """Return which windows raised an alarm, by condition and detector."""
    folder = SCRATCH / f"power-{language}"
    folder.mkdir(parents=True, exist_ok=True)
    featurizer, test = load_featurizer(language)
    sample, _ = featurizer.transform(
        [*(example.inputs for example in test), *({"text": text} for text in load_other_texts(language))]
    )
    arrays = {"embeddings": sample.embeddings, "scores": sample.scores, "distances": sample.distances}
    np.savez(folder / "texts.npz", **arrays)
    (folder / "texts.json").write_text(json.dumps(sample.texts), encoding="utf-8")
    jobs = make_pairs(len(test), len(sample) - len(test), repeats)
    rows = [(job["reference"], job["window"]) for job in jobs]
    (folder / "pairs.json").write_text(json.dumps(rows), encoding="utf-8")
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        own_values = list(pool.map(partial(compute_p_values, folder), enumerate(jobs), chunksize=20))
    subprocess.run([peer, str(PEER), str(folder)], check=True)
    peer_values = json.loads((folder / "alibi.json").read_text(encoding="utf-8"))
    return power(jobs, [row | peer_row for row, peer_row in zip(own_values, peer_values, strict=True)])


def main() -> None:
    """Measure, write the results, and report where the better peer has more power."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("--repeats", type=int, default=60)
    arguments = parser.parse_args()
    hits_by_condition = {
        f"{language} {k}": v
        for language in DATASETS
        for k, v in measure(language, arguments.peer, arguments.repeats).items()
    }
    shares = {
        condition: {name: float(np.mean(hits)) for name, hits in hits_by_name.items()}
        for condition, hits_by_name in hits_by_condition.items()
    }
    peers = [name for name in next(iter(shares.values())) if "Drift" in name]
    means = {name: float(np.mean([row[name] for row in shares.values()])) for name in (OURS, *peers)}
    best = max(peers, key=lambda name: means[name])
    behind = {}
    for condition, hits_by_name in hits_by_condition.items():
        differences = np.array(hits_by_name[OURS], float) - np.array(hits_by_name[best], float)
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        if differences.mean() < -2 * error:
            behind[condition] = {"ours - peer's": float(differences.mean()), "paired standard error": float(error)}
    report = {
        "repeats": arguments.repeats,
        "means": means,
        "better peer": best,
        "conditions behind": behind,
        "conditions": shares,
    }
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))
    if means[OURS] < means[best] or behind:
        sys.exit("behind the better peer")


if __name__ == "__main__":
    main()
