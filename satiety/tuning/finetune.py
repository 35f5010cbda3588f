"""A base model, training and dev examples -> a tuned model, by the method that params.yaml names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.errors import DataError
from satiety.files import digest, manifest
from satiety.heads.solver import Solved
from satiety.records import Example
from satiety.training.hardware import hardware
from satiety.training.loop import Course
from satiety.tuning.inputs import head_of, teachable
from satiety.tuning.solved import calibrated, solved_head
from satiety.tuning.tuned import Card, Tuned
from satiety.tuning.updates import train_model
from satiety.tuning.workbench import Workbench, load_workbench

if TYPE_CHECKING:
    from satiety.problems import Prediction, Problem, Window
    from satiety.records import Document
    from satiety.training.checkpoint import Store
    from satiety.tuning.section import Finetune
    from satiety.tuning.selftrain import SelfTraining


SHOWN = 20
"""Doubtful examples that a report names."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a tuning run gives."""

    tuned: Tuned
    course: Course
    objective: str
    """What the loss of an update was made by."""
    steps: int
    """Updates that were planned; early stopping may make fewer."""
    trained: int
    """Weights that changed."""
    head: Solved | None
    """The solved head that it started from."""
    pseudo: int
    """Examples that were raw texts, and that it labelled itself."""
    doubtful: list[str]
    """Ids of the examples whose label looks wrong to it, the most doubtful first."""

    def facts(self) -> dict[str, Any]:
        """Return what a report says of the run: no times, so that the same inputs give the same report."""
        facts: dict[str, Any] = {
            "method": self.tuned.card.method.kind,
            "objective": self.objective,
            "device": self.tuned.hardware.device,
            "precision": self.tuned.hardware.precision,
            "steps": self.course.step,
            "steps_planned": self.steps,
            "weights_trained": self.trained,
        }
        if self.pseudo:
            facts["pseudo"] = self.pseudo
        if self.head:
            facts["head_strength"] = self.head.strength
            facts["doubtful"] = {"count": len(self.doubtful), "most": self.doubtful[:SHOWN]}
        if self.course.verdict:
            facts["best_step"] = self.course.best_step
            facts["dev"] = {"score": self.course.verdict.score, "loss": self.course.verdict.loss}
        return facts


