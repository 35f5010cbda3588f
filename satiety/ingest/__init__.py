"""Sources -> labelled examples in train, dev and test, and a corpus without labels.

    load ─▶ repair ─▶ mask ─▶ drop conflicts and twins ─▶ tell languages ─▶ split ─▶ take the labels off what is left

Nothing is lost: every row that was read is an example, a document, or rejected with its reason.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from satiety.core.asset import Asset
from satiety.core.records import Destination
from satiety.core.section import MAX_COUNT, Section, Seed
from satiety.ingest.base import READERS, Limits, Reader
from satiety.problems.base import PROBLEMS, Problem
from satiety.text.masking import Kind


class Source(Asset):
    """One source of texts: where it is, how it is read, what its columns are called."""

    reader: SerializeAsAny[Annotated[Reader, READERS.choice()]]
    """The format."""
    columns: dict[str, str | int] = Field(default_factory=dict)
    """Our name -> the file's: the problem's inputs and answer, as ``text`` and ``label``, and ``group``; by name, by
    index, or by path into JSON."""


class LabelledSource(Source):
    """A source of labelled texts."""

    split: Destination | None = None
    """Null: divided by us. Else every row of it is for this split alone: for data that comes divided. ``added``: every
    row is for train, beside the budget: labels that came later, and leave everybody else where they are."""


class Ingest(Section):
    """What goes in, and how it is divided."""

    seed: Seed
    """Decides who is in test, dev and train, together with each text's own digest: new data moves few of the old."""
    problem: SerializeAsAny[Annotated[Problem, PROBLEMS.choice()]]
    """What is asked of the text."""
    labelled: list[LabelledSource] = Field(min_length=1)
    """Where labels come from."""
    corpus: list[Source] = Field(default_factory=list)
    """Where raw text comes from; labelled texts beyond the budget join it without their labels."""
    base: Asset
    """The model to start from: a folder with safetensors."""
    budget: int = Field(ge=2, le=MAX_COUNT)
    """Labels that may be spent, those of dev included; those of ``added`` sources are spent beside."""
    dev: float = Field(gt=0, lt=1, default=0.2)
    """Share of the budget kept for early stopping."""
    test: int = Field(ge=1, le=MAX_COUNT, default=2000)
    """Labelled texts held out to measure with; they spend no budget."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are one. .8: Lee et al. 2022, arXiv:2107.06499."""
    group_similarity: float = Field(gt=0, le=1, default=0.65)
    """Similarity from which two labelled texts never straddle the split, though both are kept."""
    conflicts: Literal["drop", "majority"] = "drop"
    """Same text, two labels: all go, or the label that more than half of them have stays."""
    mask: list[Kind] = Field(default=["email", "id_card", "bank_card", "phone", "secret"])
    """Kinds of personal data, and secrets, that no file, log or model of ours shall hold; `<phone>` stands in place of
    one, in texts, labels and places alike. Only labels that are listed in this file stay as they are written here."""
    limits: Limits = Field(default_factory=Limits)
    """What a hostile or broken file may cost."""

    def assets(self) -> list[tuple[str, Asset]]:
        """Return every asset, with the name of the field that it stands in."""
        sources = [*(("labelled", source) for source in self.labelled), *(("corpus", source) for source in self.corpus)]
        return [*sources, ("base", self.base)]

    @field_validator("labelled")
    @classmethod
    def _check_labelled(cls, sources: list[LabelledSource], info: ValidationInfo) -> list[LabelledSource]:
        if "problem" in info.data:
            _check_columns(sources, info.data["problem"].columns)
        return sources

    @field_validator("corpus")
    @classmethod
    def _check_corpus(cls, sources: list[Source]) -> list[Source]:
        _check_columns(sources, ("text",))
        return sources


def _check_columns(sources: Sequence[Source], names: Sequence[str]) -> None:
    for source in sources:
        missing = [name for name in names if name not in {*source.columns, *source.reader.provided_columns}]
        if missing:
            raise ValueError(f"{source.uri}: `columns` does not say which column is: {', '.join(missing)}")
        if unknown := sorted(set(source.columns) - {*names, "group"}):
            raise ValueError(f"{source.uri}: `columns`: {unknown[0]!r} is none of: {', '.join((*names, 'group'))}")
