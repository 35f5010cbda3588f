"""The loop: the same weights for the same seed, the best step kept, a cut run taken up, a bad loss stopped."""

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

HERE = Hardware("cpu", "fp32")
X = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
Judge = Callable[[nn.Module], Evaluation]


def arguments(**changes: Any) -> TrainingArguments:
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


def loop(
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
    original = loss or (lambda model, chosen: nn.functional.cross_entropy(model(X[chosen]), Y[chosen]))
    job = TrainingJob(
        model=model,
        rates=[(name, weight, 0.01) for name, weight in model.named_parameters()],
        lengths=[4] * 64,
        loss=lambda chosen, _: original(model, chosen),
        evaluate=(lambda: judge(model)) if judge else None,
        steps=steps,
        seed=seed,
    )
    return TrainingLoop(job, plan or arguments(), HERE, CheckpointStore(folder, seconds)), model


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in model.parameters()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def judge(model: nn.Module) -> Evaluation:
    model.eval()
    with torch.inference_mode():
        return Evaluation(0.5, nn.functional.cross_entropy(model(X), Y).item())


def test_the_same_seed_gives_the_same_weights_and_another_one_others(tmp_path: Path) -> None:
    actual = []
    for seed in (3, 3, 4):
        run, model = loop(tmp_path / str(len(actual)), seed=seed)
        course = run.run()
        actual.append((weights(model), course.loss_curve.points))
    assert same(actual[0][0], actual[1][0])
    assert actual[0][1] == actual[1][1]
    assert not same(actual[0][0], actual[2][0])


def test_it_learns_and_the_rate_rises_and_falls_to_nothing(tmp_path: Path) -> None:
    run, _ = loop(tmp_path)
    points = run.run().loss_curve.points
    assert len(points) == 40
    assert sum(p["loss"] for p in points[-5:]) < 0.8 * sum(p["loss"] for p in points[:5])
    rates = [point["lr"] for point in points]
    assert rates[0] == 0
    assert max(rates) == pytest.approx(0.01)
    assert rates[4:] == sorted(rates[4:], reverse=True)


def test_it_leaves_the_callers_generator_as_it_was(tmp_path: Path) -> None:
    run, _ = loop(tmp_path)
    initial = torch.get_rng_state()
    run.run()
    assert torch.equal(initial, torch.get_rng_state())


@pytest.mark.parametrize("average", [None, 1.0])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_run_that_is_stopped_goes_on_to_the_weights_it_would_have_had(
    error: type[BaseException], average: float | None, tmp_path: Path
) -> None:
    plan = arguments(weight_averaging=average)
    run, model = loop(tmp_path / "whole", judge=judge, plan=plan)
    course = run.run()

    calls = []

    def stopped(model: nn.Module) -> Evaluation:
        calls.append(1)
        if len(calls) == 5:
            raise error
        return judge(model)

    cut, _ = loop(tmp_path / "cut", judge=stopped, plan=plan)
    with pytest.raises(error):
        cut.run()
    assert 0 < cut.state.step < 40
    resumed, repeated = loop(tmp_path / "cut", judge=judge, plan=plan)
    taken_up = resumed.run()
    assert same(weights(model), weights(repeated))
    assert taken_up.loss_curve.points == course.loss_curve.points
    assert taken_up.dev_curve.points == course.dev_curve.points
    assert taken_up.best_step == course.best_step


def test_every_point_is_logged_as_it_is_measured_and_again_by_a_run_that_is_taken_up(tmp_path: Path) -> None:
    points: list[tuple[str, float, int]] = []

    def stop(model: nn.Module) -> Evaluation:
        if len(points) > 10:
            raise KeyboardInterrupt
        return judge(model)

    cut, _ = loop(tmp_path, judge=stop)
    cut.store.log_point = lambda *point: points.append(point)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    assert points[:4] == [
        ("dev_score", 0.5, 0),
        ("dev_loss", cut.state.dev_curve.points[0]["loss"], 0),
        ("train_loss", cut.state.loss_curve.points[0]["loss"], 1),
        ("train_lr", 0.0, 1),
    ]
    resumed, _ = loop(tmp_path, judge=judge)
    points_again: list[tuple[str, float, int]] = []
    resumed.store.log_point = lambda *point: points_again.append(point)
    resumed.run()
    assert set(points) < set(points_again)
    assert len(points_again) == len(set(points_again)) == 2 * (40 + 11)


def test_a_checkpoint_is_written_whenever_it_is_due(tmp_path: Path) -> None:
    run, _ = loop(tmp_path / "run", steps=3, seconds=0)
    run.run()
    actual = run.store.load()
    assert actual is not None
    assert actual.state["step"] == 3


def test_the_step_that_is_best_on_dev_is_restored(tmp_path: Path) -> None:
    losses = iter([0.9, 0.5, 0.2, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3])
    recorded: list[list[torch.Tensor]] = []

    def scripted(model: nn.Module) -> Evaluation:
        recorded.append(weights(model))
        return Evaluation(0.1, next(losses))

    run, model = loop(tmp_path, judge=scripted)
    course = run.run()
    assert course.best_step == 8
    assert course.evaluation == Evaluation(0.1, 0.2)
    assert same(weights(model), recorded[2])
    assert not same(weights(model), recorded[-1])


def test_the_plain_mean_is_that_of_the_weights_since_warm_up(tmp_path: Path) -> None:
    run, model = loop(tmp_path, steps=10, plan=arguments(weight_averaging=0, warmup=0.2))
    recorded: list[list[torch.Tensor]] = []
    update = run._update

    def watched(chosen: list[int], step: int) -> None:
        update(chosen, step)
        recorded.append(weights(model))

    run._update = watched  # type: ignore[method-assign]
    run.run()
    for i, weight in enumerate(model.parameters()):
        torch.testing.assert_close(weight.detach(), torch.stack([w[i] for w in recorded[2:]]).mean(0))


def test_an_average_that_decays_weighs_later_weights_more(tmp_path: Path) -> None:
    actual = []
    for average in (0, 10, None):
        run, model = loop(tmp_path / str(average), plan=arguments(weight_averaging=average))
        run.run()
        actual.append(torch.cat([weight.flatten() for weight in weights(model)]))
    mean, late, last = actual
    assert (late - last).norm() < (mean - last).norm()


def test_it_stops_when_patience_is_over(tmp_path: Path) -> None:
    run, _ = loop(tmp_path, judge=lambda _: Evaluation(0.0, 1.0), plan=arguments(patience=2))
    course = run.run()
    assert course.step == 8
    assert [point["step"] for point in course.dev_curve.points] == [0, 4, 8]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError], ids=["stopped", "killed"])
