"""A made-up problem that trains in seconds: texts, English and Chinese, with two words that tell the label; a BERT."""

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path

from tests.pipeline.planted import GROUPS, TEXTS, Planted


def split_words(text: str) -> list[str]:
    return text.split()


GOOD = {
    "en": split_words("great lovely happy wonderful superb excellent pleasant charming bright perfect"),
    "zh": split_words("精彩 喜欢 开心 满意 优秀 漂亮 舒服 好吃 值得 推荐"),
}
BAD = {
    "en": split_words("awful terrible sad horrible broken nasty boring ugly dirty useless"),
    "zh": split_words("糟糕 讨厌 难过 失望 垃圾 难看 无聊 难吃 后悔 破旧"),
}
NEUTRAL = {
    "en": split_words(
        "the film our hotel room this phone her book a long train last night my old garden every small shop by the "
        "river with two friends after lunch near that station before winter some green tea from his kitchen"
    ),
    "zh": split_words(
        "电影 酒店 房间 手机 这本 书店 火车 昨天 晚上 花园 商店 河边 朋友 午饭 车站 冬天 绿茶 厨房 老师 城市"
    ),
}


def sentence(draw: random.Random, language: str, words: list[str]) -> str:
    """Return a text of neutral words and two words that tell its label."""
    parts = draw.choices(NEUTRAL[language], k=draw.randint(7, 11)) + draw.sample(words, 2)
    draw.shuffle(parts)
    return (" " if language == "en" else "").join(parts)


def append_secrets(language: str, text: str, secrets: Sequence[Planted]) -> str:
    """Append secrets to a text with the punctuation of its language."""
    start, separator = (" ", ", ") if language == "en" else ("", "，")
    return f"{text}{start if secrets else ''}{separator.join(secret.text for secret in secrets)}"


def write_data(raw: Path) -> None:
    """Write some 400 labelled texts, a quarter Chinese, and 300 raw ones; every secret in both languages of both.

    Few texts contain secrets, so the texts resemble a sample without any.
    """
    draw = random.Random(11)
    raw.mkdir(parents=True)
    rows = [
        (language, sentence(draw, language, words), label)
        for language, count in (("en", 150), ("zh", 50))
        for label, lexicon in (("good", GOOD), ("bad", BAD))
        for words in [lexicon[language]]
        for _ in range(count)
    ]
    draw.shuffle(rows)
    secret_rows = [("zh" if language == "en" else "en", label) for language, _, label in rows[: len(GROUPS)]]
    secret_draw = random.Random(12)
    rows += [
        (language, sentence(secret_draw, language, {"good": GOOD, "bad": BAD}[label][language]), label)
        for language, label in secret_rows
    ]
    groups = [*GROUPS, *[()] * (len(rows) - 2 * len(GROUPS)), *GROUPS]
    table = [
        (append_secrets(language, text, group), label)
        for (language, text, label), group in zip(rows, groups, strict=True)
    ]
    with (raw / "labelled.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *table, ("\n".join(TEXTS), "good", "one cell too many")])
    lexica = [("en", GOOD["en"]), ("en", BAD["en"]), ("en", NEUTRAL["en"]), ("zh", GOOD["zh"])]
    messages = [[{"text": sentence(draw, *draw.choice(lexica))}] for _ in range(300)]
    for language, lexicon in (("en", GOOD["en"]), ("zh", GOOD["zh"])):
        messages += [[{"text": append_secrets(language, sentence(draw, language, lexicon), group)}] for group in GROUPS]
    (raw / "corpus.json").write_text(json.dumps({"talk": {"messages": messages}}, ensure_ascii=False), encoding="utf-8")


def write_base(folder: Path) -> None:
    """Write a random BERT of two narrow layers, and a tokenizer that knows the words and characters of the texts."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = [w for group in (GOOD, BAD, NEUTRAL) for texts in group.values() for text in texts for w in (text, *text)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys([*special, *words, *letters]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ends)
    names = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **names).save_pretrained(folder)
    torch.manual_seed(5)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=128, **shape)).save_pretrained(folder)
