"""year.yaml -> the shifts of each month, and how many texts are predicted and labelled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from satiety.core.section import FIELDS, MAX_COUNT, Section, Seed, read_yaml

FILE = Path(__file__).with_name("year.yaml")
Share = Annotated[float, Field(ge=0, le=1)]


class Shift(BaseModel):
    """A change of the texts that lasts for some months."""

    model_config = FIELDS

    first: int = Field(ge=1)
    last: int = Field(ge=1)
    """Months, both included."""

    @model_validator(mode="after")
    def _check_months(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"last: month {self.last} is before the first, {self.first}")
        return self


class Opening(Shift):
    """Every text begins alike."""

    kind: Literal["opening"]
    opening: str


class LabelMixShift(Shift):
    """Labels have other shares."""

    kind: Literal["labels"]
    shares: dict[str, Share]
    """Of each label; together 1."""

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if abs(sum(self.shares.values()) - 1) > 1e-9:
            raise ValueError(f"shares: together {sum(self.shares.values()):g}; make it 1")
        return self


class VocabularyShift(Shift):
    """Made-up words stand for common ones, each for the same one all year."""

    kind: Literal["vocabulary"]
    shares: list[Share]
    """Share of the texts that are written so, month by month."""
    spared: int = Field(ge=0, le=MAX_COUNT)
    """The commonest words, which stay as they are."""
    commonest: int = Field(ge=1, le=MAX_COUNT)
    """Of so many words after those, ``replaced`` get another name."""
    replaced: int = Field(ge=1, le=MAX_COUNT)

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if len(self.shares) != self.last - self.first + 1:
            raise ValueError(f"shares: {len(self.shares)} for months {self.first} to {self.last}; give one for each")
        return self


class Year(Section):
    """The shifts of a year, and how many texts and labels each month has."""

    seed: Seed
    months: int = Field(ge=1, le=1200)
    texts: int = Field(ge=50, le=MAX_COUNT)
    """Texts that the model predicts in a month."""
    judged: int = Field(ge=1, le=MAX_COUNT)
    """Other texts of the month, on which the true score is measured."""
    drawn: int = Field(ge=0, le=MAX_COUNT)
    """Randomly drawn answers of a month, which people label."""
    every: int = Field(ge=1)
    """Months between two retrainings by the clock."""
    shifts: list[Annotated[Opening | LabelMixShift | VocabularyShift, Field(discriminator="kind")]]
    params: dict[str, Any]
    """``block.field`` -> what stands there in the copy's params.yaml."""

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if self.drawn > self.texts:
            raise ValueError(f"drawn: {self.drawn} answers cannot be drawn where {self.texts} are given")
        return self

    @classmethod
    def read(cls, path: Path = FILE) -> Self:
        """Read the file; raise one ParamsError that names every wrong line of it."""
        return cls.check(path, read_yaml(path))
