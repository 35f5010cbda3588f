"""p-values of alibi-detect's MMDDrift and KSDrift, for `benchmarks.power`; runs in a virtual environment of its own.

    python -m venv DIR && DIR/bin/pip install torch==2.13.0 alibi-detect==0.13.0 "numpy<2"

It reads arrays and rows from the files that benchmark wrote, and writes p-values beside them.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from alibi_detect.cd import KSDrift, MMDDrift

PERMUTATIONS = 399
OPENED: dict[str, np.ndarray] = {}


def main() -> None:
    """Answer every pair of samples."""
    folder = Path(sys.argv[1])
    pairs = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
    with ProcessPoolExecutor(2, get_context("spawn"), initializer=load_arrays, initargs=(folder,)) as pool:
        p_values = list(pool.map(answer, pairs, chunksize=10))
    (folder / "alibi.json").write_text(json.dumps(p_values), encoding="utf-8")


def load_arrays(folder: Path) -> None:
    """Let this process have the arrays."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    arrays = np.load(folder / "texts.npz")
    OPENED.update({name: arrays[name].astype(np.float32) for name in ("embeddings", "scores")})


def answer(pair: tuple[list[int], list[int]]) -> dict[str, float]:
    """Return the p-values of a reference and a window."""
    reference, window = pair
    vectors = OPENED["embeddings"]
    mmd = MMDDrift(vectors[reference], backend="pytorch", n_permutations=PERMUTATIONS, p_val=0.05, device="cpu")
    p_values = {"MMDDrift": float(mmd.predict(vectors[window])["data"]["p_val"])}
    for name, array in (("KSDrift, softmax", OPENED["scores"]), ("KSDrift, embeddings", vectors)):
        ks = KSDrift(array[reference], p_val=0.05).predict(array[window])["data"]["p_val"]
        p_values[name] = float(np.min(ks))  # Bonferroni: the least of the features decides
    return p_values


if __name__ == "__main__":
    main()
