"""Texts -> unit vectors, by an encoder in Hugging Face's format (or the encoder of an encoder-decoder model).

The last hidden states are averaged over the tokens and scaled to length 1, so that a dot product is a cosine.
Source: mean pooling after Reimers & Gurevych 2019, Sentence-BERT, arXiv:1908.10084, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.errors import SetupError
from satiety.core.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from satiety.problems.base import Embed, Floats
    from satiety.training.hardware import Hardware

BLOCK = 16384
"""Number of texts tokenised and sorted by length at once; bounds memory."""
MAX_TOKENS = 512
"""Maximum tokens per text where the model's config has no limit; longer texts are truncated."""


def load_embedder(folder: Path, device: str, prefix: str) -> Embed:
    """Load an encoder and return the function that embeds texts with it.

    Args:
        folder: folder with config.json, model.safetensors and a tokenizer.
        device: ``cpu``, ``cuda``, or ``auto`` (the GPU if there is one).
        prefix: text put before every text: ``query: `` for E5 models, empty for most others.

    Raises:
        ModelError: the folder has no encoder that can be loaded safely.
        SetupError: the extra ``train`` is not installed, or ``cuda`` is not available.
    """
    try:
        from satiety.training.batches import MAX_BATCH_TOKENS
        from satiety.training.encoder import count_positions, load_tokenizer
        from satiety.training.hardware import detect_hardware
        from satiety.training.seq2seq import load_text_encoder
    except ModuleNotFoundError:
        raise SetupError("embedding needs the extra `train`: pip install 'satiety[train]'") from None
    accelerator = detect_hardware(device)
    tokenizer, model = load_tokenizer(folder), load_text_encoder(folder).to(accelerator.device)
    config: Any = model.config
    limit, max_batch_tokens = count_positions(model) or MAX_TOKENS, MAX_BATCH_TOKENS[accelerator.device]

    def embed(texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), config.hidden_size), dtype=np.float32)
        pairs = (
            pair
            for indices, rows in _encode(texts, tokenizer, limit, prefix, max_batch_tokens)
            for pair in zip(indices, _embed_batch(model, rows, tokenizer.pad_token_id, accelerator), strict=True)
        )
        for index, vector in track(pairs, "embed", len(texts)):
            vectors[index] = vector
        return vectors

    return embed


def _encode(
    texts: Sequence[str], tokenizer: Any, limit: int, prefix: str, tokens: int
) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Yield batches of (indices into ``texts``, token ids): of similar length, and at most ``tokens`` tokens."""
    from satiety.training.batches import group_by_length

    for start in range(0, len(texts), BLOCK):
        block = [prefix + text for text in texts[start : start + BLOCK]]
        ids = tokenizer(block, truncation=True, max_length=limit, return_attention_mask=False)["input_ids"]
        # Later texts go first among equal lengths: the order within a batch changes the last bit of a vector.
        for batch in group_by_length([len(row) for row in reversed(ids)], tokens):
            indices = [len(ids) - 1 - i for i in reversed(batch)]
            yield [start + i for i in indices], [ids[i] for i in indices]


def _embed_batch(model: Any, rows: list[list[int]], pad: int, accelerator: Hardware) -> Floats:
    """Embed rows of token ids, one per text; return float32, shape (texts, dimensions)."""
    import torch

    from satiety.training.batches import pad_rows
    from satiety.training.encoder import average_tokens

    ids, mask = (tensor.to(accelerator.device) for tensor in pad_rows(rows, pad))
    with torch.inference_mode(), accelerator.autocast():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    vectors: Floats = torch.nn.functional.normalize(average_tokens(states, mask), dim=-1).cpu().numpy()
    return vectors
