"""Ordinary sentences that no data set holds: how many a model from a few hundred labels answers as people would.

`benchmarks/sentences/` holds 100 English and 100 Chinese sentences, half of them positive and half negative, and 50
neutral English ones. Half have no adjective of sentiment, a fifth a negation. They were written before any model was
asked. Each run fits `auto` to another random draw of labels.

    python -m benchmarks.everyday [--labels 240] [--draws 3]
"""

import argparse
import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.few_labels import fit_model
from benchmarks.support.sets import LabelledText, draw_at_random, find_encoder, load_unique

SENTENCES = Path("benchmarks/sentences")
RESULTS = Path("benchmarks/results/everyday.json")
NEUTRAL = "neutral"
PROBLEMS = {
    "English, two classes": ("rated_tweets", "en", False),
    "English, three classes": ("rated_tweets", "en", True),
    "Chinese, two classes": ("reviews_zh", "zh", False),
}
"""Name -> the labelled set, the language of the sentences, whether there are neutral ones."""


def read_sentences(language: str, *, neutral: bool) -> list[LabelledText]:
    """Return the sentences of a language with their labels."""
    with (SENTENCES / f"{language}.csv").open(encoding="utf-8", newline="") as file:
        rows = [LabelledText(row["text"], row["label"]) for row in csv.DictReader(file)]
    return [row for row in rows if neutral or row.label != NEUTRAL]


def measure_draw(problem: str, labels: int, number: int) -> dict[str, Any]:
    """Fit the model to a draw; return the share of right answers, and how often each label got each answer."""
    name, language, neutral = PROBLEMS[problem]
    rows = [row for row in load_unique(name) if neutral or row.label != NEUTRAL]
    sentences = read_sentences(language, neutral=neutral)
    draw = replace(draw_at_random(rows, labels, number), test=tuple(sentences))
    encoder, prefix = find_encoder(name)
    outcome = fit_model(draw, encoder, prefix, {"kind": "auto"}, number)
    answers = [str(answer.answer) for answer in outcome.model.predict([row.text for row in sentences])]
    pairs = Counter(f"{row.label} -> {answer}" for row, answer in zip(sentences, answers, strict=True))
    right = sum(row.label == answer for row, answer in zip(sentences, answers, strict=True)) / len(sentences)
    return {"right": round(right, 4), "chosen": outcome.facts["chosen"], "answers": dict(sorted(pairs.items()))}


def main() -> None:
    """Measure what is not measured yet, and print the share of right answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=240)
    parser.add_argument("--draws", type=int, default=3)
    arguments = parser.parse_args()
    runs: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for problem in PROBLEMS:
        keys = [f"{problem}/{arguments.labels}/{number}" for number in range(arguments.draws)]
        for number, key in enumerate(keys):
            if key not in runs:
                runs[key] = measure_draw(problem, arguments.labels, number)
                RESULTS.write_text(json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        shares = ", ".join(f"{runs[key]['right']:.3f} ({runs[key]['chosen']})" for key in keys)
        print(f"{problem}, {arguments.labels} labels: right {shares}")


if __name__ == "__main__":
    main()
