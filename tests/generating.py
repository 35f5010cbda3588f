"""A tiny random encoder-decoder of every supported kind, and a tokenizer for English and Chinese."""

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
"""``model_type`` -> its config without the vocabulary."""


def write_tokenizer(folder: Path, pieces: Iterable[str]) -> int:
    """Write a tokenizer of SentencePiece pieces, with "▁" at the start of a word; return the size of its vocabulary."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = list(dict.fromkeys([PAD, END, UNKNOWN, *pieces]))
    tokenizer = Tokenizer(
        models.Unigram([(piece, -float(piece not in vocabulary[:3])) for piece in vocabulary], unk_id=2)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(f"$A {END}", f"$A {END} $B {END}", [(END, 1)])
    names = {"pad_token": PAD, "eos_token": END, "unk_token": UNKNOWN}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names).save_pretrained(folder)
    return len(vocabulary)


def write_writer(folder: Path, kind: str = "t5", pieces: Iterable[str] = PIECES, **options: Any) -> Path:
    """Write a random model of a kind and its tokenizer into a folder; return the folder."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForSeq2SeqLM

    count = write_tokenizer(folder, pieces)
    special = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    sizes = {"vocab_size": count} | ({"decoder_vocab_size": count} if kind == "marian" else {})
    config = CONFIG_MAPPING[kind](**{**sizes, **special, **KINDS[kind], **options})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = AutoModelForSeq2SeqLM.from_config(config)
    model.save_pretrained(folder)
    return folder
