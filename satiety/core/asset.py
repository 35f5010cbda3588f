"""One data or model source of params.yaml. `satiety.ingest.assets` reads it."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, Field, field_validator

from satiety.core.secrets import find_secrets, replace_secrets
from satiety.core.section import FIELDS

COMMIT = re.compile(r"(?P<kind>datasets/)?(?P<name>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})(?:/(?P<path>.+))?")


class Asset(BaseModel):
    """One source and its pin."""

    model_config = FIELDS

    uri: str
    """Address. A name in braces, such as ``{BOB_PASSWORD}``, is replaced by that environment variable at read time."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the file or folder. Optional for ``file:`` and ``hf:``, which are pinned otherwise; checked if set."""

    @field_validator("sha256", mode="before")
    @classmethod
    def _check_quotes(cls, digest: Any) -> Any:
        if isinstance(digest, int | float):
            raise ValueError("put the digest in quotes: YAML reads these digits as a number")
        return digest

    @field_validator("uri")
    @classmethod
    def _check_uri(cls, uri: str) -> str:
        scheme, _, location = uri.partition(":")
        if not location:
            raise ValueError("the scheme is missing; write file:, package:, hf:org/name@commit, or a URL")
        if scheme == "hf" and not COMMIT.fullmatch(location):
            raise ValueError("pin a commit of 40 hex digits: hf:org/name@commit")
        if "${" in uri:
            raise ValueError("write {NAME} without the dollar sign: `dvc exp run` expands ${…}")
        if find_secrets(uri):
            raise ValueError(
                "the address contains a secret, which DVC would copy into dvc.lock and its cache; put the secret into "
                f"an environment variable and write the name in braces: {replace_secrets(uri)}"
            )
        return uri
