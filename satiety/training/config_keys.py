"""Which kinds of model are known to write, and which keys a config may have beside those of its config class."""

from __future__ import annotations

LEGACY_KEYS = frozenset({
    "_name_or_path", "adapters", "directionality", "finetuning_task", "gradient_checkpointing", "language",
    "output_past", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
    "pooler_type", "position_embedding_type", "pruned_heads", "task_specific_params", "tokenizer_class", "torch_dtype",
    "use_bfloat16",
})  # fmt: skip
"""Keys of no config class of today that configs of known models have; they change nothing."""
SEQ2SEQ_KINDS = frozenset({"bart", "marian", "mbart", "mt5", "t5"})
"""Kinds of model that read by an encoder and write by a decoder."""
GENERATION_KEYS = frozenset({
    "add_bias_logits", "add_final_layer_norm", "bad_words_ids", "classif_dropout", "classifier_dropout",
    "decoder_start_token_id", "early_stopping", "extra_pos_embeddings", "forced_bos_token_id", "length_penalty",
    "max_length", "min_length", "n_positions", "no_repeat_ngram_size", "normalize_before", "normalize_embedding",
    "num_beams", "save_step", "static_position_embeddings",
})  # fmt: skip
"""Keys that configs of these have besides; what is written starts as they say, and nothing else of them counts."""
FIXED_VALUES = {
    "add_cross_attention": False,
    "chunk_size_feed_forward": 0,
    "is_decoder": False,
    "is_encoder_decoder": False,  # True for those that write
    "output_attentions": False,
    "output_hidden_states": False,
    "return_dict": True,
    "torchscript": False,
}
"""Keys that change what a model gives back; they may say what an encoder is."""
NAME_MAPPINGS = ("id2label", "label2id", "task_specific_params")
"""Mappings of any number of names."""
