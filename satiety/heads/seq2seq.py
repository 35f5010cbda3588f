"""Text generation by the decoder of an encoder-decoder model.

Training minimises the cross-entropy of each reference token given the ones before it (teacher forcing; Sutskever et al.
2014, arXiv:1409.3215). Generation is greedy or by beam search, in float32, so that outputs do not depend on the batch
or on chance.
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
"""Number of windows scored at once; each token needs a row over the whole vocabulary. Bounds memory."""


@HEADS.register("seq2seq")
class Seq2Seq(PerText):
    """Generate a text."""

    is_generative: ClassVar = True

    max_new_tokens: int = Field(ge=1, le=1024, default=128, examples=[24])
    """Maximum number of tokens generated per window, including the end token."""
    beams: int = Field(ge=1, le=16, default=1)
    """Beams of the beam search; 1 is greedy search."""

    def load(self, folder: Path) -> tuple[Module, Any]:
        from satiety.training.encoder import load_tokenizer
        from satiety.training.seq2seq import load_seq2seq

        writer, tokenizer = load_seq2seq(folder), load_tokenizer(folder)
        config: Any = writer.config
        if tokenizer.eos_token_id is None or tokenizer.eos_token_id != config.eos_token_id:
            raise ModelError(
                f"{folder}: the end token is {tokenizer.eos_token_id} in the tokenizer, but {config.eos_token_id} in "
                "config.json: set the same eos token in both, or generation does not end"
            )
        return writer, tokenizer

    def check_encoder(self, encoder: Module) -> None:
        from satiety.training.encoder import count_positions
        from satiety.training.seq2seq import get_start_tokens

        max_positions, prefix_length = count_positions(encoder), len(get_start_tokens(encoder))
        if max_positions is not None and prefix_length + self.max_new_tokens > max_positions:
            raise ParamsError(
                f"ingest.problem.max_new_tokens: {self.max_new_tokens} tokens, but the model generates at most "
                f"{max_positions - prefix_length}: lower `max_new_tokens`"
            )

    def get_encoder(self, encoder: Any) -> Any:
        return encoder.get_encoder()

    def size(self, problem: Problem) -> int:
        return 0

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        """Return the tokens of the references, shape (windows, tokens of the longest); padding is IGNORE."""
        from satiety.training.batches import pad_rows

        return pad_rows([window.targets for window in windows], IGNORE)[0]

    def check(self, window: Window, problem: Problem) -> None:
        """Accept every target: tokens come from the tokenizer, which was checked against the model at loading."""

    def outputs(self, model: Model, batch: Batch) -> Tensor:
        """Return the logits of each target given the previous ones, shape (windows, targets, vocabulary)."""
        import torch

        prefix = _start_tokens(model, batch)
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
        """Generate a text for each window; where a window has targets, also return their loss."""
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
        """Return the generated tokens, shape (windows, tokens); after the end token a row is IGNORE."""
        from transformers import GenerationConfig

        end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
        config = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=self.max_new_tokens,
            num_beams=self.beams,
            early_stopping=self.beams > 1,
            do_sample=False,
            eos_token_id=end,
            pad_token_id=pad,
            suppress_tokens=None if pad == end else [pad],  # Marian's first token, the padding, is not to be repeated
        )
        prefix = _start_tokens(model, batch)
        tokens: Tensor = model.encoder.generate(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            decoder_input_ids=prefix,
            generation_config=config,
        )[:, prefix.shape[1] :]
        ends = (tokens == end).int()
        return tokens.masked_fill((ends.cumsum(1) - ends) > 0, IGNORE)

    def _score_tokens(self, model: Model, batch: Batch, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the log-probabilities of each window's tokens, and their count; both shape (windows,)."""
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


def _start_tokens(model: Model, batch: Batch) -> Tensor:
    """Return the first tokens of the output for each window, shape (windows, start tokens)."""
    import torch

    from satiety.training.seq2seq import get_start_tokens

    return torch.tensor(get_start_tokens(model.encoder), device=batch.input_ids.device).expand(len(batch.input_ids), -1)
