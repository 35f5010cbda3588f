"""Lever: the encoder's pre-training, continued on the raw text at hand (what `retrieve` found, where it acts too)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import ClassVar

from satiety.files import digest, manifest, replacing
from satiety.pretrain import Pretrain
from satiety.sealed import is_whole, seal
from satiety.worth.levers.base import LEVERS, Around, Lever, World


@LEVERS.register("pretrain")
class PretrainLever(Pretrain, Lever):
    """Start from an encoder that has read the raw text."""

    place: ClassVar = 20
    at_once: ClassVar = 1
    code: ClassVar = ("satiety.pretrain", "satiety.training")

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