def finetune(
    base: Path,
    problem: Problem,
    train: Sequence[Example],
    dev: Sequence[Example],
    *,
    params: Finetune,
    store: Store,
    device: str,
    documents: Sequence[Document] = (),
) -> Result:
    """Tune the model in ``base``; take up a run of the same inputs that was cut off.

    What the model labelled itself teaches the head that training starts from; training itself sees people's labels
    alone, for a whole model soon learns wrong ones by heart (confirmation bias: Arazo et al. 2020, arXiv:1908.02983).

    Raises:
        DataError: there is nothing to train on, or no raw text where ``params.pseudo`` wants some.
        ModelError: the base cannot be used, no example has a label of the problem, or training went wrong.
        ParamsError: windows are longer than the base can read, or the method cannot teach what the problem asks.
    """
    if not train:
        raise DataError(
            "finetune: there is no training example; is ingest.budget large enough, and did validate keep any?"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        bench = load_workbench(base, problem, params, hardware(device))
        if params.pseudo:
            train = _self_trained(bench, params.pseudo, train, documents)
        windows = teachable(bench.windows(train), problem)
        given = [window for window in windows if train[window.example].origin != "pseudo"]
        steps = params.training.steps(_originals(train, given)) if params.method.trains else 0
        params.method.prepare(bench.model, steps)
        bench.model.to(bench.hardware.device)
        solves = params.method.solves and not bench.model.over.writes
        head = _start(bench, train, windows, store) if solves else None
    course = train_model(bench, given, _raw(bench, given, documents), dev, steps, store) if steps else Course()
    trained = sum(weight.numel() for _, weight, _ in params.method.rates(bench.model)) or sum(
        weight.numel() for weight in bench.model.head.parameters()
    )
    params.method.finish(bench.model)
    card = Card(
        method=params.method,
        pooling=params.pooling,
        max_length=params.max_length,
        prefix=params.prefix,
        seed=params.seed,
        base=digest(manifest(base)),
    )
    fitted = _fitted(problem, train, windows, head)
    tuned = Tuned(fitted, bench.model.eval(), bench.tokenizer, card, bench.hardware)
    pseudo, doubtful = sum(example.origin == "pseudo" for example in train), _doubtful(problem, train, windows, head)
    return Result(tuned, course, params.objective.kind, steps, trained, head, pseudo, doubtful)


def _self_trained(
    bench: Workbench, params: SelfTraining, train: Sequence[Example], documents: Sequence[Document]
) -> tuple[Example, ...]:
    """Follow the examples by raw texts that a head on the untouched model labelled."""
    if not documents:
        raise DataError(
            "finetune: there is no raw text for a lever of kind pseudo; put one of kind retrieve into `use`"
        )
    asked = bench.problem.ask([document.text for document in documents])
    windows = bench.windows(asked)
    rows = bench.features(windows)

    def answer(examples: Sequence[Example], _: Sequence[str]) -> list[Prediction]:
        head = _solve(bench, examples, teachable(bench.windows(examples), bench.problem))
        return bench.problem.decode(asked, windows, calibrated(head, rows))

    return params.grow(train, documents, answer, bench.problem.stratum)


def _raw(bench: Workbench, given: Sequence[Window], documents: Sequence[Document]) -> list[Window]:
    """Return the windows that an objective may look at without their targets: of raw texts, or of the examples."""
    if not (bench.params.objective.reads and documents and len(bench.problem.inputs) == 1):
        return list(given)
    return bench.windows(bench.problem.ask([document.text for document in documents]))


def _originals(train: Sequence[Example], windows: Sequence[Window]) -> int:
    """Count the windows of distinct texts that people labelled; copies do not make training longer."""
    owner: dict[str, int] = {}
    for i, example in enumerate(train):
        if example.origin == "gold":
            owner.setdefault(example.text, i)
    kept = set(owner.values())
    return sum(window.example in kept for window in windows) or len({example.text for example in train})


def _start(bench: Workbench, train: Sequence[Example], windows: Sequence[Window], store: Store) -> Solved:
    """Put the solved head into the model; solve it once, however often the run is cut off."""
    head = Solved.of(store.once("head", lambda: _solve(bench, train, windows).plain()))
    with torch.no_grad():
        bench.model.head.weight.copy_(torch.from_numpy(head.weight))
        bench.model.head.bias.copy_(torch.from_numpy(head.bias))
    return head


def _solve(bench: Workbench, train: Sequence[Example], windows: Sequence[Window]) -> Solved:
    rows = bench.features(windows)
    head = solved_head(bench.problem, windows, rows, train, bench.params.head, bench.params.seed)
    assert head is not None  # noqa: S101  # windows that teach something
    return head


def _fitted(problem: Problem, train: Sequence[Example], windows: Sequence[Window], head: Solved | None) -> Problem:
    """Return the problem, its decoder fitted on the first window of each text that people labelled."""
    if head is None or not len(head.held_out):
        return problem
    known = np.asarray(np.isfinite(head.held_out).all(axis=1))
    rows: dict[int, int] = {}
    for row, owner in enumerate(head_of(problem).owners(windows)):
        if known[row] and train[owner].origin != "pseudo":
            rows.setdefault(owner, row)
    return problem.fit_decoder([train[owner] for owner in rows], head.held_out[list(rows.values())])


def _doubtful(problem: Problem, train: Sequence[Example], windows: Sequence[Window], head: Solved | None) -> list[str]:
    """Return whose label looks wrong: of texts that people labelled, for their windows are the rows of the head."""
    if head is None or not problem.categorical:
        return []
    owners = [train[windows[row].example] for row in head.doubtful]
    return list(dict.fromkeys(owner.id for owner in owners if owner.origin == "gold"))
