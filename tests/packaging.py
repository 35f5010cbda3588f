"""Made-up models, answers and workspaces for the tests of packages, of the registry and of promotion."""

import json
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.answers import Answer, Label, Span, Spans
from satiety.core.files import manifest
from satiety.core.records import Evaluated, Example, read, write
from satiety.evaluate import Evaluate
from satiety.evaluate.answers import build_rows
from satiety.evaluate.calibration import calibrate
from satiety.evaluate.gold import select_gold
from satiety.evaluate.report import score
from satiety.package.builder import build_package
from satiety.package.card import Facts
from satiety.package.contents import MANIFEST, PREDICTIONS, manifest_text, read_digest
from satiety.problems import IGNORE, PROBLEMS, Prediction, Problem
from satiety.tuning import load

if TYPE_CHECKING:
    from satiety.tuning.tuned_model import TunedModel

TEXTS = ["the good film", "这部电影很好看", "the bad hotel", "这酒店很差", "anna lives in paris", "王小明住在上海"]
WORDS = {
    "bad": ("bad", "hotel", "query", "in", "lives", "不", "差", "在", "店", "王"),
    "good": ("good", "film", "the", "anna", "paris", "爱", "好", "是", "京", "海"),
}
"""Label -> words of its texts; a text repeats one word."""
ENDS = (1, 2, 4, 8, 16, 28, 44, 60, 80)
"""The index, among the examples of a label, at which the texts of the next word begin: 1, 1, 2, 4, 8, 12, 16, 16, 20
texts per word. A model predicts the same for equal texts, and with these counts it can be wrong on any number."""
NAMES = (("a", "k"), ("b", "m"), ("c", "p"), ("anna", "paris"))
"""The person and place of the texts with entities; later pairs are more frequent."""
DEV = 5
"""Validation examples of the workspace."""
PARAMS = """\
project: {base: {uri: "file:data/raw/base"}, seed: 3, resamples: 400, bins: 10}
levers: {mine: {kind: retrieve}}
use: [mine]
ingest: {problem: {kind: classify}, labelled: [{uri: "file:data/raw/x.csv", reader: {kind: csv},
  columns: {text: text, label: label}}], budget: 30}
register: {name: made-up}
promote: {seed: 5, max_comparisons: 3, min_slice_examples: 30, min_fresh_examples: 40}
"""
PIPELINE = "vars:\n  - root: .\n  - {package: models/package, test: data/test.parquet, "
PIPELINE += "train: data/train.parquet, dev: data/dev.parquet, fresh: data/fresh.parquet}\n"


def build_problem(kind: str) -> Problem:
    """Return a problem of this kind with fixed labels."""
    return PROBLEMS[kind].sample()


