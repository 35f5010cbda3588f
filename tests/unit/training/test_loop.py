"""The loop: equal seeds, the best step, resumed runs, and a loss that is not finite."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from satiety.core.errors import ModelError
from satiety.training.arguments import TrainingArguments
from satiety.training.checkpoint import CheckpointStore
from satiety.training.hardware import Hardware
from satiety.training.loop import Evaluation, TrainingJob, TrainingLoop
from satiety.training.optimizer import build_optimizer

HARDWARE = Hardware("cpu", "fp32")
X = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
Judge = Callable[[nn.Module], Evaluation]


def build_arguments(**changes: Any) -> TrainingArguments:
    fields: dict[str, Any] = {"epochs": 5, "min_steps": 1, "max_steps": 40, "batch_size": 8, "warmup": 0.1}
    return TrainingArguments(
        **{
            **fields,
            "weight_decay": 0.01,
            "max_grad_norm": 1.0,
            "weight_averaging": None,
            "evaluations": 10,
            "patience": None,
            **changes,
        }
    )


def build_loop(
    folder: Path,
    *,
    seed: int = 3,
    steps: int = 40,
    judge: Judge | None = None,
    loss: Callable[[nn.Module, list[int]], torch.Tensor] | None = None,
    seconds: float = 1e9,
    plan: TrainingArguments | None = None,
) -> tuple[TrainingLoop, nn.Module]:
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.5), nn.LayerNorm(16), nn.Linear(16, 2))
    original = loss or (lambda model, rows: nn.functional.cross_entropy(model(X[rows]), Y[rows]))
    job = TrainingJob(
        model=model,
        rates=[(name, weight, 0.01) for name, weight in model.named_parameters()],
        lengths=[4] * 64,
        loss=lambda rows, _: original(model, rows),
        evaluate=(lambda: judge(model)) if judge else None,
        steps=steps,
        seed=seed,
    )
    return TrainingLoop(job, plan or build_arguments(), HARDWARE, CheckpointStore(folder, seconds)), model


def copy_weights(model: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in model.parameters()]


def are_equal(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def judge(model: nn.Module) -> Evaluation:
    model.eval()
    with torch.inference_mode():
        return Evaluation(0.5, nn.functional.cross_entropy(model(X), Y).item())


def test_equal_seeds_give_equal_weights_and_different_seeds_do_not(tmp_path: Path) -> None:
    actual = []
    for seed in (3, 3, 4):
        run, model = build_loop(tmp_path / str(len(actual)), seed=seed)
        course = run.run()
        actual.append((copy_weights(model), course.loss_curve.points))
    assert are_equal(actual[0][0], actual[1][0])
    assert actual[0][1] == actual[1][1]
    assert not are_equal(actual[0][0], actual[2][0])


def test_the_loss_falls_and_the_rate_rises_and_falls_to_zero(tmp_path: Path) -> None:
    run, _ = build_loop(tmp_path)
    points = run.run().loss_curve.points
    assert len(points) == 40
    assert sum(p["loss"] for p in points[-5:]) < 0.8 * sum(p["loss"] for p in points[:5])
    rates = [point["lr"] for point in points]
    assert rates[0] == 0
    assert max(rates) == pytest.approx(0.01)
    assert rates[4:] == sorted(rates[4:], reverse=True)


def test_training_leaves_the_global_random_state_unchanged(tmp_path: Path) -> None:
    run, _ = build_loop(tmp_path)
    initial = torch.get_rng_state()
    run.run()
    assert torch.equal(initial, torch.get_rng_state())


@pytest.mark.parametrize("average", [None, 1.0])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    error: type[BaseException], average: float | None, tmp_path: Path
) -> None:
    plan = build_arguments(weight_averaging=average)
    run, model = build_loop(tmp_path / "whole", judge=judge, plan=plan)
    course = run.run()

    calls = []

    def stop(model: nn.Module) -> Evaluation:
        calls.append(1)
        if len(calls) == 5:
            raise error
        return judge(model)

    interrupted, _ = build_loop(tmp_path / "cut", judge=stop, plan=plan)
    with pytest.raises(error):
        interrupted.run()
    assert 0 < interrupted.state.step < 40
    resumed, repeated = build_loop(tmp_path / "cut", judge=judge, plan=plan)
    taken_up = resumed.run()
    assert are_equal(copy_weights(model), copy_weights(repeated))
    assert taken_up.loss_curve.points == course.loss_curve.points
    assert taken_up.dev_curve.points == course.dev_curve.points
    assert taken_up.best_step == course.best_step


def test_every_point_is_logged_when_it_is_measured_and_again_by_a_resumed_run(tmp_path: Path) -> None:
    points: list[tuple[str, float, int]] = []

    def stop(model: nn.Module) -> Evaluation:
        if len(points) > 10:
            raise KeyboardInterrupt
        return judge(model)

    interrupted, _ = build_loop(tmp_path, judge=stop)
    interrupted.store.log_point = lambda *point: points.append(point)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    assert points[:4] == [
        ("dev_score", 0.5, 0),
        ("dev_loss", interrupted.state.dev_curve.points[0]["loss"], 0),
        ("train_loss", interrupted.state.loss_curve.points[0]["loss"], 1),
        ("train_lr", 0.0, 1),
    ]
    resumed, _ = build_loop(tmp_path, judge=judge)
    points_again: list[tuple[str, float, int]] = []
    resumed.store.log_point = lambda *point: points_again.append(point)
    resumed.run()
    assert set(points) < set(points_again)
    assert len(points_again) == len(set(points_again)) == 2 * (40 + 11)


def test_a_checkpoint_is_written_whenever_it_is_due(tmp_path: Path) -> None:
    run, _ = build_loop(tmp_path / "run", steps=3, seconds=0)
    run.run()
    actual = run.store.load()
    assert actual is not None
    assert actual.state["step"] == 3


def test_the_step_that_is_best_on_dev_is_restored(tmp_path: Path) -> None:
    losses = iter([0.9, 0.5, 0.2, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3])
    recorded: list[list[torch.Tensor]] = []

    def return_next_loss(model: nn.Module) -> Evaluation:
        recorded.append(copy_weights(model))
        return Evaluation(0.1, next(losses))

    run, model = build_loop(tmp_path, judge=return_next_loss)
    course = run.run()
    assert course.best_step == 8
    assert course.evaluation == Evaluation(0.1, 0.2)
    assert are_equal(copy_weights(model), recorded[2])
    assert not are_equal(copy_weights(model), recorded[-1])


def test_an_average_without_decay_is_the_mean_of_the_weights_since_warm_up(tmp_path: Path) -> None:
    run, model = build_loop(tmp_path, steps=10, plan=build_arguments(weight_averaging=0, warmup=0.2))
    recorded: list[list[torch.Tensor]] = []
    update = run._update

    def update_and_record(rows: list[int], step: int) -> None:
        update(rows, step)
        recorded.append(copy_weights(model))

    run._update = update_and_record  # type: ignore[method-assign]
    run.run()
    for i, weight in enumerate(model.parameters()):
        torch.testing.assert_close(weight.detach(), torch.stack([w[i] for w in recorded[2:]]).mean(0))


def test_an_average_that_decays_weighs_later_weights_more(tmp_path: Path) -> None:
    actual = []
    for average in (0, 10, None):
        run, model = build_loop(tmp_path / str(average), plan=build_arguments(weight_averaging=average))
        run.run()
        actual.append(torch.cat([weight.flatten() for weight in copy_weights(model)]))
    mean, decaying_mean, last = actual
    assert (decaying_mean - last).norm() < (mean - last).norm()


def test_training_stops_when_patience_is_over(tmp_path: Path) -> None:
    run, _ = build_loop(tmp_path, judge=lambda _: Evaluation(0.0, 1.0), plan=build_arguments(patience=2))
    course = run.run()
    assert course.step == 8
    assert [point["step"] for point in course.dev_curve.points] == [0, 4, 8]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError], ids=["stopped", "killed"])
@pytest.mark.parametrize("call", [2, 3, 4])
def test_a_resumed_run_stops_early_at_the_step_of_an_uninterrupted_one(
    tmp_path: Path, call: int, error: type[BaseException]
) -> None:
    """Nothing improves after the first evaluation, so each evaluation that is forgotten costs four more steps."""
    plan, calls = build_arguments(patience=3), iter(range(1, 99))

    def interrupt(_: nn.Module) -> Evaluation:
        if next(calls) == call:
            raise error
        return Evaluation(0.0, 1.0)

    run, _ = build_loop(tmp_path / "cut", judge=interrupt, plan=plan, seconds=0)
    with pytest.raises(error):
        run.run()
    ends = []
    for folder in ("cut", "whole"):
        run, _ = build_loop(tmp_path / folder, judge=lambda _: Evaluation(0.0, 1.0), plan=plan, seconds=0)
        course = run.run()
        ends.append((course.step, course.since_best, [point["step"] for point in course.dev_curve.points]))
    assert ends == [(12, 3, [0, 4, 8, 12])] * 2


def test_a_loss_that_is_no_number_stops_the_run_and_says_where(tmp_path: Path) -> None:
    counted = []

    def return_nan(model: nn.Module, rows: list[int]) -> torch.Tensor:
        counted.append(1)
        loss = nn.functional.cross_entropy(model(X[rows]), Y[rows])
        return loss * float("nan") if len(counted) == 3 else loss

    run, _ = build_loop(tmp_path, loss=return_nan)
    with pytest.raises(
        ModelError, match=r"training diverged at step 3 \(loss nan, learning rate 0.005.*: lower `learning_rate`"
    ):
        run.run()
    assert run.store.load() is None


def test_biases_and_normalisation_are_never_decayed() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    optimizer = build_optimizer([(name, weight, 0.1) for name, weight in model.named_parameters()], build_arguments())
    decayed = {id(w) for group in optimizer.param_groups if group["weight_decay"] for w in group["params"]}
    assert decayed == {id(model[0].weight)}


def test_nothing_to_train_is_an_error() -> None:
    with pytest.raises(ModelError, match="no weight to train"):
        build_optimizer([], build_arguments())
