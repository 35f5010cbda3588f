"""Texts made of label names, such as "This sentence is about sports.", as examples of their labels.

Source: `get_templated_dataset` of the library of Tunstall et al. 2022, SetFit (arXiv:2209.11055). There one template
makes the same text several times; here several templates make different ones, each of them once per label.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from satiety.levers.augment.base import AUGMENTERS, Augmenter, Passage
from satiety.levers.augment.word_edits import is_cjk
from satiety.problems.base import Rewrite

if TYPE_CHECKING:
    from satiety.problems.base import Problem

SLOT = "{}"
ENGLISH = (
    "{}",
    "This sentence is {}",
    "This text is about {}.",
    "The topic is {}.",
    "It is about {}.",
    "An example of {}",
    "Category: {}",
    "A message about {}",
)
CHINESE = (
    "{}",
    "这句话是{}",
    "这段文字与{}有关。",
    "主题是{}。",
    "说的是{}。",
    "{}的例子",
    "类别：{}",
    "一条关于{}的消息",
)


def _check_template(template: str) -> str:
    if SLOT not in template:
        raise ValueError("has no {}, which stands for the name of a label: write it as in 'This sentence is {}'")
    return template


@AUGMENTERS.register("template")
class LabelTemplate(Augmenter):
    """Add texts made of the names of labels; each is the copy of one training example with that label."""

    reads_labels: ClassVar = True

    count: int = Field(ge=1, le=1000, default=8)
    """Number of texts per label, or as many as there are templates. SetFit's default is 2."""
    templates: list[Annotated[str, AfterValidator(_check_template)]] | None = Field(min_length=1, default=None)
    """Texts in which ``{}`` stands for the name of a label. null uses eight English ones, or eight Chinese ones for a
    name with Chinese characters."""

    def refusals(self, problem: Problem) -> list[str]:
        if not problem.categorical or len(problem.inputs) > 1 or problem.list_inputs:
            return [f"'template' needs a problem of one text whose answer is one label of a set, not {problem.kind!r}"]
        if problem.label_set and not any(problem.label_names()):
            return [f"'template' needs labels with names: set `names` of the problem {problem.kind!r}"]
        return []

    def augment(self, passages: Sequence[Passage]) -> Iterator[list[Rewrite]]:
        members: dict[str, list[Passage]] = defaultdict(list)
        for passage in sorted(passages, key=lambda passage: passage.seed):
            for name in passage.names:
                members[name].append(passage)

        # the texts of a label are dealt out to its examples in turn, whatever the order of these
        texts: dict[str, list[str]] = defaultdict(list)
        for name, owners in members.items():
            for i, text in enumerate(self._fill(name, random.Random(owners[0].seed))):
                texts[owners[i % len(owners)].seed].append(text)
        for passage in passages:
            yield [Rewrite(text) for text in texts[passage.seed] if text != passage.text]

    def _fill(self, name: str, rng: random.Random) -> list[str]:
        """Return different texts with the name of a label."""
        words = " ".join(name.replace("_", " ").split())
        templates = self.templates or (CHINESE if any(map(is_cjk, words)) else ENGLISH)
        texts = list(dict.fromkeys(template.replace(SLOT, words).strip() for template in templates))
        return rng.sample(texts, min(self.count, len(texts)))