def examples(kind: str, count: int, language: str = "en") -> list[Example]:
    """Return test examples whose gold alternates between two labels, or between two entities and none."""
    if kind == "ner":
        entity_examples = [
            _build_entity_example(*NAMES[sum(i >= end * count for end in (0.05, 0.15, 0.4))]) for i in range(count)
        ]
        empty_example = Example("", {"text": "the good film"}, Spans())
        return [
            replace(empty_example if i % 2 else entity_examples[i], id=f"t{i}", language=language) for i in range(count)
        ]
    labels = ["bad", "good"]
    places = [bisect(ENDS, i // 2) for i in range(count)]
    texts = [" ".join([WORDS[labels[i % 2]][place]] * 3) for i, place in enumerate(places)]
    texts = [text.ljust(20 + 10 * (i // 2 % 3)) for i, text in enumerate(texts)]  # blanks do not change the prediction
    return [
        Example(f"t{i}", {"text": text}, answer=Label(labels[i % 2]), language=language) for i, text in enumerate(texts)
    ]


def _build_entity_example(person: str, place: str) -> Example:
    text = f"{person} lives in {place}"
    return Example(
        "", {"text": text}, answer=Spans((Span(0, len(person), "PER"), Span(len(text) - len(place), len(text), "LOC")))
    )


def build_training_examples(gold: Sequence[Example], share: float, *, alternate: bool = False) -> list[Example]:
    """Return each distinct text with the answer that a model should give: about this share of ``gold`` is right.

    Args:
        gold: the test examples.
        share: share of right answers.
        alternate: choose other wrong texts than without it, if possible.
    """
    wrong_texts = set[str]()
    sides = [side for side in ([e for e in gold if e.answer == Label(name)] for name in ("bad", "good")) if side]
    for number, side in enumerate(sides or [[e for e in gold if e.answer and e.answer.mentions]]):
        missing = len(gold) - int(len(gold) * share)
        target = (missing + number) // 2 if sides else round(len(side) * (1 - share))
        counts = Counter(example.text.strip() for example in side)
        subsets = [{t for i, t in enumerate(counts) if mask >> i & 1} for mask in range(2 ** len(counts))]
        wrong_subset = min(subsets, key=lambda subset: abs(_count_examples(counts, subset) - target))
        if alternate:
            wrong_subset = min(
                subsets,
                key=lambda subset: (
                    abs(_count_examples(counts, subset) - target),
                    _count_examples(counts, subset & wrong_subset),
                ),
            )
        wrong_texts |= wrong_subset
    return [_flip_if(example, text in wrong_texts) for text, example in {e.text.strip(): e for e in gold}.items()]


def _count_examples(counts: Mapping[str, int], texts: Iterable[str]) -> int:
    return sum(counts[text] for text in texts)


def _flip_if(example: Example, is_wrong: bool) -> Example:
    return replace(example, answer=_flip_answer(example.answer)) if is_wrong else example


def _flip_answer(answer: Answer | None) -> Answer:
    return Label({"bad": "good", "good": "bad"}[answer.label]) if isinstance(answer, Label) else Spans()


def answers(gold: Sequence[Example], share: float) -> list[Prediction]:
    """Return predictions of which this share is right, spread evenly."""
    predictions = []
    for i, example in enumerate(gold):
        is_right = int((i + 1) * share) > int(i * share)
        answer = example.answer if is_right else _flip_answer(example.answer)
        scores = {f"{span.start}:{span.end}": 0.8 for span in answer.mentions} if answer else {}
        predictions.append(Prediction(answer, confidence=0.8, scores=scores))
    return predictions


def tune(folder: Path, base: Path, problem: Problem, seed: int, train: Sequence[Example] = ()) -> Path:
    """Write a tuned model and return its folder; its head is random, or solved for the answers of ``train``.

    A solved head gives each of these answers the probability 0.8; another seed gives other weights, same answers.
    """
    import torch

    from satiety.training.encoder import load_encoder, load_tokenizer
    from satiety.training.hardware import detect_hardware
    from satiety.tuning.inputs import build_head
    from satiety.tuning.methods import METHODS
    from satiety.tuning.model import Model
    from satiety.tuning.tuned_model import ModelCard, TunedModel

    fields = {"method": METHODS["full"].sample(), "pooling": "mean", "max_length": 32, "prefix": "", "base": "0" * 64}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Model(load_encoder(base), build_head(problem), len(problem.classes), pooling="mean", dropout=0.0)
        torch.nn.init.normal_(model.head.weight)
    tuned = TunedModel(
        problem, model, load_tokenizer(base), ModelCard.model_validate(fields | {"seed": seed}), detect_hardware("cpu")
    )
    if train:
        _fit_head(tuned, train)
    tuned.save(folder, base)
    return folder


def _fit_head(tuned: "TunedModel", train: Sequence[Example]) -> None:
    """Solve for the head that gives these answers; it exists because there are fewer texts than features."""
    import torch

    from satiety.tuning.inference import features_of
    from satiety.tuning.inputs import encode

    windows = encode(tuned.problem, train, tuned.tokenizer, max_length=32, prefix="")
    features = features_of(tuned.model, windows, tuned.hardware, pad=tuned.tokenizer.pad_token_id)
    targets = np.concatenate([window.targets for window in windows])
    rows = np.concatenate([np.atleast_2d(row) for row in features])[targets != IGNORE].astype(np.float64)
    logits = np.eye(len(tuned.problem.classes))[targets[targets != IGNORE]]
    logits *= np.log(4 * (len(tuned.problem.classes) - 1))
    solved, *_ = np.linalg.lstsq(np.column_stack([rows, np.ones(len(rows))]), logits, rcond=None)
    assert np.abs(np.column_stack([rows, np.ones(len(rows))]) @ solved - logits).max() < 0.01
    noise = tuned.model.head.weight.detach()[0].numpy() / 10  # equal for all classes, so it changes no probability
    tuned.model.head.weight.data = torch.tensor(solved[:-1].T + noise, dtype=torch.float32)
    tuned.model.head.bias.data = torch.tensor(solved[-1], dtype=torch.float32)


def outdate(package: Path) -> str:
    """Turn a package into a valid one of an earlier version; return its digest."""
    card = package / "model/tuned.json"
    card.write_text(json.dumps(json.loads(card.read_text(encoding="utf-8")) | {"version": 1}), encoding="utf-8")
    answers = list(read(package / PREDICTIONS, Evaluated))
    rows = (replace(row, **{name: '"bad"' for name in ("gold", "before", "after")}) for row in answers)
    write(package / PREDICTIONS, rows, Evaluated)
    sign(package)
    return read_digest(package)


def sign(package: Path) -> None:
    """Write a manifest that matches the files of a package."""
    files = {name: digest for name, digest in manifest(package).items() if name != MANIFEST}
    (package / MANIFEST).write_text(manifest_text(files), encoding="utf-8")


@dataclass(frozen=True)
class Workspace:
    """A folder that looks as if the stages up to `evaluate` had run."""

    root: Path
    base: Path
    kind: str = "classify"

    def fill(
        self,
        *,
        seed: int = 1,
        before: float = 0.5,
        after: float = 0.8,
        count: int = 200,
        alternate: bool = False,
        folds: int | None = None,
    ) -> None:
        """Write params, data, and a model made from ``seed`` with a share ``after`` of right answers.

        Args:
            seed: of the model's weights.
            before: share of right answers of the untuned model; these answers are made up.
            after: share of right answers of the model; the model gives them itself.
            count: test examples.
            alternate: choose other wrong texts than without it.
            folds: if given, there is no test: the gold examples are the labels, predicted out of fold by other models.
        """
        problem, gold = build_problem(self.kind), examples(self.kind, count)
        (self.root / ".dvc").mkdir(exist_ok=True, parents=True)
        (self.root / "params.yaml").write_text(PARAMS, encoding="utf-8")
        (self.root / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
        problem.save(self.root / "data/problem.json")
        train = examples(self.kind, 10)
        if self.kind == "classify":
            train = [replace(example, inputs={"text": TEXTS[i % 6]}) for i, example in enumerate(train)]
        write(self.root / "data/train.parquet", gold if folds else train, Example)
        write(self.root / "data/dev.parquet", train[:DEV], Example)
        write(self.root / "data/test.parquet", [] if folds else gold, Example)
        tune(
            self.root / "models/tuned",
            self.base,
            problem,
            seed,
            build_training_examples(gold, after, alternate=alternate),
        )
        untuned_predictions, predictions = (
            answers(gold, before),
            answers(gold, after) if folds else load(self.root / "models/tuned", "cpu").predict([e.text for e in gold]),
        )
        write(self.root / "data/predictions.parquet", build_rows(gold, untuned_predictions, predictions), Evaluated)
        params = Evaluate(seed=3, resamples=400, confidence_level=0.95, bins=10, prefix="")
        calibration = calibrate(problem.confidence_correct(gold, predictions), params.bins)
        scores = self.root / "reports/evaluate.json"
        scores.parent.mkdir(exist_ok=True)
        systems = {"before": untuned_predictions, "labels_only": predictions, "after": predictions}
        report = score(problem, gold, systems, params=params, calibration=calibration, folds=folds)
        scores.write_text(json.dumps(report), encoding="utf-8")

    def paths(self) -> dict[str, Path]:
        """Return the arguments of the stage `register`, as in dvc.yaml."""
        data = {name: Path(f"data/{name}.parquet") for name in ("train", "dev", "test", "predictions")}
        places = {"tuned": "models/tuned", "scores": "reports/evaluate.json", "package": "models/package"}
        return data | {"problem": Path("data/problem.json")} | {name: Path(path) for name, path in places.items()}

    def package(self, folder: Path, *, name: str = "made-up", revision: str = "abc") -> Path:
        """Build a package of the workspace without running the stage."""
        facts = Facts(name, revision, {"train": "1" * 64}, ["en", "zh"], 24, {"ingest": {"budget": 30}}, DEV)
        paths = {key: self.root / path for key, path in self.paths().items()}
        gold, _ = select_gold(read(paths["test"], Example), read(paths["train"], Example))
        build_package(folder, paths["tuned"], paths["predictions"], paths["scores"], facts, gold=gold, device="cpu")
        return folder
