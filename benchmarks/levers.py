"""Speed of the levers: documents a second of every augmenter and of nlpaug by default; queries a second of BM25.

One thread, seeded, made-up English and Chinese texts; best of three each, in seconds of the processor (so that a busy
machine disturbs little), all in one run, so that the ratios hold.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import random
import time
from collections.abc import Callable
from typing import Any

from satiety.core.records import Document, Example
from satiety.levers.augment import AUGMENTERS
from satiety.levers.retrieve.scoring import search_by_words

ENGLISH = "the a and film phone good bad battery actor story really never boring great price screen love hate again"
CHINESE = "的 了 电影 手机 好看 无聊 演员 故事 价格 屏幕 喜欢 讨厌 真的 再也 不会 电池 服务 态度 房间 非常"
TEXTS = 400
CORPUS = 20_000
QUERIES = 500


def texts(language: str, count: int, rng: random.Random) -> list[str]:
    """Return made-up texts of 8 to 24 words."""
    vocabulary, space = (CHINESE, "") if language == "zh" else (ENGLISH, " ")
    return [space.join(rng.choices(vocabulary.split(), k=rng.randint(8, 24))) for _ in range(count)]


def best(work: Callable[[], int]) -> float:
    """Return the largest of three rates, after one run to warm up; 0 where ``work``, which counts, did nothing."""
    work()
    rates = []
    for _ in range(3):
        clock = time.process_time()
        count = work()
        rates.append(count / (time.process_time() - clock))
    return max(rates)


def make_our_work(kind: str, language: str) -> Callable[[], int]:
    """Return work: one copy of each text by our augmenter."""
    augmenter = AUGMENTERS[kind].sample().model_copy(update={"copies": 1})
    sample_texts = texts(language, TEXTS, random.Random(1))

    def work() -> int:
        copies = [len(list(augmenter.rewrite(text, language, random.Random(i)))) for i, text in enumerate(sample_texts)]
        return len(sample_texts) if any(copies) else 0

    return work


def make_nlpaug_work(maker: Callable[..., Any], **options: Any) -> Callable[[], int]:
    """Return work: one copy of each English text by nlpaug as it comes."""
    augmenter = maker(**options)
    sample_texts = texts("en", TEXTS, random.Random(1))
    return lambda: len([augmenter.augment(text) for text in sample_texts])


def time_search(strata: int) -> float:
    """Return the seconds that BM25 takes to read and index a corpus and to score all of it for each stratum."""
    rng = random.Random(2)
    corpus = [Document(f"d{i}", text) for i, text in enumerate(texts("en", CORPUS, rng))]
    queries = {f"s{i}": [Example("t", {"text": text})] for i, text in enumerate(texts("en", strata, rng))}

    def work() -> int:
        search_by_words(corpus, queries, 100, k1=1.2, b=0.75)
        return 1

    return 1 / best(work)


def main() -> None:
    """Print the tables."""
    from nlpaug.augmenter.char import KeyboardAug, RandomCharAug
    from nlpaug.augmenter.word import RandomWordAug, SpellingAug

    print(f"{'augmenter':14}{'English/s':>14}{'Chinese/s':>14}{'nlpaug/s':>14}   (-: makes none, or is not nlpaug's)")
    peers = {
        "keyboard": make_nlpaug_work(KeyboardAug),
        "char_swap": make_nlpaug_work(RandomCharAug, action="swap"),
        "spelling": make_nlpaug_work(SpellingAug),
        "swap": make_nlpaug_work(RandomWordAug, action="swap"),
        "drop": make_nlpaug_work(RandomWordAug, action="delete"),
    }
    for kind in AUGMENTERS:
        rates = [
            best(make_our_work(kind, "en")),
            best(make_our_work(kind, "zh")),
            best(peers[kind]) if kind in peers else 0,
        ]
        print(f"{kind:14}" + "".join(f"{f'{rate:,.0f}' if rate else '-':>14}" for rate in rates))
    base_seconds, total_seconds = time_search(1), time_search(1 + QUERIES)
    print(f"\nBM25: {CORPUS / base_seconds:,.0f} documents/s read, indexed and searched once;", end=" ")
    print(f"{QUERIES / (total_seconds - base_seconds):,.0f} more queries/s over {CORPUS:,} documents")


if __name__ == "__main__":
    main()
