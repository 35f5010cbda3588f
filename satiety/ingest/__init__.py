"""Sources -> labelled examples in train, dev and test, and a corpus without labels.

    load ─▶ repair ─▶ mask ─▶ drop conflicts and duplicates ─▶ identify languages ─▶ split ─▶ remove unused labels

Every row becomes an example, a document, or a rejection with its reason.
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

DEV_SHARE = 0.2
"""Share of the budget for dev where a source is for dev and `dev` is 0."""


class Source(Asset):
    """One source of texts: its address, its format and its columns."""

    reader: SerializeAsAny[Annotated[Reader, READERS.choice()]]
    """File format."""
    columns: dict[str, str | int] = Field(default_factory=dict)
    """Field -> column of the file, as a name, an index, or a path into JSON. Fields: the problem's inputs and answer,
    such as ``text`` and ``label``, and ``group``."""


class LabelledSource(Source):
    """A source of labelled texts."""

    split: Destination | None = None
    """Null: split at random. Otherwise all rows belong to this split, for data that is already split. ``extra``: all
    rows belong to train, outside the budget; other texts keep their split."""


class Ingest(Section):
    """Load, clean and split the data."""

    seed: Seed
    """Seed of the split. With each text's digest it assigns texts to splits, so that new data moves few old texts."""
    problem: SerializeAsAny[Annotated[Problem, PROBLEMS.choice()]]
    """Problem to solve: the type of inputs and answers."""
    labelled: list[LabelledSource] = Field(min_length=1)
    """Sources of labelled texts."""
    corpus: list[Source] = Field(default_factory=list)
    """Sources of raw texts; labelled texts beyond the budget are added without their labels."""
    base: Asset
    """Base model: a folder with safetensors weights."""
    budget: int = Field(ge=2, le=MAX_COUNT)
    """Number of labels for train and dev; ``extra`` sources do not count."""
    dev: float = Field(ge=0, lt=1, default=0)
    """Share of the budget for the dev split. ``auto`` needs none: it chooses by cross-validation. ``fine_tune`` uses it
    for early stopping. Where it is 0 and a source is for dev, it is 0.2."""
    test: Annotated[int, Field(ge=0, le=MAX_COUNT)] | Literal["auto"] = "auto"
    """Number of labelled texts in the test split; not part of the budget. ``auto``: 2,000, or as many as there are
    beyond the budget, but none where these are fewer than 200; a source for test is used either way. Without a test,
    the stage ``evaluate`` scores every label by a model that has not seen it."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates. Source of 0.8: Lee et al.
    2022, arXiv:2107.06499."""
    group_similarity: float = Field(gt=0, le=1, default=0.65)
    """Labelled texts at least this similar stay in the same split."""
    conflicts: Literal["drop", "majority"] = "drop"
    """Policy for texts with several labels: drop all rows, or keep the label of more than half of them."""
    mask: list[Kind] = Field(default=["email", "id_card", "bank_card", "phone", "secret"])
    """Kinds of personal data and secrets to replace by ``<phone>``, ``<email>``, … in texts, labels and row locations.
    Labels listed in this file are kept as written."""
    limits: Limits = Field(default_factory=Limits)
    """Limits on the size of files and rows."""

    @property
    def dev_share(self) -> float:
        """Share of the budget for dev, as it is used."""
        return self.dev or (DEV_SHARE if any(source.split == "dev" for source in self.labelled) else 0)

    def assets(self) -> list[tuple[str, Asset]]:
        """Return every asset with the name of its field."""
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
            raise ValueError(f"{source.uri}: `columns` must also map: {', '.join(missing)}")
        if unknown := sorted(set(source.columns) - {*names, "group"}):
            allowed = ", ".join((*names, "group"))
            raise ValueError(f"{source.uri}: `columns`: unknown field {unknown[0]!r}; available: {allowed}")
