"""The training loop: a loss, and weights that may change -> the weights of the step that was best on dev.

Batches, masks and dropout of a step are drawn from (seed, step) alone. So the same seed gives the same weights, and a
run that was killed goes on from its checkpoint to the very weights it would have had.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from satiety.errors import ModelError
from satiety.progress import track
from satiety.training.arguments import TrainingArguments
from satiety.training.batches import shuffled
from satiety.training.checkpoint import Snapshot, Store
from satiety.training.curve import Curve
from satiety.training.hardware import Hardware
from satiety.training.optimiser import Rates, optimiser, restore, schedule, tensors_of
from satiety.training.shield import shielded


@dataclass(frozen=True, slots=True)
class Verdict:
    """How good a model is on dev."""

    score: float
    """The headline metric, for people."""
    loss: float
    """What decides: with few dev examples it is far less noisy than a count of right answers."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be trained, and how it is told."""

    model: nn.Module
    """On its device already."""
    rates: Rates
    lengths: Sequence[int]
    """Tokens of each training item."""
    loss: Callable[[list[int], int], torch.Tensor]
    """(indices of items, step) -> mean loss."""
    judge: Callable[[], Verdict] | None
    steps: int
    seed: int
    after_step: Callable[[int], None] = lambda _: None
    """Makes the model such as it is to be after so many updates; a run that is taken up calls it once more."""


@dataclass(slots=True)
class Course:
    """Where a run stands."""

    step: int = 0
    best_step: int = 0
    since_best: int = 0
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    mean: dict[str, torch.Tensor] = field(default_factory=dict)
    """The average of the weights so far, where it is asked for."""
    loss: Curve = field(default_factory=lambda: Curve(("step", "loss", "lr")))
    dev: Curve = field(default_factory=lambda: Curve(("step", "score", "loss")))

    @property
    def verdict(self) -> Verdict | None:
        """What was measured at the best step."""
        found = next((point for point in self.dev.points if point["step"] == self.best_step), None)
        return Verdict(found["score"], found["loss"]) if found else None

    def points(self) -> Iterator[tuple[str, int, float]]:
        """Yield (name, step, value) of every point of every curve."""
        for prefix, curve in (("train", self.loss), ("dev", self.dev)):
            for point in curve.points:
                yield from ((f"{prefix}_{name}", int(point["step"]), point[name]) for name in curve.columns[1:])


