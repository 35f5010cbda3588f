"""No continued pre-training."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from satiety.core.files import write_atomically
from satiety.levers.pretrain.base import PRETRAINERS, Pretrainer, PretrainOutcome

if TYPE_CHECKING:
    from satiety.training.checkpoint import CheckpointStore


@PRETRAINERS.register("none")
class NoPretraining(Pretrainer):
    """Copy the base model unchanged."""

    def run(
        self, base: Path, texts: Sequence[str], output: Path, *, seed: int, store: CheckpointStore, device: str
    ) -> PretrainOutcome:
        with write_atomically(output) as temporary:
            shutil.copytree(base, temporary)
        return PretrainOutcome()
