"""The blocks `levers`, `use` and `measure` of params.yaml: every lever under its name, and who draws on which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from satiety.core.active_levers import BLOCKS, STAGE_KINDS, select_levers
from satiety.core.project import Pooling
from satiety.core.section import Section, SectionSource, Seed, suggest
from satiety.levers.base import LEVERS, Lever

RegisteredLever = Annotated[Lever, LEVERS.choice()]
LeverName = Annotated[str, Field(pattern=r"^[\w-]{1,40}$")]
"""Letters, digits, dash and underscore; names of several levers are joined by other signs."""
BASELINE_NAME = "plain"
"""What reports call no lever at all."""
MAX_MEASURED = 6
"""Levers, for all their combinations are measured."""


class Selection(Section):
    """Which levers there are, which of them the pipeline uses, and which the meter measures."""

    levers: dict[LeverName, SerializeAsAny[RegisteredLever]] = Field(default_factory=dict)
    """Data techniques, each under a name of your own: `satiety list lever`. Several may be of one kind."""
    use: list[str] = Field(default_factory=list)
    """Names of those that the pipeline draws on. Follow the meter's advice by moving a name."""
    measure: list[str] = Field(default_factory=list, max_length=MAX_MEASURED)
    """Names of those that the meter measures, alone and in every combination; none: the curve and its forecast only."""

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
            raise ValueError(f"{BASELINE_NAME!r} is what reports call no lever at all; take another name")
        return levers

    @field_validator("use", "measure")
    @classmethod
    def _check_levers(cls, names: list[str], info: ValidationInfo) -> list[str]:
        levers = info.data.get("levers")
        if levers is None:
            return names  # what is wrong with them is said already
        for name in names:
            if name not in levers:
                known_names = ", ".join(levers) or "none"
                raise ValueError(f"no lever is called {name!r}; {suggest(name, levers)}there are: {known_names}")
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(repeated)} is named twice")
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
                raise ValueError(f"{' and '.join(alike)} are both of kind {kind}; the pipeline takes one")
        levers_in_use = {name: levers[name] for name in names if name in levers}
        document_readers = [
            name for name, lever in levers_in_use.items() if lever.uses_documents or lever.kind == "pretrain"
        ]
        if document_readers and not any(lever.kind == "retrieve" for lever in levers_in_use.values()):
            raise ValueError(
                f"{document_readers[0]} reads raw text, and there is none: name a lever of kind retrieve here, too"
            )
        return names


class Augmentation(Section):
    """The levers in use that the stage `augment` applies: those of kind `augment`, and those of kinds of your own."""

    seed: Seed
    """Of what levers of your own draw, and of the heads that answer for them."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which what they add repeats a dev or test text, and goes."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window of what is answered for them; a longer text is read in several."""
    prefix: str
    """Before every text that is embedded or answered for them."""
    pooling: Pooling
    """How the tokens of a text that is answered for them become one vector."""
    levers: dict[str, SerializeAsAny[RegisteredLever]]
    """By name; none: the examples pass as they are."""

    @classmethod
    def key(cls) -> str:
        return "augment"

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return BLOCKS

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return what the file says of the levers in use that no other stage applies."""
        levers = {
            name: lever for name, lever in select_levers(values, "use").items() if not _is_applied_elsewhere(lever)
        }
        return SectionSource({"levers": levers}, {(): ("use",), ("levers",): ("levers",)})

    @property
    def custom_levers(self) -> dict[str, Lever]:
        """The levers of kinds of your own, by name."""
        return {name: lever for name, lever in self.levers.items() if lever.kind not in STAGE_KINDS}

    @model_validator(mode="after")
    def _check_pipeline(self) -> Self:
        for name, lever in self.levers.items():
            if refusal := explain_unusable(name, lever):
                raise ValueError(refusal)
        return self


def explain_unusable(name: str, lever: Lever) -> str | None:
    """Return why the pipeline cannot use a lever, in one sentence; None where it can."""
    is_builtin = lever.kind in STAGE_KINDS
    if not is_builtin and lever.has_input_transform:
        return (
            f"{name} is of kind {lever.kind}, which changes the raw texts or the encoder: it can be measured; in the "
            "pipeline a `retriever` of your own (of a lever of kind retrieve) or a `pretrainer` (of one of kind "
            "pretrain) does that"
        )
    if not lever.max_in_use or not (is_builtin or lever.has_train_transform):
        return f"{name} is of kind {lever.kind}, of which the pipeline has no use; it can be measured"
    return None


def _is_applied_elsewhere(lever: Any) -> bool:
    """Return whether another stage applies what the file says of a lever."""
    kind = lever.get("kind") if isinstance(lever, Mapping) else None
    return kind in STAGE_KINDS and kind != Augmentation.key()
