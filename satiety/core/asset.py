"""One source of data, or of a model, as it is named in params.yaml; how it is read, `assets.py` knows."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, Field, field_validator

from satiety.core.secrets import find_secrets, replace_secrets
from satiety.core.section import FIELDS

COMMIT = re.compile(r"(?P<kind>datasets/)?(?P<name>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})(?:/(?P<path>.+))?")


class Asset(BaseModel):
    """One source, and what pins it."""

    model_config = FIELDS

    uri: str
    """Where it is. A name in braces, as ``{BOB_PASSWORD}``, stands for what the environment holds when it is read."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Digest of the file or the folder. ``file:`` and ``hf:`` need none, for they are pinned otherwise; one that is
    given is checked all the same."""

    @field_validator("sha256", mode="before")
    @classmethod
    def _check_quotes(cls, digest: Any) -> Any:
        if isinstance(digest, int | float):
            raise ValueError("YAML reads these digits as a number; put them in quotes")
        return digest

    @field_validator("uri")
    @classmethod
    def _check_uri(cls, uri: str) -> str:
        scheme, _, location = uri.partition(":")
        if not location:
            raise ValueError("there is no scheme; write file:, package:, hf:org/name@commit, or a URL")
        if scheme == "hf" and not COMMIT.fullmatch(location):
            raise ValueError("pin a commit, 40 hex digits: hf:org/name@commit")
        if "${" in uri:
            raise ValueError("DVC's experiments take ${…} for their own; write {NAME}, without the dollar sign")
        if find_secrets(uri):
            raise ValueError(
                "a secret stands in it, which DVC would copy into dvc.lock and its cache; keep it in an environment "
                f"variable, and write that one's name in braces, as in {replace_secrets(uri)}"
            )
        return uri