class Loop:
    """One run of a job."""

    def __init__(self, job: Job, arguments: TrainingArguments, hardware: Hardware, store: Store) -> None:
        self.job, self.arguments, self.hardware, self.store = job, arguments, hardware, store
        self.accelerator = hardware.accelerator()
        self.optimizer = optimiser(job.rates, arguments)
        self.scheduler = schedule(self.optimizer, job.steps, arguments)
        self.course = Course()
        self._weights = {name: weight for name, weight, _ in job.rates}

    def run(self) -> Course:
        """Train to the end, or until dev says stop; leave the model at its best step.

        Raises:
            ModelError: the loss is no number any more.
        """
        self._resume()
        course, job = self.course, self.job
        batches = self._batches(course.step)
        with _generators(self.hardware):
            try:
                for step in track(range(course.step, job.steps), "train", total=job.steps, done=course.step):
                    if self._stops(step):
                        break
                    with shielded():
                        self._update(next(batches), step)
                    if self.store.due:
                        self._save()
                self._stops(course.step)
            except (KeyboardInterrupt, SystemExit):
                self._save()
                raise
        self._put(course.best if job.judge else course.mean)
        return course

    def _batches(self, step: int) -> Iterator[list[int]]:
        """Yield the batches from ``step`` on, epoch after epoch."""
        lengths, size, seed = self.job.lengths, self.arguments.batch_size, self.job.seed
        per_epoch = math.ceil(len(lengths) / size)
        epoch, skipped = divmod(step, per_epoch)
        while True:
            yield from shuffled(lengths, size, seed=seed, epoch=epoch)[skipped:]
            epoch, skipped = epoch + 1, 0

    def _update(self, chosen: list[int], step: int) -> None:
        self.job.model.train()
        torch.manual_seed(self.job.seed * 1_000_003 + step)
        with self.hardware.autocast():
            loss = self.job.loss(chosen, step)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(list(self._weights.values()), self.arguments.clip)
        rate = max(self.scheduler.get_last_lr())
        if not (math.isfinite(loss.item()) and math.isfinite(float(norm))):
            raise ModelError(
                f"training: the loss is {loss.item()} at step {step + 1} (learning rate {rate:.3g}, gradient norm "
                f"{float(norm):.3g}): lower the learning rate, or look at what the last examples hold; nothing was kept"
            )
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.job.after_step(step + 1)
        self.course.step = step + 1
        self._average(step + 1 - self.arguments.warm(self.job.steps))
        self.course.loss.add({"step": step + 1, "loss": loss.item(), "lr": rate})

    def _stops(self, step: int) -> bool:
        """Judge the model where it is due; return whether it is time to stop."""
        course, judge = self.course, self.job.judge
        every = max(self.job.steps // self.arguments.checks, 1)
        if judge is None:
            return False
        if (step % every == 0 or step == self.job.steps) and not any(p["step"] == step for p in course.dev.points):
            with self._averaged():
                verdict = judge()
                with shielded():
                    self._note(verdict, step)
        return self.arguments.patience is not None and course.since_best >= self.arguments.patience

    def _note(self, verdict: Verdict, step: int) -> None:
        course, best = self.course, self.course.verdict
        course.dev.add({"step": step, "score": verdict.score, "loss": verdict.loss})
        course.since_best += 1
        if best is None or verdict.loss < best.loss:
            course.best_step, course.since_best = step, 0
            course.best = {name: weight.detach().clone() for name, weight in self._weights.items()}

    @torch.no_grad()
    def _average(self, count: int) -> None:
        """Take the weights of the ``count``-th update since warm-up into their average."""
        decay, mean = self.arguments.average, self.course.mean
        if decay is None or count < 1:
            return
        if not mean:
            mean |= {name: weight.detach().clone() for name, weight in self._weights.items()}
        share = (decay + 1) / (count + decay)
        for name, weight in self._weights.items():
            mean[name].lerp_(weight, share)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Put the average in the weights' place within the block, where there is one."""
        mean = self.course.mean
        kept = {name: self._weights[name].detach().clone() for name in mean}
        self._put(mean)
        try:
            yield
        finally:
            self._put(kept)

    def _put(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in tensors.items():
                self._weights[name].copy_(tensor)

    def _here(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: tensor.to(self._weights[name].device) for name, tensor in tensors.items()}

    def _save(self) -> None:
        course = self.course
        parts: dict[str, dict[str, Any]] = {
            "now": dict(self._weights),
            "adam": tensors_of(self.optimizer, self.job.rates),
            "best": course.best,
            "mean": course.mean,
        }
        tensors = {f"{part}:{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
        state: dict[str, Any] = {"step": course.step, "best_step": course.best_step, "since_best": course.since_best}
        state |= {"loss": course.loss.points, "dev": course.dev.points}
        with shielded():
            self.store.save(Snapshot(tensors, state), course.step)

    def _resume(self) -> None:
        snapshot = self.store.load()
        if snapshot is None:
            return
        parts: dict[str, dict[str, torch.Tensor]] = {"now": {}, "adam": {}, "best": {}, "mean": {}}
        for key, tensor in snapshot.tensors.items():
            part, _, name = key.partition(":")
            parts[part][name] = tensor
        state, course = snapshot.state, self.course
        self._put(parts["now"])
        self.job.after_step(state["step"])
        restore(self.optimizer, self.scheduler, self.job.rates, parts["adam"], state["step"])
        course.step, course.best_step, course.since_best = state["step"], state["best_step"], state["since_best"]
        course.best, course.mean = self._here(parts["best"]), self._here(parts["mean"])
        course.loss.points, course.dev.points = state["loss"], state["dev"]


@contextmanager
def _generators(hardware: Hardware) -> Iterator[None]:
    """Give PyTorch's own generators back as they were: dropout draws from them, and from nothing else."""
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if hardware.device == "cuda" else []):
        yield
