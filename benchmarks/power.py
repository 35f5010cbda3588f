"""How often drift is seen, at equal false alarms, by our detectors together and by alibi-detect's MMDDrift and KSDrift.

Windows of the test texts into which 10 or 30 % other texts are mixed: chat lines into tweets, dialogue into Chinese
news titles. Everybody sees the same embeddings, probabilities and rows. Each one's threshold is where a twentieth of
its own windows without a mix lies, so nobody gains by a false alarm. The peer runs in a virtual environment of its
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
from benchmarks.drift import ALPHA, DIVISIONS, REFERENCE, WORLDS, eye
from satiety.monitor import DETECTORS, TextSample, compare

RESULTS = Path("benchmarks/results/power.json")
PEER = Path(__file__).parent / "peers" / "alibi.py"
SIZES, MIXES, NULLS = (50, 200, 1000), (0.1, 0.3), 3
"""Texts in a window; shares of other texts; windows without any, for each with."""
OURS = "together"
OTHERS = 2000


def others(language: str) -> list[str]:
    """Return texts of another kind: chat lines, or lines of a dialogue."""
    if language == "en":
        from satiety.core.records import Document, read

        corpus = read(SCRATCH / "drift-en/data/corpus.parquet", Document)
        found = [one.text for one in corpus if one.origin == "corpus"]
    else:
        lines = (SHARED / "data/xdailydialog/zh_dev_human.txt").read_text(encoding="utf-8").splitlines()
        found = [part.strip() for line in lines for part in line.split("__eou__") if part.strip()]
    chosen = np.random.default_rng(1).permutation(len(found))[:OTHERS]
    return [found[i] for i in chosen]


def pairs(texts: int, foreign: int, repeats: int) -> list[dict[str, Any]]:
    """Return who is compared with whom: rows of a reference and of a window, its size, and the share mixed in."""
    found = []
    for size in SIZES:
        for mix in (0.0, *MIXES):
            for repeat in range(repeats * (1 if mix else NULLS)):
                draw = np.random.default_rng([repeat, size, round(100 * mix)])
                order = draw.permutation(texts)
                new = texts + draw.choice(foreign, round(mix * size), replace=False)
                window = [*order[REFERENCE : REFERENCE + size - len(new)].tolist(), *new.tolist()]
                found.append({"size": size, "mix": mix, "reference": order[:REFERENCE].tolist(), "window": window})
    return found


@cache
def _sample(folder: Path) -> TextSample:
    arrays = np.load(folder / "texts.npz")
    texts = tuple(json.loads((folder / "texts.json").read_text(encoding="utf-8")))
    return TextSample(texts, *(arrays[name] for name in ("embeddings", "scores", "distances")))


def ours(folder: Path, pair: tuple[int, Mapping[str, Any]]) -> dict[str, float]:
    """Return our p-values: of all detectors together, and of each."""
    number, one = pair
    whole = _sample(folder)
    reference, window = whole.take(np.array(one["reference"])), whole.take(np.array(one["window"]))
    detectors = [DETECTORS[name].sample() for name in DETECTORS]
    found = compare(reference, window, detectors, permutations=DIVISIONS, alpha=ALPHA, seed=number)
    return {OURS: found.p} | {name: test.p for name, test in found.tests.items()}


def power(pairs: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, float]]) -> dict[str, dict[str, list[bool]]]:
    """Return by cell and by name which windows were seen, each name at its own realised 5 %.

    p-values of permutations are tied; a draw of chance, the same for all, decides between equal ones.
    """
    draw = np.random.default_rng(0)
    ties = draw.uniform(0, 1e-6, len(pairs))
    found: dict[str, dict[str, list[bool]]] = {}
    for size in SIZES:
        null = [i for i, pair in enumerate(pairs) if pair["size"] == size and not pair["mix"]]
        for name in said[0]:
            edge = np.quantile([said[i][name] + ties[i] for i in null], ALPHA)
            for mix in MIXES:
                rows = [i for i, pair in enumerate(pairs) if (pair["size"], pair["mix"]) == (size, mix)]
                cell = found.setdefault(f"{size} {mix}", {})
                cell[name] = [bool(said[i][name] + ties[i] < edge) for i in rows]
    return found


def measure(language: str, peer: str, repeats: int) -> dict[str, dict[str, list[bool]]]:
    """Return which windows were seen, by cell and name."""
    folder = SCRATCH / f"power-{language}"
    folder.mkdir(parents=True, exist_ok=True)
    looks, test = eye(language)
    sample, _ = looks.transform([*(one.inputs for one in test), *({"text": text} for text in others(language))])
    arrays = {"embeddings": sample.embeddings, "scores": sample.scores, "distances": sample.distances}
    np.savez(folder / "texts.npz", **arrays)
    (folder / "texts.json").write_text(json.dumps(sample.texts), encoding="utf-8")
    asked = pairs(len(test), len(sample) - len(test), repeats)
    rows = [(one["reference"], one["window"]) for one in asked]
    (folder / "pairs.json").write_text(json.dumps(rows), encoding="utf-8")
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        mine = list(pool.map(partial(ours, folder), enumerate(asked), chunksize=20))
    subprocess.run([peer, str(PEER), str(folder)], check=True)
    theirs = json.loads((folder / "alibi.json").read_text(encoding="utf-8"))
    return power(asked, [one | other for one, other in zip(mine, theirs, strict=True)])


def main() -> None:
    """Measure, write, and say where the better peer saw more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("--repeats", type=int, default=60)
    asked = parser.parse_args()
    seen = {f"{one} {k}": v for one in WORLDS for k, v in measure(one, asked.peer, asked.repeats).items()}
    shares = {cell: {name: float(np.mean(hits)) for name, hits in by.items()} for cell, by in seen.items()}
    peers = [name for name in next(iter(shares.values())) if "Drift" in name]
    means = {name: float(np.mean([one[name] for one in shares.values()])) for name in (OURS, *peers)}
    best = max(peers, key=lambda name: means[name])
    behind = {}
    for cell, by in seen.items():
        apart = np.array(by[OURS], float) - np.array(by[best], float)
        error = apart.std(ddof=1) / np.sqrt(len(apart))
        if apart.mean() < -2 * error:
            behind[cell] = {"ours - peer's": float(apart.mean()), "paired standard error": float(error)}
    told = {"repeats": asked.repeats, "means": means, "better peer": best, "cells behind": behind, "cells": shares}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))
    if means[OURS] < means[best] or behind:
        sys.exit("behind the better peer")


if __name__ == "__main__":
    main()
