"""Effect of each lever that is off in params.yaml on the default problem: why it is off.

Per split (a seed of the project), the stages run as `dvc repro` runs them, once as params.yaml has it and once per
lever, which is put into `use` beside what is there. The score is the headline metric on the 2,000 test tweets of the
split.

    python -m benchmarks.defaults [--splits 3]     writes benchmarks/results/defaults.json after every run
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.support import stages
from satiety.core.project import Project

RESULTS = stages.ROOT / "benchmarks" / "results" / "defaults.json"
TRAINING = {
    "epochs": 1, "min_steps": 40, "max_steps": 500, "batch_size": 16, "warmup": 0.1, "weight_decay": 0.01,
    "max_grad_norm": 1.0, "weight_averaging": None, "evaluations": 4, "patience": None,
}  # fmt: skip
NOISE = {"words": 0.3, "characters": 0.1, "min_characters": 4, "copies": 2}
LEVERS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "augment: swap, drop, punctuate": {
        "augment": {
            "kind": "augment",
            "steps": [
                {"kind": "swap", "alpha": 0.1, "copies": 2},
                {"kind": "drop", "probability": 0.1, "copies": 2},
                {"kind": "punctuate", "share": 0.3, "copies": 2},
            ]
        }
    },
    "augment: nlpaug's keyboard and char_swap": {
        "augment": {
            "kind": "augment",
            "steps": [{"kind": "keyboard", "layout": "en", **NOISE}, {"kind": "char_swap", **NOISE}],
        }
    },
    "pretrain: masked LM on what was retrieved": {
        "pretrain": {
            "kind": "pretrain",
            "pretrainer": {
                "kind": "mlm", "learning_rate": 5e-5, "head_learning_rate": 1e-3, "max_length": 64, "share": 0.15,
                "whole_words": True, "held_out": 0.05, "training": TRAINING,
            }
        }
    },
    "self_training: three rounds on what was retrieved": {
        "finetune": {"kind": "self_training", "rounds": 3, "max_per_label": 2.0, "confidence": 0.6}
    },
}  # fmt: skip
"""Each by the first stage that it changes, with its papers' values, not tuned to this problem."""


def main() -> None:
    """Run every lever on every split, and print the table after each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=3)
    scores: dict[str, list[float]] = defaultdict(list)
    for split in range(parser.parse_args().splits):
        with TemporaryDirectory(prefix="satiety-bench-") as folder:
            for lever, blocks in LEVERS.items():
                first = "ingest" if not blocks else next(iter(blocks))
                scores[lever].append(_run(Path(folder), split, blocks, first))
                if blocks:  # the next lever starts from what `as it is` made
                    _run_stage(Path(folder), split, {}, first)
                report(scores)


def _run(folder: Path, split: int, blocks: dict[str, Any], first: str) -> float:
    """Run the stages from ``first`` on that the change reaches, and return the score."""
    for stage in _list_affected(first):
        _run_stage(folder, split, blocks, stage)
    tuned_score: dict[str, float] = json.loads((folder / "reports" / "evaluate.json").read_text(encoding="utf-8"))[
        "after"
    ]
    return tuned_score["value"]


def _list_affected(first: str) -> list[str]:
    if first == "ingest":
        return ["ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate"]
    return list(dict.fromkeys([first, "finetune", "evaluate"]))


def _run_stage(folder: Path, split: int, blocks: dict[str, Any], stage: str) -> None:
    params = stages.read(stages.ROOT / "params.yaml")
    params["project"]["seed"] = Project.model_fields["seed"].default + split
    params["levers"] |= blocks
    params["use"] += blocks
    stages.write(folder, params)
    stages.run(folder, stage)


def report(scores: dict[str, list[float]]) -> None:
    """Write the scores, and print each lever's mean and its paired difference from none."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    baseline = scores["as it is"]
    for lever, values in scores.items():
        gaps = [value - base for value, base in zip(values, baseline, strict=False)]
        differences = ", ".join(f"{gap:+.3f}" for gap in gaps)
        print(f"{lever:<44}{sum(values) / len(values):.3f}   {sum(gaps) / len(gaps):+.3f}  ({differences})", flush=True)


if __name__ == "__main__":
    main()
