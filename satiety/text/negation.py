"""Words that no random edit may drop or move: negations and numbers, in English and Chinese.

"not good" without "not" keeps its label and loses its meaning; in Chinese the same edit is one character ("不舒服" to
"舒服"). A word too many in these lists costs one edit less.
"""

from __future__ import annotations

import re

_ENGLISH = """
no not never none nobody nothing nowhere neither nor without cannot hardly barely scarcely seldom rarely
nope nay minus dont cant wont isnt arent wasnt werent doesnt didnt hasnt havent hadnt couldnt wouldnt shouldnt aint
neednt mustnt darent shant mightnt
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion dozen
half double triple twice once first second third fourth fifth sixth seventh eighth ninth tenth
"""
ENGLISH = frozenset(_ENGLISH.split())
"""Negations, also without their apostrophe, and numbers in words."""
CHINESE_NEGATIONS = frozenset("不没沒無无未勿莫毋甭")
"""Characters that negate, alone or in a word such as 没有."""
CHINESE_WORDS = frozenset(["别", "別", "非", "否", "并非"])
"""Words that negate only as a whole: 特别 and 非常 do not."""
CHINESE_NUMBERS = "零〇一二两兩三四五六七八九十百千万萬亿億半第"
_CONTRACTION = re.compile(r"n['’]t$", re.IGNORECASE)


def is_negation_or_number(word: str) -> bool:
    """Return whether a word negates or counts, so that a text without it says something else."""
    return (
        word.lower() in ENGLISH
        or word in CHINESE_WORDS
        or bool(_CONTRACTION.search(word))
        or not CHINESE_NEGATIONS.isdisjoint(word)
        or word.startswith(tuple(CHINESE_NUMBERS))
        or word[:1].isdigit()
    )