@pytest.mark.parametrize("call", [2, 3, 4])
def test_a_run_that_was_cut_off_stops_early_where_it_would_have(
    tmp_path: Path, call: int, error: type[BaseException]
) -> None:
    """Nothing improves after the first look, so each look that is forgotten is four steps more."""
    plan, looks = arguments(patience=3), iter(range(1, 99))

    def cut(_: nn.Module) -> Evaluation:
        if next(looks) == call:
            raise error
        return Evaluation(0.0, 1.0)

    run, _ = loop(tmp_path / "cut", judge=cut, plan=plan, seconds=0)
    with pytest.raises(error):
        run.run()
    ends = []
    for folder in ("cut", "whole"):
        run, _ = loop(tmp_path / folder, judge=lambda _: Evaluation(0.0, 1.0), plan=plan, seconds=0)
        course = run.run()
        ends.append((course.step, course.since_best, [point["step"] for point in course.dev_curve.points]))
    assert ends == [(12, 3, [0, 4, 8, 12])] * 2


def test_a_loss_that_is_no_number_stops_the_run_and_says_where(tmp_path: Path) -> None:
    counted = []

    def bad(model: nn.Module, chosen: list[int]) -> torch.Tensor:
        counted.append(1)
        loss = nn.functional.cross_entropy(model(X[chosen]), Y[chosen])
        return loss * float("nan") if len(counted) == 3 else loss

    run, _ = loop(tmp_path, loss=bad)
    with pytest.raises(
        ModelError, match=r"training diverged at step 3 \(loss nan, learning rate 0.005.*: lower `learning_rate`"
    ):
        run.run()
    assert run.store.load() is None


def test_biases_and_normalisation_are_never_decayed() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    made = build_optimizer([(name, weight, 0.1) for name, weight in model.named_parameters()], arguments())
    decayed = {id(w) for group in made.param_groups if group["weight_decay"] for w in group["params"]}
    assert decayed == {id(model[0].weight)}


def test_nothing_to_train_is_an_error() -> None:
    with pytest.raises(ModelError, match="no weight to train"):
        build_optimizer([], arguments())
