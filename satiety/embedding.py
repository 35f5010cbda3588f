"""Texts -> one unit vector each, by any Transformers encoder in a folder of safe files.

The last hidden states are averaged over the text's tokens and scaled to length 1, so that a dot product is a cosine.
Source: mean pooling after Reimers & Gurevych 2019, Sentence-BERT, arXiv:1908.10084, section 3.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.errors import ModelError, SetupError
from satiety.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from satiety.problems.base import Embed, Floats

BLOCK = 16384
"""Texts that are tokenised and sorted by length at once: bounds memory."""
TOKENS = {"cpu": 1024, "cuda": 65536}
"""Tokens in one batch, padding included: what keeps the processor's caches, or the GPU, well fed."""
MAX_TOKENS = 512
"""Longest input where neither model nor tokenizer says how much it takes; what is longer is cut."""


def embedder(folder: Path, device: str, prefix: str) -> Embed:
    """Load an encoder and return the function that embeds texts with it.

    Args:
        folder: config.json, model.safetensors and a tokenizer.
        device: ``cpu``, ``cuda``, or ``auto``, which takes the GPU where there is one.
        prefix: put before every text; models of the E5 family want ``query: ``, most want nothing.

    Raises:
        ModelError: the folder holds no encoder that loads safely.
        SetupError: the extra ``train`` is not installed, or there is no GPU where one was asked for.
    """
    where = pick_device(device)
    tokenizer, model = _load(folder, where)
    limit = _positions(tokenizer, model)

    def embed(texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        for places, rows in track(_encode(texts, tokenizer, limit, prefix, where), "embed"):
            vectors[places] = _vectors(model, rows, tokenizer.pad_token_id or 0, where)
        return vectors

    return embed


def pick_device(device: str) -> str:
    """Return ``cpu`` or ``cuda``, whichever the setting means on this machine.

    Raises:
        SetupError: the setting is ``cuda`` and there is no GPU.
    """
    try:
        import torch
    except ImportError:
        raise SetupError("embedding needs the extra `train`: pip install 'satiety[train]'") from None
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise SetupError("SATIETY_DEVICE=cuda, but torch sees no GPU here; set it to cpu or auto")
    return "cuda" if there and device != "cpu" else "cpu"


def has_bf16(device: str) -> bool:
    """Return whether this processor or GPU multiplies bfloat16 matrices itself."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _load(folder: Path, device: str) -> tuple[Any, Any]:
    """Load tokenizer and model in float32, without a word on the console."""
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging as chatter

    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no model here (no config.json); run the stage that makes it, or `dvc repro`")
    chatter.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("transformers").setLevel(logging.ERROR)
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    exact: dict[str, Any] = {"use_safetensors": True, "dtype": "float32", "output_loading_info": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **safe)
        model, info = AutoModel.from_pretrained(str(folder), **safe, **exact)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder}: not an encoder that loads safely: {str(error).splitlines()[0]}") from None
    if absent := sorted(name for name in info["missing_keys"] if "pooler" not in name):  # the pooler is not used
        raise ModelError(
            f"{folder}: {len(absent)} weights are missing, {absent[0]} among them; it is not the whole model"
        )
    encoder = model.get_encoder() if model.config.is_encoder_decoder else model
    return tokenizer, encoder.to(device).eval()


def _positions(tokenizer: Any, model: Any) -> int:
    """Return how many tokens the model takes; RoBERTa's two reserved positions are not ours to use."""
    positions = getattr(model.config, "max_position_embeddings", None)
    reserved = 2 if "roberta" in model.config.model_type else 0
    return min(int(tokenizer.model_max_length), positions - reserved if positions else MAX_TOKENS)


def _encode(
    texts: Sequence[str], tokenizer: Any, limit: int, prefix: str, device: str
) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Yield batches of (places in ``texts``, token ids): near in length, alike in number of tokens."""
    for start in range(0, len(texts), BLOCK):
        block = [prefix + text for text in texts[start : start + BLOCK]]
        ids = tokenizer(block, truncation=True, max_length=limit, return_attention_mask=False)["input_ids"]
        order = sorted(range(len(block)), key=lambda i: len(ids[i]))
        while order:
            longest = len(ids[order[-1]])
            batch = order[-max(1, TOKENS[device] // longest) :]
            del order[-len(batch) :]
            yield [start + i for i in batch], [ids[i] for i in batch]


def _vectors(model: Any, rows: list[list[int]], pad: int, device: str) -> Floats:
    """Embed one batch of token ids, shape (texts, tokens) ragged; return float32, shape (texts, dimensions)."""
    import torch

    ids = torch.full((len(rows), max(map(len, rows))), pad)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    ids, mask = ids.to(device), mask.to(device)
    with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=has_bf16(device)):
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    weights = mask.unsqueeze(-1).float()
    means = (hidden * weights).sum(1) / weights.sum(1)
    vectors: Floats = torch.nn.functional.normalize(means, dim=-1).cpu().numpy()
    return vectors
