"""No further pre-training."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from satiety.files import replacing
from satiety.pretrain.base import PRETRAINERS, Pretrained, Pretrainer

if TYPE_CHECKING:
    from satiety.training.checkpoint import Store


@PRETRAINERS.register("none")
class Nothing(Pretrainer):
    """Pass the model through, byte for byte."""

    def run(self, base: Path, texts: Sequence[str], out: Path, *, seed: int, store: Store, device: str) -> Pretrained:
        with replacing(out) as temporary:
            shutil.copytree(base, temporary)
        return Pretrained()
