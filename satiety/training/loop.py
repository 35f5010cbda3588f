"""The training loop: a loss and weights to train -> the weights of the step with the lowest loss on dev.

Batches, masks and dropout of a step depend on (seed, step) only. So the same seed gives the same weights, and a killed
run resumes from its checkpoint to exactly the weights of an uninterrupted run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from satiety.core.errors import ModelError
from satiety.core.progress import track
from satiety.training.arguments import TrainingArguments
from satiety.training.batches import shuffle_batches
from satiety.training.checkpoint import CheckpointStore, Snapshot
from satiety.training.curve import TrainingCurve
from satiety.training.hardware import Hardware
from satiety.training.optimizer import Rates, build_optimizer, build_schedule, collect_state, restore_state
from satiety.training.signals import defer_signals


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Score and loss of a model on dev."""

    score: float
    """The headline metric, for reports."""
    loss: float
    """The selection criterion: with few dev examples it is less noisy than a metric of counts."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A model, its loss and evaluation, and the number of updates."""

    model: nn.Module
    """The model, on its device."""
    rates: Rates
    lengths: Sequence[int]
    """Tokens of each training window."""
    loss: Callable[[list[int], int], torch.Tensor]
    """(indices of windows, step) -> mean loss."""
    evaluate: Callable[[], Evaluation] | None
    steps: int
    seed: int
    after_step: Callable[[int], None] = lambda _: None
    """Callback that changes the model after a number of updates; a resumed run calls it for the step it starts at."""


@dataclass(slots=True)
class TrainState:
    """Step, best weights and curves of a run."""

    step: int = 0
    best_step: int = 0
    since_best: int = 0
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    mean_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    """The average of the weights so far; empty without ``weight_averaging``."""
    loss_curve: TrainingCurve = field(default_factory=lambda: TrainingCurve(("step", "loss", "lr")))
    dev_curve: TrainingCurve = field(default_factory=lambda: TrainingCurve(("step", "score", "loss")))

    @property
    def evaluation(self) -> Evaluation | None:
        """The evaluation of the best step; None where nothing was evaluated."""
        best = next((point for point in self.dev_curve.points if point["step"] == self.best_step), None)
        return Evaluation(best["score"], best["loss"]) if best else None


