"""What may lie in a package, how large it may be, and which of it makes the model what it is."""

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
"""Beside the model's own files and the manifest: these, and nothing else."""
LIMITS = {".json": 2**26, ".md": 2**20, ".parquet": 2**31, ".safetensors": 2**36, ".txt": 2**26}
"""Kinds of file a package may hold, and the most bytes of each; none of them can run code."""


def manifest_text(files: Mapping[str, str]) -> str:
    """Return the text of ``manifest.json`` for these files: SHA-256 by path."""
    value = {"version": 1, "digest": compute_digest(files), "files": dict(sorted(files.items()))}
    return json.dumps(value, indent=2) + "\n"


def compute_digest(files: Mapping[str, str]) -> str:
    """Return one digest of what answers: the model's files and its signature.

    Where and when it was made, how it scored and what the card says are left out, so that the same model, packaged
    again from another commit or scored anew, is the same version. The manifest guards those files all the same.
    """
    return digest({name: value for name, value in files.items() if name.startswith(f"{MODEL}/") or name == SIGNATURE})


def read_digest(folder: Path) -> str:
    """Return the digest that a verified package's manifest states."""
    return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["digest"])
