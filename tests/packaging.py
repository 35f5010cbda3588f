"""Made-up models, answers and workspaces for the tests of packages, of the registry and of promotion."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from satiety.evaluate import Evaluate
from satiety.evaluate.answers import collect
from satiety.evaluate.calibration import calibrate
from satiety.evaluate.report import score
from satiety.package.card import Facts
from satiety.package.make import make
from satiety.problems import PROBLEMS, Prediction, Problem
from satiety.records import Answer, Example, Span, write

TEXTS = ["the good film", "这部电影很好看", "the bad hotel", "这酒店很差", "anna lives in paris", "王小明住在上海"]
PARAMS = """\
ingest: {budget: 30}
evaluate: {seed: 3, resamples: 400, level: 0.95, bins: 10, prefix: ""}
register: {name: made-up}
promote: {seed: 5, resamples: 400, level: 0.95, looks: 3, calibration: 0.2, bins: 10, margin: 0.01, saving: 0.1,
  slices: [label, language, length], slice_margin: 0.02, slice_least: 30, fresh_least: 40, fresh_decides: true}
"""
PIPELINE = "vars:\n  - root: .\n  - {package: models/package, test: data/test.parquet, "
PIPELINE += "train: data/train.parquet, fresh: data/fresh.parquet}\n"


def settled(kind: str) -> Problem:
    """Return a settled problem of this kind."""
    return PROBLEMS[kind].sample()


def examples(kind: str, count: int, language: str = "en") -> list[Example]:
    """Return test examples whose gold alternates between two labels, or between an entity and none."""
    if kind == "ner":
        spans = [(Span(0, 4, "PER"), Span(14, 19, "LOC")), ()]
        texts = ["anna lives in paris", "the good film"]
        return [Example(f"t{i}", texts[i % 2], spans=spans[i % 2], language=language) for i in range(count)]
    labels = ["bad", "good"]
    return [Example(f"t{i}", TEXTS[i % 6], label=labels[i % 2], language=language) for i in range(count)]


def answers(gold: Sequence[Example], right: float) -> list[Prediction]:
    """Return predictions of which this share, spread evenly, is right."""
    flip = {"bad": "good", "good": "bad"}
    found = []
    for i, example in enumerate(gold):
        good = int((i + 1) * right) > int(i * right)
        if example.label is not None:
            found.append(Prediction(label=example.label if good else flip[example.label], confidence=0.8))
        else:
            spans = example.spans if good else ()
            found.append(Prediction(spans=spans, scores={f"{s.start}:{s.end}": 0.8 for s in spans}, confidence=0.8))
    return found


def tune(folder: Path, base: Path, problem: Problem, seed: int) -> Path:
    """Write a tuned model with a random head, and return its folder."""
    import torch

    from satiety.training.encoder import load_encoder, load_tokenizer
    from satiety.training.hardware import hardware
    from satiety.tuning.model import Classifier
    from satiety.tuning.tuned import Card, Tuned

    fields = {"method": {"kind": "full"}, "pooling": "mean", "max_length": 32, "prefix": "", "base": "0" * 64}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(load_encoder(base), problem.head, len(problem.classes), pooling="mean", dropout=0.0)
        torch.nn.init.normal_(model.head.weight)
    card = Card.model_validate(fields | {"seed": seed})
    Tuned(problem, model, load_tokenizer(base), card, hardware("cpu")).save(folder, base)
    return folder


@dataclass(frozen=True)
class Workspace:
    """A folder in which the stages up to `evaluate` have run, as far as the later ones can tell."""

    root: Path
    base: Path
    kind: str = "classify"

    def fill(self, *, seed: int = 1, before: float = 0.5, after: float = 0.8, count: int = 200) -> None:
        """Write params, data, a model made from ``seed``, and answers of which these shares are right."""
        problem, gold = settled(self.kind), examples(self.kind, count)
        (self.root / ".dvc").mkdir(exist_ok=True, parents=True)
        (self.root / "params.yaml").write_text(PARAMS, encoding="utf-8")
        (self.root / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
        problem.save(self.root / "data/problem.json")
        write(self.root / "data/train.parquet", examples(self.kind, 10), Example)
        write(self.root / "data/test.parquet", gold, Example)
        tune(self.root / "models/tuned", self.base, problem, seed)
        old, new = answers(gold, before), answers(gold, after)
        write(self.root / "data/predictions.parquet", collect(gold, old, new), Answer)
        params = Evaluate(seed=3, resamples=400, level=0.95, bins=10, prefix="")
        trust = calibrate(problem.outcomes(gold, new), params.bins)
        scores = self.root / "reports/evaluate.json"
        scores.parent.mkdir(exist_ok=True)
        scores.write_text(json.dumps(score(problem, gold, old, new, params=params, trust=trust)), encoding="utf-8")

    def paths(self) -> dict[str, Path]:
        """Return the arguments of the stage `register`, as they stand in dvc.yaml."""
        data = {name: Path(f"data/{name}.parquet") for name in ("train", "test", "predictions")}
        places = {"tuned": "models/tuned", "scores": "reports/evaluate.json", "package": "models/package"}
        return data | {"problem": Path("data/problem.json")} | {name: Path(path) for name, path in places.items()}

    def package(self, out: Path, *, name: str = "made-up", revision: str = "abc") -> Path:
        """Package what is there, without the stage."""
        facts = Facts(name, revision, {"train": "1" * 64}, ["en", "zh"], 24, {"ingest": {"budget": 30}})
        at = {key: self.root / path for key, path in self.paths().items()}
        make(out, at["tuned"], at["predictions"], at["scores"], facts, device="cpu")
        return out
