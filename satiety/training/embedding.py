"""Texts -> one unit vector each, by any Transformers encoder in a folder of safe files; one with a decoder will do.

The last hidden states are averaged over the text's tokens and scaled to length 1, so that a dot product is a cosine.
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
"""Texts that are tokenised and sorted by length at once: bounds memory."""
TOKENS = {"cpu": 1024, "cuda": 65536}
"""Tokens in one batch, padding included: what keeps the processor's caches, or the GPU, well fed."""
MAX_TOKENS = 512
"""Longest input where the model does not say how much it takes; what is longer is cut."""


def load_embedder(folder: Path, device: str, prefix: str) -> Embed:
    """Load an encoder and return the function that embeds texts with it.

    Args:
        folder: config.json, model.safetensors and a tokenizer.
        device: ``cpu``, ``cuda``, or ``auto``, which takes the GPU where there is one.
        prefix: put before every text; models of the E5 family want ``query: ``, most want nothing.

    Raises:
        ModelError: the folder holds no encoder that loads safely.
        SetupError: the extra ``train`` is not installed, or there is no GPU where one was asked for.
    """
    try:
        from satiety.training.encoder import load_tokenizer
        from satiety.training.hardware import detect_hardware
        from satiety.training.seq2seq import load_text_encoder
    except ModuleNotFoundError:
        raise SetupError("embedding needs the extra `train`: pip install 'satiety[train]'") from None
    accelerator = detect_hardware(device)
    tokenizer, model = load_tokenizer(folder), load_text_encoder(folder).to(accelerator.device)
    config: Any = model.config
    limit, pad = _max_positions(config), tokenizer.pad_token_id

    def embed(texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), config.hidden_size), dtype=np.float32)
        batches = _encode(texts, tokenizer, limit, prefix, TOKENS[accelerator.device])
        pairs = (
            pair
            for indices, rows in batches
            for pair in zip(indices, _embed_batch(model, rows, pad, accelerator), strict=True)
        )
        for index, vector in track(pairs, "embed", len(texts)):
            vectors[index] = vector
        return vectors

    return embed


def _max_positions(config: Any) -> int:
    """Return how many tokens the model takes; RoBERTa's two reserved positions are not ours to use."""
    positions = getattr(config, "max_position_embeddings", None)
    return positions - (2 if "roberta" in config.model_type else 0) if positions else MAX_TOKENS


def _encode(
    texts: Sequence[str], tokenizer: Any, limit: int, prefix: str, tokens: int
) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Yield batches of (places in ``texts``, token ids): near in length, alike in number of tokens."""
    for start in range(0, len(texts), BLOCK):
        block = [prefix + text for text in texts[start : start + BLOCK]]
        ids = tokenizer(block, truncation=True, max_length=limit, return_attention_mask=False)["input_ids"]
        order = sorted(range(len(block)), key=lambda i: len(ids[i]))
        while order:
            longest = len(ids[order[-1]])
            batch = order[-max(1, tokens // longest) :]
            del order[-len(batch) :]
            yield [start + i for i in batch], [ids[i] for i in batch]


def _embed_batch(model: Any, rows: list[list[int]], pad: int, accelerator: Hardware) -> Floats:
    """Embed one batch of token ids, shape (texts, tokens) ragged; return float32, shape (texts, dimensions)."""
    import torch

    ids = torch.full((len(rows), max(map(len, rows))), pad)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    ids, mask = ids.to(accelerator.device), mask.to(accelerator.device)
    with torch.inference_mode(), accelerator.autocast():
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    weights = mask.unsqueeze(-1).float()
    means = (hidden * weights).sum(1) / weights.sum(1)
    vectors: Floats = torch.nn.functional.normalize(means, dim=-1).cpu().numpy()
    return vectors
