"""What raw texts and levers gain, on many draws of labels: `auto` with and without them, on the same test texts.

Labels are drawn at random. Raw texts of the default problem are what the lever `retrieve` keeps of its other tweets and
of 50,000 chat lines; those of other sets are their other training texts. Draws are written as they end, and an
interrupted benchmark continues where it was.

    python -m benchmarks.realised_gain [--sets rated_tweets] [--labels 60,240] [--draws 20]
"""

import argparse
import json
import math
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from benchmarks.few_labels import build_section, tally
from benchmarks.support.sets import FewLabels, draw_at_random, find_encoder, find_package, load_unique
from satiety.core.answers import Label
from satiety.core.records import Document, Example
from satiety.evaluate.bootstrap import Resampling, assign_groups, compare
from satiety.levers.retrieve import Retrieve, retrieve
from satiety.problems.classify import Classify
from satiety.training.checkpoint import CheckpointStore
from satiety.training.embedding import load_embedder
from satiety.tuning.finetune import finetune, finetune_on_labels
from satiety.tuning.recipes import Memory

RESULTS = Path("benchmarks/results/realised_gain.json")
CHAT_LINES = 50_000
RESAMPLES = 1000
CONFIDENCE = 0.95


def load_chat() -> list[str]:
    """Return a sample of the default corpus."""
    path = find_package("chitchat_dataset") / "dataset.json"
    conversations = json.loads(path.read_text(encoding="utf-8")).values()
    lines = {turn["text"] for talk in conversations for turns in talk["messages"] for turn in turns}
    return random.Random(0).sample(sorted(lines), CHAT_LINES)


@cache
def load_cached_embedder(base: Path, prefix: str) -> Callable[[Sequence[str]], Any]:
    """Return an embedder that computes a text once for all draws."""
    embed, rows = load_embedder(base, "cpu", prefix), dict[str, Any]()

    def embed_cached(texts: Sequence[str]) -> Any:
        missing = [text for text in dict.fromkeys(texts) if text not in rows]
        rows.update(zip(missing, embed(missing), strict=True) if missing else ())
        return np.stack([rows[text] for text in texts])

    return embed_cached


def find_raw(name: str, draw: FewLabels, train: Sequence[Example], base: Path, prefix: str) -> list[Document]:
    """Return the raw texts that go with a draw."""
    documents = [Document(f"d{i}", text) for i, text in enumerate(draw.raw)]
    if name != "rated_tweets":
        return documents
    documents += [Document(f"c{i}", text) for i, text in enumerate(load_chat())]
    params = Retrieve.model_validate({"dedup_threshold": 0.8, "prefix": prefix})
    embed = load_cached_embedder(base, prefix)
    stratum = Classify(labels=sorted({row.label for row in draw.train})).stratum
    held_out = build_examples(draw.test, "t")
    return list(retrieve(documents, train, held_out, stratum=stratum, embed=embed, params=params).documents)


def build_examples(rows: Sequence[Any], prefix: str) -> list[Example]:
    """Return labelled texts as examples."""
    return [Example(f"{prefix}{i}", {"text": row.text}, Label(row.label)) for i, row in enumerate(rows)]


def measure_draw(name: str, labels: int, number: int) -> dict[str, Any]:
    """Fit `auto` to a draw with and without raw texts; return both scores and their paired difference."""
    draw, (base, prefix) = draw_at_random(load_unique(name), labels, number), find_encoder(name)
    train, problem = build_examples(draw.train, ""), Classify(labels=sorted({row.label for row in draw.test}))
    documents = find_raw(name, draw, train, base, prefix)
    section, memory = build_section({"kind": "auto"}, number, prefix), Memory()
    with tempfile.TemporaryDirectory() as folder:
        run: dict[str, Any] = {"params": section, "store": CheckpointStore(Path(folder) / "run", 1e9), "device": "cpu"}
        outcome = finetune(base, problem, train, [], documents=documents, memory=memory, **run)
        alone = finetune_on_labels(base, problem, train, [], memory=memory, **run)
    tallies = [tally(model.model, draw) for model in (alone, outcome)]
    gold = [replace(example, group=example.id) for example in build_examples(draw.test, "t")]
    resampling = Resampling(number, RESAMPLES, CONFIDENCE)
    comparison = compare(problem.score, *tallies, assign_groups(gold), resampling)
    metric = problem.headline
    return {
        "with": comparison.second[metric].value,
        "without": comparison.first[metric].value,
        "gain": comparison.difference[metric].to_dict(),
        "expected_gain": outcome.facts.get("expected_gain"),
        "chosen": outcome.facts["chosen"],
        "chosen_without": alone.facts["chosen"],
        "uses_raw_texts": outcome.facts["uses_raw_texts"],
    }


def summarise(name: str, labels: int, draws: Sequence[dict[str, Any]]) -> str:
    """Return the mean gain with its t interval over draws, and how often raw texts were used, and did harm."""
    gains = [draw["gain"]["value"] for draw in draws]
    mean, count = sum(gains) / len(gains), len(gains)
    error = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / max(count - 1, 1) / count)
    half = float(t.ppf((1 + CONFIDENCE) / 2, max(count - 1, 1))) * error
    harmful, used = sum(draw["gain"]["high"] < 0 for draw in draws), sum(draw["uses_raw_texts"] for draw in draws)
    return (
        f"{name}, {labels} labels, {count} draws: gain {mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]; "
        f"surely harmful {harmful}; raw texts used {used}"
    )


def main() -> None:
    """Measure what is not measured yet, and print a line for each set and number of labels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="rated_tweets")
    parser.add_argument("--labels", default="60,240")
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    runs: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for name in arguments.sets.split(","):
        for labels in map(int, arguments.labels.split(",")):
            keys = [f"{name}/{labels}/{number}" for number in range(arguments.draws)]
            for number, key in enumerate(keys):
                if key not in runs:
                    runs[key] = measure_draw(name, labels, number)
                    RESULTS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
            print(summarise(name, labels, [runs[key] for key in keys]), flush=True)


if __name__ == "__main__":
    main()
