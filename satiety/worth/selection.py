"""Sections `levers`, `use` and `measure` of params.yaml: all levers by name, and where each is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from satiety.core.active_levers import BLOCKS, STAGE_KINDS, select_levers
from satiety.core.project import Pooling
from satiety.core.section import Section, SectionSource, Seed, suggest
from satiety.levers.base import LEVERS, Lever

if TYPE_CHECKING:
    from satiety.problems import Problem

RegisteredLever = Annotated[Lever, LEVERS.choice()]
LeverName = Annotated[str, Field(pattern=r"^[\w-]{1,40}$")]
"""Letters, digits, dash and underscore; reports join names with other characters."""
BASELINE_NAME = "baseline"
"""Name of the baseline in reports."""
MAX_MEASURED = 6
"""Largest number of measured levers, since all combinations are measured."""


class Selection(Section):
    """Levers, those used by the pipeline, and those measured by the meter."""

    levers: dict[LeverName, SerializeAsAny[RegisteredLever]] = Field(default_factory=dict)
    """Data techniques by name (kinds: `satiety list lever`). Several may have the same kind."""
    use: list[str] = Field(default_factory=list)
    """Names of levers used by the pipeline. To follow the meter's advice, add or remove names here."""
    measure: list[str] = Field(default_factory=list, max_length=MAX_MEASURED)
    """Names of levers to measure, alone and in every combination; empty: learning curve and forecast only."""

    @classmethod
    def key(cls) -> str:
        return "levers"

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return ("levers", "use", "measure")

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        return SectionSource({name: values[name] for name in cls.blocks() if values.get(name) is not None}, {(): ()})

    @field_validator("levers")
    @classmethod
    def _check_names(cls, levers: dict[str, Lever]) -> dict[str, Lever]:
        if BASELINE_NAME in levers:
            raise ValueError(f"{BASELINE_NAME!r} is the name of the baseline in reports; choose another name")
        return levers

    @field_validator("use", "measure")
    @classmethod
    def _check_levers(cls, names: list[str], info: ValidationInfo) -> list[str]:
        levers = info.data.get("levers")
        if levers is None:
            return names  # `levers` is invalid and reported already
        for name in names:
            if name not in levers:
                if name in LEVERS and not LEVERS[name].max_in_use:
                    raise ValueError(f"{name} is a control; controls cannot be used, `worth.controls` measures them")
                known_names = ", ".join(levers) or "none"
                raise ValueError(
                    f"unknown lever {name!r}; {suggest(name, levers)}defined under `levers`: {known_names}"
                )
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"listed more than once: {', '.join(repeated)}")
        return names

    @field_validator("use")
    @classmethod
    def _check_pipeline(cls, names: list[str], info: ValidationInfo) -> list[str]:
        levers: Mapping[str, Lever] = info.data.get("levers") or {}
        for kind, count in Counter(levers[name].kind for name in names if name in levers).items():
            alike = [name for name in names if levers[name].kind == kind]
            if refusal := explain_unusable(alike[0], levers[alike[0]]):
                raise ValueError(refusal)
            if count > LEVERS[kind].max_in_use:
                raise ValueError(f"{' and '.join(alike)} are both of kind {kind}, but the pipeline can use only one")
        levers_in_use = {name: levers[name] for name in names if name in levers}
        document_readers = [
            name for name, lever in levers_in_use.items() if lever.uses_documents or lever.kind == "pretrain"
        ]
        if document_readers and not any(lever.kind == "retrieve" for lever in levers_in_use.values()):
            raise ValueError(f"{document_readers[0]} needs documents: add a lever of kind retrieve to `use`")
        return names

    def list_refusals(self, problem: Problem) -> list[str]:
        """Return ``levers.<name>.<field>: reason`` where a lever, used or measured, does not support the problem."""
        names = dict.fromkeys([*self.use, *self.measure])
        return [f"levers.{name}.{reason}" for name in names for reason in self.levers[name].refusals(problem)]


class Augmentation(Section):
    """Levers in `use` that the stage `augment` applies: those of kind `augment`, and custom ones."""

    seed: Seed
    """Random seed of custom levers and of the heads they predict with."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates; added texts like
    a validation or test text are dropped."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window, including prefix and special tokens; longer texts are split into several windows."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""
    pooling: Pooling
    """Pooling of token vectors into a text vector: ``mean`` of all, or the ``first`` (BERT's [CLS])."""
    levers: dict[str, SerializeAsAny[RegisteredLever]]
    """Levers by name; empty: the examples are unchanged."""

    @classmethod
    def key(cls) -> str:
        return "augment"

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return BLOCKS

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return the levers in `use` that no other stage applies."""
        levers = {
            name: lever for name, lever in select_levers(values, "use").items() if not _is_applied_elsewhere(lever)
        }
        return SectionSource({"levers": levers}, {(): ("use",), ("levers",): ("levers",)})

    @property
    def custom_levers(self) -> dict[str, Lever]:
        """Custom levers by name."""
        return {name: lever for name, lever in self.levers.items() if lever.kind not in STAGE_KINDS}

    @model_validator(mode="after")
    def _check_pipeline(self) -> Self:
        for name, lever in self.levers.items():
            if refusal := explain_unusable(name, lever):
                raise ValueError(refusal)
        return self


def explain_unusable(name: str, lever: Lever) -> str | None:
    """Return one sentence on why the pipeline cannot use a lever; None where it can."""
    is_builtin = lever.kind in STAGE_KINDS
    if not is_builtin and lever.has_input_transform:
        return (
            f"{name} is of kind {lever.kind}, which changes documents or encoder and can only be measured; for the "
            "pipeline, write a custom `retriever` (lever of kind retrieve) or `pretrainer` (lever of kind pretrain)"
        )
    if not lever.max_in_use or not (is_builtin or lever.has_train_transform):
        return f"{name} is of kind {lever.kind}, which the pipeline cannot use; it can only be measured"
    return None


def _is_applied_elsewhere(lever: Any) -> bool:
    """Return whether another stage applies a lever, given its section in params.yaml."""
    kind = lever.get("kind") if isinstance(lever, Mapping) else None
    return kind in STAGE_KINDS and kind != Augmentation.key()
