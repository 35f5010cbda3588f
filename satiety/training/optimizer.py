"""AdamW with a linear schedule.

Sources: Loshchilov & Hutter 2019 (arXiv:1711.05101); no decay on biases and normalisation, as in the code of
Devlin et al. 2019.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch.nn import Parameter
from torch.optim import AdamW

from satiety.core.errors import ModelError
from satiety.training.arguments import TrainingArguments

Rates = list[tuple[str, Parameter, float]]
"""(name, weight, peak learning rate) of every weight to train."""


def build_optimizer(rates: Iterable[tuple[str, Parameter, float]], arguments: TrainingArguments) -> AdamW:
    """Return AdamW with a group for each learning rate and decay; vectors (biases, normalisation) have no decay."""
    groups: dict[tuple[float, float], list[Parameter]] = defaultdict(list)
    for _, weight, rate in rates:
        groups[rate, arguments.weight_decay if weight.ndim > 1 else 0.0].append(weight)
    if not groups:
        raise ModelError("training: the method has no weight to train: choose another `method`")
    return AdamW(
        [{"params": weights, "lr": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()],
        fused=True,
    )


def build_schedule(optimizer: AdamW, steps: int, arguments: TrainingArguments) -> Any:
    """Return the schedule with linear warm-up and linear decay over ``steps`` updates."""
    from transformers import get_linear_schedule_with_warmup

    return get_linear_schedule_with_warmup(optimizer, arguments.count_warmup_steps(steps), steps)  # type: ignore[no-untyped-call]


def collect_state(optimizer: AdamW, rates: Rates) -> dict[str, torch.Tensor]:
    """Return the optimizer's state tensors, named ``<weight>/<slot>``."""
    state = optimizer.state
    return {f"{name}/{slot}": tensor for name, weight, _ in rates for slot, tensor in state[weight].items()}


def restore_state(optimizer: AdamW, scheduler: Any, rates: Rates, tensors: dict[str, torch.Tensor], step: int) -> None:
    """Restore optimizer and schedule to their state after ``step`` updates."""
    weights = {name: weight for name, weight, _ in rates}
    for key, tensor in tensors.items():
        name, _, slot = key.rpartition("/")
        optimizer.state[weights[name]][slot] = tensor.to(weights[name].device)
    scheduler.last_epoch = step
    scheduler._step_count = step + 1
    scheduler._last_lr = [
        base * factor(step) for base, factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
    ]
    for group, rate in zip(optimizer.param_groups, scheduler._last_lr, strict=True):
        group["lr"] = rate
