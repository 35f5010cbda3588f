"""Lever: continued pre-training of the encoder on raw texts (those of `retrieve`, where that lever is in the set)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import ClassVar

from satiety.core.checksums import is_intact, seal
from satiety.core.files import digest, manifest, write_atomically
from satiety.levers.base import LEVERS, Lever, StudyContext, StudyInputs
from satiety.levers.pretrain import Pretrain


@LEVERS.register("pretrain")
class PretrainLever(Pretrain, Lever):
    """Continue the pre-training of the encoder on raw texts."""

    position: ClassVar = 20
    max_in_use: ClassVar = 1
    code: ClassVar = ("satiety.levers.pretrain", "satiety.training")

    def transform_inputs(self, inputs: StudyInputs, context: StudyContext) -> StudyInputs:
        from satiety.training.checkpoint import open_store

        texts = [document.text for document in inputs.documents]
        parts = [digest(manifest(inputs.encoder)), self.model_dump_json(), *texts]
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        folder = context.scratch / "encoders" / key[:32]
        if not is_intact(folder):
            checkpoints = open_store(context.scratch / "checkpoints", key, seconds=30)
            with write_atomically(folder) as staging:
                self.pretrainer.run(
                    inputs.encoder, texts, staging, seed=self.seed, store=checkpoints, device=context.device
                )
                seal(staging)
            checkpoints.clear()
        return replace(inputs, encoder=folder)
