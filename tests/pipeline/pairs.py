"""English sentences and their Chinese translations, from a small grammar with another word order per language."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path

from tests.generating import write_writer

NUMBERS = {
    "two": "两",
    "three": "三",
    "four": "四",
    "five": "五",
    "six": "六",
    "seven": "七",
    "eight": "八",
    "nine": "九",
}
ADJECTIVES = {
    "old": "老",
    "young": "年轻",
    "tired": "疲惫",
    "clever": "聪明",
    "quiet": "安静",
    "hungry": "饥饿",
    "brave": "勇敢",
}
PEOPLE = {
    "teachers": "老师",
    "doctors": "医生",
    "farmers": "农民",
    "students": "学生",
    "soldiers": "士兵",
    "painters": "画家",
    "drivers": "司机",
}
ACTIONS = {
    "read books": "看书",
    "drink tea": "喝茶",
    "sing songs": "唱歌",
    "write letters": "写信",
    "sell fruit": "卖水果",
    "play chess": "下棋",
    "cook dinner": "做饭",
}
PLACES = {
    "in the garden": "花园里",
    "at the station": "车站",
    "by the river": "河边",
    "in the kitchen": "厨房里",
    "at the market": "市场",
    "on the mountain": "山上",
    "near the bridge": "桥边",
}
DAYS = {"today": "今天", "yesterday": "昨天", "every morning": "每天早上", "at night": "夜里", "on Sunday": "星期天"}
PARTS = (NUMBERS, ADJECTIVES, PEOPLE, ACTIONS, PLACES, DAYS)


def draw_pair(draw: random.Random) -> tuple[str, str]:
    """Return a pair like "Two old teachers read books in the garden today." and "今天两个老的老师在花园里看书。"."""
    number, kind, people, doing, place, day = ((phrase := draw.choice(list(part)), part[phrase]) for part in PARTS)
    english = f"{number[0]} {kind[0]} {people[0]} {doing[0]} {place[0]} {day[0]}."
    chinese = f"{day[1]}{number[1]}个{kind[1]}的{people[1]}在{place[1]}{doing[1]}。"
    return english[0].upper() + english[1:], chinese


def write_pairs(path: Path, count: int, columns: Sequence[str]) -> None:
    """Write a table of distinct pairs; every second one translates from Chinese into English."""
    draw = random.Random(7)
    pairs = dict.fromkeys(draw_pair(draw) for _ in range(2 * count))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(texts if i % 2 else texts[::-1] for i, texts in enumerate(list(pairs)[:count]))


def write_base(folder: Path) -> None:
    """Write a random T5 with two encoder and two decoder layers, and a tokenizer with the words of the grammar."""
    english = [f"▁{word}" for part in PARTS for phrase in part for word in phrase.split()]
    english += [f"▁{number.capitalize()}" for number in NUMBERS]
    chinese = [character for part in PARTS for phrase in part.values() for character in phrase]
    letters = "abcdefghijklmnopqrstuvwxyz"
    write_writer(
        folder, "t5", [*english, *chinese, *"个的在。.▁", *letters], d_model=64, d_kv=16, d_ff=128, num_heads=4
    )
