"""p-values of alibi-detect's MMDDrift and KSDrift, for `benchmarks.power`; runs in a virtual environment of its own.

    python -m venv DIR && DIR/bin/pip install torch==2.13.0 alibi-detect==0.13.0 "numpy<2"

It reads arrays and rows from the files that benchmark wrote, and writes p-values beside them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from alibi_detect.cd import KSDrift, MMDDrift

PERMUTATIONS = 399


def main() -> None:
    """Answer every pair of samples."""
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    torch.manual_seed(0)
    arrays = np.load(folder / "texts.npz")
    vectors, scores = (arrays[name].astype(np.float32) for name in ("embeddings", "scores"))
    found = []
    for reference, window in json.loads((folder / "pairs.json").read_text(encoding="utf-8")):
        mmd = MMDDrift(vectors[reference], backend="pytorch", n_permutations=PERMUTATIONS, p_val=0.05, device="cpu")
        one = {"MMDDrift": float(mmd.predict(vectors[window])["data"]["p_val"])}
        for name, array in (("KSDrift, softmax", scores), ("KSDrift, embeddings", vectors)):
            ks = KSDrift(array[reference], p_val=0.05).predict(array[window])["data"]["p_val"]
            one[name] = float(np.min(ks))  # Bonferroni: the least of the features decides
        found.append(one)
    (folder / "alibi.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