class TrainingLoop:
    """Trains one job, with checkpoints and early stopping."""

    def __init__(
        self, job: TrainingJob, arguments: TrainingArguments, hardware: Hardware, store: CheckpointStore
    ) -> None:
        self.job, self.arguments, self.hardware, self.store = job, arguments, hardware, store
        self.accelerator = hardware.build_accelerator()
        self.optimizer = build_optimizer(job.rates, arguments)
        self.scheduler = build_schedule(self.optimizer, job.steps, arguments)
        self.state = TrainState()
        self._weights = {name: weight for name, weight, _ in job.rates}

    def run(self) -> TrainState:
        """Train to the last step, or until early stopping, and restore the best weights.

        Raises:
            ModelError: loss or gradient became NaN or infinite.
        """
        self._resume()
        state, job = self.state, self.job
        batches = self._iter_batches(state.step)
        with _fork_generators(self.hardware):
            try:
                for step in track(range(state.step, job.steps), "train", total=job.steps, initial=state.step):
                    if self._should_stop(step):
                        break
                    with defer_signals():
                        self._update(next(batches), step)
                    if self.store.is_due:
                        self._save_checkpoint()
                self._should_stop(state.step)
            except (KeyboardInterrupt, SystemExit):
                self._save_checkpoint()
                raise
        self._copy_weights(state.best_weights if job.evaluate else state.mean_weights)
        return state

    def _iter_batches(self, step: int) -> Iterator[list[int]]:
        """Yield the batches from ``step`` on, without end."""
        lengths, size, seed = self.job.lengths, self.arguments.batch_size, self.job.seed
        per_epoch = math.ceil(len(lengths) / size)
        epoch, offset = divmod(step, per_epoch)
        while True:
            yield from shuffle_batches(lengths, size, seed=seed, epoch=epoch)[offset:]
            epoch, offset = epoch + 1, 0

    def _update(self, indices: list[int], step: int) -> None:
        self.job.model.train()
        torch.manual_seed(self.job.seed * 1_000_003 + step)
        with self.hardware.autocast():
            loss = self.job.loss(indices, step)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(list(self._weights.values()), self.arguments.max_grad_norm)
        rate = max(self.scheduler.get_last_lr())
        if not (math.isfinite(loss.item()) and math.isfinite(float(norm))):
            raise ModelError(
                f"training diverged at step {step + 1} (loss {loss.item()}, learning rate {rate:.3g}, gradient norm "
                f"{float(norm):.3g}): lower `learning_rate`, or inspect the training texts. No model was saved"
            )
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.job.after_step(step + 1)
        self.state.step = step + 1
        self._update_average(step + 1 - self.arguments.count_warmup_steps(self.job.steps))
        point = {"step": step + 1, "loss": loss.item(), "lr": rate}
        self.state.loss_curve.add(point)
        self._log_points("train", [point])

    def _should_stop(self, step: int) -> bool:
        """Evaluate the model where an evaluation is due; return whether early stopping applies."""
        state, evaluate = self.state, self.job.evaluate
        interval = max(self.job.steps // self.arguments.evaluations, 1)
        if evaluate is None:
            return False
        if (step % interval == 0 or step == self.job.steps) and not any(
            p["step"] == step for p in state.dev_curve.points
        ):
            with self._use_average():
                evaluation = evaluate()
                with defer_signals():
                    self._record(evaluation, step)
        return self.arguments.patience is not None and state.since_best >= self.arguments.patience

    def _record(self, evaluation: Evaluation, step: int) -> None:
        state, best = self.state, self.state.evaluation
        point = {"step": step, "score": evaluation.score, "loss": evaluation.loss}
        state.dev_curve.add(point)
        self._log_points("dev", [point])
        state.since_best += 1
        if best is None or evaluation.loss < best.loss:
            state.best_step, state.since_best = step, 0
            state.best_weights = {name: weight.detach().clone() for name, weight in self._weights.items()}

    def _log_points(self, prefix: str, points: Sequence[Mapping[str, float]]) -> None:
        for point in points:
            for name in (name for name in point if name != "step"):
                self.store.log_point(f"{prefix}_{name}", point[name], int(point["step"]))

    @torch.no_grad()
    def _update_average(self, count: int) -> None:
        """Add the weights of the ``count``-th update since warm-up to their average."""
        decay, mean = self.arguments.weight_averaging, self.state.mean_weights
        if decay is None or count < 1:
            return
        if not mean:
            mean |= {name: weight.detach().clone() for name, weight in self._weights.items()}
        share = (decay + 1) / (count + decay)
        for name, weight in self._weights.items():
            mean[name].lerp_(weight, share)

    @contextmanager
    def _use_average(self) -> Iterator[None]:
        """Use the averaged weights, if there are any, within the block."""
        mean = self.state.mean_weights
        originals = {name: self._weights[name].detach().clone() for name in mean}
        self._copy_weights(mean)
        try:
            yield
        finally:
            self._copy_weights(originals)

    def _copy_weights(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in tensors.items():
                self._weights[name].copy_(tensor)

    def _to_device(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: tensor.to(self._weights[name].device) for name, tensor in tensors.items()}

    def _save_checkpoint(self) -> None:
        state = self.state
        parts: dict[str, dict[str, Any]] = {
            "now": dict(self._weights),
            "adam": collect_state(self.optimizer, self.job.rates),
            "best": state.best_weights,
            "mean": state.mean_weights,
        }
        tensors = {f"{part}:{name}": tensor for part, group in parts.items() for name, tensor in group.items()}
        values: dict[str, Any] = {"step": state.step, "best_step": state.best_step, "since_best": state.since_best}
        values |= {"loss": state.loss_curve.points, "dev": state.dev_curve.points}
        with defer_signals():
            self.store.save(Snapshot(tensors, values), state.step)

    def _resume(self) -> None:
        snapshot = self.store.load()
        if snapshot is None:
            return
        parts: dict[str, dict[str, torch.Tensor]] = {"now": {}, "adam": {}, "best": {}, "mean": {}}
        for key, tensor in snapshot.tensors.items():
            part, _, name = key.partition(":")
            parts[part][name] = tensor
        values, state = snapshot.state, self.state
        self._copy_weights(parts["now"])
        self.job.after_step(values["step"])
        restore_state(self.optimizer, self.scheduler, self.job.rates, parts["adam"], values["step"])
        state.step, state.best_step, state.since_best = values["step"], values["best_step"], values["since_best"]
        state.best_weights, state.mean_weights = self._to_device(parts["best"]), self._to_device(parts["mean"])
        state.loss_curve.points, state.dev_curve.points = values["loss"], values["dev"]
        for prefix, curve in (("train", state.loss_curve), ("dev", state.dev_curve)):
            self._log_points(prefix, curve.points)


@contextmanager
def _fork_generators(hardware: Hardware) -> Iterator[None]:
    """Restore PyTorch's global generators, which dropout draws from, after the block."""
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if hardware.device == "cuda" else []):
        yield
