"""How a stream is monitored: the values that decide what is a surge."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, field_validator, model_validator

from satiety.core.section import FIELDS

DAY = 1440
"""Minutes."""


class BaselineParams(BaseModel):
    """How what is normal is learned."""

    model_config = FIELDS

    history: int = Field(ge=2, le=104)
    """Weeks that are remembered."""
    learning: int = Field(ge=2, le=52)
    """Weeks before anything is judged."""
    strength: float = Field(gt=0, le=1e6)
    """Texts that speak for "as ever" in each factor of the season and in the level; more learn more slowly."""
    memory: float = Field(gt=0, le=1e6)
    """Windows after which the past counts half in the level."""
    outlier: float = Field(gt=0, lt=0.1)
    """Share of windows whose counts are pulled in before they are learned from."""

    @model_validator(mode="after")
    def _check_history(self) -> BaselineParams:
        if self.history < self.learning:
            raise ValueError(f"`history` ({self.history}) must be `learning` ({self.learning}) or more weeks")
        return self


class StreamParams(BaseModel):
    """What is counted, and when it is a surge."""

    model_config = FIELDS

    topics: dict[str, list[str]] = Field(min_length=1, max_length=100)
    """Topic -> words or phrases, of which one makes a text be about it; in any language, upper or lower case."""
    negative: list[str] = Field(min_length=1)
    """Labels of the model that are negative opinion."""
    timezone: str
    """Whose days and hours the season has: `America/New_York`, `Asia/Shanghai`, `UTC`."""
    minutes: int = Field(ge=1, le=DAY)
    """Length of a window; days are whole windows, and one begins at midnight in UTC."""
    rate: float = Field(gt=0, lt=0.5)
    """False alarms per window, over all topics together."""
    share: float = Field(gt=0, lt=0.5)
    """Chance at most that texts of a share, the usual one or ``mostly``, are so negative: then theirs is above it."""
    mostly: float = Field(gt=0, lt=1)
    """Share of negative texts among those beyond expectation, above which they are a surge whatever is usual."""
    least: int = Field(ge=1)
    """Negative texts of a surge, at least."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Of the intervals of shares that the page shows."""
    model: BaselineParams

    @field_validator("topics")
    @classmethod
    def _check_topics(cls, topics: dict[str, list[str]]) -> dict[str, list[str]]:
        for name, words in topics.items():
            if not name.strip() or not words or not all(word.strip() for word in words):
                raise ValueError(f"topic {name!r} needs a name, and words that are not empty")
        return topics

    @field_validator("minutes")
    @classmethod
    def _check_minutes(cls, minutes: int) -> int:
        if DAY % minutes:
            raise ValueError(f"a day ({DAY} minutes) must be whole windows")
        return minutes

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone; names are those of the IANA database") from None
        return name
