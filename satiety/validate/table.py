"""A table of records with the inputs of its features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from satiety.core.normalization import normalise
from satiety.core.records import Document, Example

if TYPE_CHECKING:
    from satiety.problems.base import Problem
    from satiety.validate import Validate

UNKNOWN = "und"
"""Language code of undetermined texts."""
R = TypeVar("R", Example, Document)


@dataclass(frozen=True)
class Table(Generic[R]):
    """Rows of one kind, with their problem and the held-out examples."""

    kind: type[R]
    rows: Sequence[R]
    problem: Problem
    params: Validate
    held_out: Sequence[Example] = ()
    """Examples of dev and test."""

    @cached_property
    def texts(self) -> list[str]:
        """The texts, in order of row."""
        return [row.text for row in self.rows]

    @cached_property
    def normal_texts(self) -> list[str]:
        """The normalised texts, for comparing duplicates."""
        return [normalise(text) for text in self.texts]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The problem's label set; empty if it has none."""
        return tuple(self.problem.model_dump().get("labels") or ())

    @cached_property
    def label_names(self) -> dict[str, str]:
        """Label -> display name, for labels that have one."""
        return dict(self.problem.model_dump().get("names") or {})

    @cached_property
    def examples(self) -> list[Example]:
        """The rows that are labelled examples."""
        rows: Sequence[Example | Document] = self.rows
        return [row for row in rows if isinstance(row, Example)]

    @cached_property
    def single_labels(self) -> list[str | None]:
        """The label of each example of a categorical problem; otherwise None."""
        answers = [row.answer for row in self.examples]
        return [answer.labels[0] if self.problem.categorical and answer else None for answer in answers]

    @cached_property
    def has_test(self) -> bool:
        """Whether ingest drew a test; without one, every label is scored out of fold."""
        return any(example.split == "test" for example in self.held_out)

    def parameters(self) -> dict[str, Any]:
        """Return the ``$PARAMETER`` values: the fields of problem and stage, ``languages`` and ``splits``.

        ``languages`` is a list of the most common one; ``splits`` are those that need examples.
        """
        language_counts = Counter(row.language for row in self.rows if row.language not in {"", UNKNOWN})
        commonest = [language for language, _ in language_counts.most_common(1)]
        splits = ["train", "test"] if self.has_test else ["train"]
        fields = {**self.problem.model_dump(exclude={"kind"}), **self.params.model_dump()}
        return {**fields, "languages": commonest, "splits": splits}


Feature = Callable[[Table[Any]], Sequence[Any]]
"""A table -> one value per row."""
