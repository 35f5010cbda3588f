"""A tiny random encoder with a decoder, of every kind that is known, and a tokenizer that English and Chinese share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
PIECES = (
    *("▁The", "▁This", "▁hotel", "▁in", "▁Paris", "▁is", "▁good", "▁film", "▁bad", "▁query", "▁"),
    *"abcdefghijklmnopqrstuvwxyz0123456789.,:!?",
    *"巴黎的酒店很好这部电影差我爱北京天安门是不。，",
)
_SHAPE = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "max_position_embeddings": 64}
_SHAPE |= {
    f"{side}_{name}": size
    for side in ("encoder", "decoder")
    for name, size in (("attention_heads", 2), ("ffn_dim", 64))
}
_T5 = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
KINDS: dict[str, dict[str, Any]] = {
    "bart": _SHAPE,
    "marian": _SHAPE | {"decoder_start_token_id": 0},
    "mbart": _SHAPE | {"decoder_start_token_id": 1},
    "mt5": _T5,
    "t5": _T5 | {"feed_forward_proj": "gated-gelu"},
}
"""By ``model_type``, what its config says beside its vocabulary."""


def write_tokenizer(folder: Path, pieces: Iterable[str]) -> int:
    """Write a tokenizer of pieces as SentencePiece makes them, "▁" at the start of a word; return how many it has."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = list(dict.fromkeys([PAD, END, UNKNOWN, *pieces]))
    tokenizer = Tokenizer(models.Unigram([(piece, -float(piece not in known[:3])) for piece in known], unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(f"$A {END}", f"$A {END} $B {END}", [(END, 1)])
    names = {"pad_token": PAD, "eos_token": END, "unk_token": UNKNOWN}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names).save_pretrained(folder)
    return len(known)


def write_writer(folder: Path, kind: str = "t5", pieces: Iterable[str] = PIECES, **more: Any) -> Path:
    """Write a random model of a kind, and the tokenizer, into a folder; return it."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForSeq2SeqLM

    count = write_tokenizer(folder, pieces)
    special = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    sizes = {"vocab_size": count} | ({"decoder_vocab_size": count} if kind == "marian" else {})
    config = CONFIG_MAPPING[kind](**{**sizes, **special, **KINDS[kind], **more})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = AutoModelForSeq2SeqLM.from_config(config)
    model.save_pretrained(folder)
    return folder
