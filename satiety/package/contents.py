"""Files allowed in a package, their size limits, and the digest that identifies the model."""

import json
from collections.abc import Mapping
from pathlib import Path

from satiety.core.files import digest

MODEL = "model"
SIGNATURE = "signature.json"
EXAMPLE = "input_example.json"
PREDICTIONS = "predictions.parquet"
SCORES = "scores.json"
FACTS = "facts.json"
CARD = "README.md"
MANIFEST = "manifest.json"
PARTS = (SIGNATURE, EXAMPLE, PREDICTIONS, SCORES, FACTS, CARD)
"""Files allowed beside the manifest and the folder of the model."""
LIMITS = {".json": 2**26, ".md": 2**20, ".parquet": 2**31, ".safetensors": 2**36, ".txt": 2**26}
"""Allowed file types with their maximum size in bytes; none of them can run code."""


def manifest_text(files: Mapping[str, str]) -> str:
    """Return the text of ``manifest.json`` for files given as {path: SHA-256}."""
    value = {"version": 1, "digest": compute_digest(files), "files": dict(sorted(files.items()))}
    return json.dumps(value, indent=2) + "\n"


def compute_digest(files: Mapping[str, str]) -> str:
    """Return the digest of the model's files and its signature.

    Provenance, scores and card are left out: the same model, packaged from another commit or scored again, is the same
    version. The manifest protects those files too.
    """
    return digest({name: value for name, value in files.items() if name.startswith(f"{MODEL}/") or name == SIGNATURE})


def read_digest(folder: Path) -> str:
    """Return the digest in the manifest of a verified package."""
    return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["digest"])
