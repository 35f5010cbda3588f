"""Lever: the encoder's pre-training, continued on the raw text at hand (what `retrieve` found, where it acts too)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field, SerializeAsAny

from satiety.files import digest, manifest, replacing
from satiety.pretrain import PRETRAINERS, Pretrainer
from satiety.sealed import is_whole, seal
from satiety.section import Seed
from satiety.worth.levers.base import LEVERS, Around, Lever, World


@LEVERS.register("pretrain")
class PretrainLever(Lever):
    """Start from an encoder that has read the raw text."""

    place: ClassVar = 20
    code: ClassVar = ("satiety.pretrain", "satiety.training")

    seed: Seed = Field(examples=[2])
    """Of batches, masks and dropout."""
    pretrainer: Annotated[SerializeAsAny[Pretrainer], PRETRAINERS.choice("mlm")] = Field(
        default_factory=PRETRAINERS.default("mlm"), examples=[{"kind": "none"}]
    )
    """By what, as in the block `pretrain`."""

    def surround(self, around: Around, world: World) -> Around:
        from satiety.training.checkpoint import store

        texts = [document.text for document in around.documents]
        made_of = [digest(manifest(around.encoder)), self.model_dump_json(), *texts]
        key = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
        out = world.scratch / "encoders" / key[:32]
        if not is_whole(out):
            run = store(world.scratch / "checkpoints", key, seconds=30)
            with replacing(out) as made:
                self.pretrainer.run(around.encoder, texts, made, seed=self.seed, store=run, device=world.device)
                seal(made)
            run.clear()
        return replace(around, encoder=out)
