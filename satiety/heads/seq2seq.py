"""A text for a text, which the decoder of the base model writes token by token.

Learned by cross-entropy over the tokens of the reference, each foretold from those before it in the reference (teacher
forcing; Sutskever et al. 2014, arXiv:1409.3215). Written greedily or by beam search, in float32, so that what is
written hangs neither on the batch nor on chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from satiety.core.errors import ModelError, ParamsError
from satiety.heads.base import HEADS, PerText
from satiety.problems.windows import IGNORE, GeneratedText

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor
    from torch.nn import Module

    from satiety.problems import Problem, Window
    from satiety.tuning.inputs import Batch
    from satiety.tuning.model import Model

SLICE = 16
"""Windows whose tokens are weighed at once, each against the whole vocabulary: bounds memory."""


@HEADS.register("seq2seq")
class Seq2Seq(PerText):
    """Answer by writing a text."""

    is_generative: ClassVar = True

    max_new_tokens: int = Field(ge=1, le=1024, default=128, examples=[24])
    """Tokens that are written to a window at most, the end's among them."""
    beams: int = Field(ge=1, le=16, default=1)
    """Beginnings that are pursued side by side; 1 takes the likeliest token each time."""

    def load(self, folder: Path) -> tuple[Module, Any]:
        from satiety.training.encoder import load_tokenizer
        from satiety.training.seq2seq import load_seq2seq

        writer, tokenizer = load_seq2seq(folder), load_tokenizer(folder)
        config: Any = writer.config
        if tokenizer.eos_token_id is None or tokenizer.eos_token_id != config.eos_token_id:
            raise ModelError(
                f"{folder}: its tokenizer ends a text by token {tokenizer.eos_token_id}, its config by "
                f"{config.eos_token_id}; name the same eos token in both, else nothing that is written would end"
            )
        return writer, tokenizer

    def check_encoder(self, encoder: Module) -> None:
        from satiety.training.encoder import count_positions
        from satiety.training.seq2seq import get_start_tokens

        max_positions, prefix_length = count_positions(encoder), len(get_start_tokens(encoder))
        if max_positions is not None and prefix_length + self.max_new_tokens > max_positions:
            raise ParamsError(
                f"ingest.problem.max_new_tokens: {self.max_new_tokens} tokens, but the model writes at most "
                f"{max_positions - prefix_length}; lower it"
            )

    def get_encoder(self, encoder: Any) -> Any:
        return encoder.get_encoder()

    def size(self, problem: Problem) -> int:
        return 0

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        """Return the tokens of the references, shape (windows, tokens of the longest); padding is IGNORE."""
        import torch

        length = max(len(window.targets) for window in windows)
        rows = [[*window.targets, *[IGNORE] * (length - len(window.targets))] for window in windows]
        return torch.tensor(rows, dtype=torch.int64).reshape(len(windows), length)

    def check(self, window: Window, problem: Problem) -> None:
        """Pass: a target is what the tokenizer gave, and that was held against the model when it was loaded."""

    def outputs(self, model: Model, batch: Batch) -> Tensor:
        """Return logits of every target's place, shape (windows, targets, vocabulary), given the targets before it."""
        import torch

        from satiety.training.seq2seq import get_start_tokens

        prefix = torch.tensor(get_start_tokens(model.encoder), device=batch.targets.device).expand(
            len(batch.targets), -1
        )
        pad = int(model.encoder.config.pad_token_id)
        decoder_ids = batch.targets.masked_fill(batch.targets == IGNORE, pad)[:, :-1]
        output = model.encoder(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            decoder_input_ids=torch.cat([prefix, decoder_ids], dim=1),
            use_cache=False,
        )
        logits: Tensor = output.logits[:, prefix.shape[1] - 1 :].float()
        return logits

    def infer(self, model: Model, batch: Batch, tokenizer: Any) -> Sequence[GeneratedText]:
        """Write to every window; where it has targets, weigh these too."""
        import torch

        with torch.autocast(batch.input_ids.device.type, enabled=False):
            tokens = self._generate(model, batch, tokenizer)
            log_probs, count = self._score_tokens(model, batch, tokens)
            target_log_probs = (
                self._score_tokens(model, batch, batch.targets)[0]
                if batch.targets.shape[1]
                else torch.zeros(len(log_probs))
            )
        texts = tokenizer.batch_decode(
            [[token for token in row if token != IGNORE] for row in tokens.tolist()],
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
        confidences = torch.exp(log_probs / count.clamp(min=1)).tolist()
        return [
            GeneratedText(text.strip(), *scores)
            for text, *scores in zip(texts, confidences, (-target_log_probs).tolist(), strict=True)
        ]

    def is_finite(self, inferred: GeneratedText) -> bool:
        return abs(inferred.confidence) < float("inf")

    def cost(self, window: Window) -> int:
        return len(window.input_ids) + self.max_new_tokens * self.beams

    def mean_loss(self, windows: Sequence[Window], inferred: Sequence[GeneratedText]) -> float | None:
        tokens = sum(len(window.targets) for window in windows)
        return sum(generated.loss for generated in inferred) / tokens if tokens else None

    def _generate(self, model: Model, batch: Batch, tokenizer: Any) -> Tensor:
        """Return what is written, shape (windows, tokens): the end is the last of a row, and IGNORE stands after it."""
        import torch
        from transformers import GenerationConfig

        from satiety.training.seq2seq import get_start_tokens

        end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
        config = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=self.max_new_tokens,
            num_beams=self.beams,
            early_stopping=self.beams > 1,
            do_sample=False,
            eos_token_id=end,
            pad_token_id=pad,
            suppress_tokens=None if pad == end else [pad],  # in Marian, what starts a text would else be written
        )
        prefix = torch.tensor(get_start_tokens(model.encoder), device=batch.input_ids.device).expand(
            len(batch.input_ids), -1
        )
        tokens: Tensor = model.encoder.generate(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            decoder_input_ids=prefix,
            generation_config=config,
        )[:, prefix.shape[1] :]
        ends = (tokens == end).int()
        return tokens.masked_fill((ends.cumsum(1) - ends) > 0, IGNORE)

    def _score_tokens(self, model: Model, batch: Batch, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return per window the sum of the log-probabilities of some tokens, and their count; both shape (windows,)."""
        import torch
        from torch.nn.functional import cross_entropy

        sums = []
        for start in range(0, len(tokens), SLICE):
            part = slice(start, start + SLICE)
            chunk = replace(
                batch,
                input_ids=batch.input_ids[part],
                attention_mask=batch.attention_mask[part],
                targets=tokens[part],
            )
            logits = self.outputs(model, chunk).transpose(1, 2)
            sums.append(-cross_entropy(logits, chunk.targets, ignore_index=IGNORE, reduction="none").sum(1))
        return torch.cat(sums), (tokens != IGNORE).sum(1)
