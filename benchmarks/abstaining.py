"""Texts of no class: how many `evaluate.abstain` refuses, and how many texts that have a class.

A model learns 16 labels of each class of a set. Half of the test calibrates the threshold; then it is asked the other
half, and the test texts of a set of another domain in the same language, which have no class of its own.

    python -m benchmarks.abstaining [--sets clinc150,tweets] [--draws 3] [--error 0.05] [--recipe auto]
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.few_labels import FOREIGN, draw_labels, fit_model
from benchmarks.support.sets import FEW_LABEL_SETS, find_encoder

if TYPE_CHECKING:
    from satiety.problems import Prediction

RESULTS = Path("benchmarks/results/abstaining.json")
LABELS = "16"


def measure_draw(name: str, number: int, error: float, recipe: str) -> dict[str, float]:
    """Return the shares of texts of the classes, and of foreign texts, that are refused."""
    from satiety.evaluate.abstention import find_threshold

    draw, (encoder, prefix) = draw_labels(name, LABELS, number, ""), find_encoder(name)
    model = fit_model(draw, encoder, prefix, {"kind": recipe}, number).model
    foreign = draw_labels(FOREIGN[name], LABELS, number, "").test
    own = model.predict([row.text for row in draw.test])
    threshold = find_threshold([prediction.confidence for prediction in own[::2]], error)

    def count_refused(predictions: "list[Prediction]") -> float:
        return round(sum(prediction.confidence < threshold for prediction in predictions) / len(predictions), 4)

    return {"own": count_refused(own[1::2]), "foreign": count_refused(model.predict([row.text for row in foreign]))}


def main() -> None:
    """Measure what is not measured yet, and print a row for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(FEW_LABEL_SETS))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--error", type=float, default=0.05)
    parser.add_argument("--recipe", default="auto")
    arguments = parser.parse_args()
    runs: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for name in arguments.sets.split(","):
        keys = [f"{name}/{arguments.error:g}/{arguments.recipe}/{number}" for number in range(arguments.draws)]
        for number, key in enumerate(keys):
            if key not in runs:
                runs[key] = measure_draw(name, number, arguments.error, arguments.recipe)
                RESULTS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
        own, foreign = (sum(runs[key][group] for key in keys) / len(keys) for group in ("own", "foreign"))
        print(f"{name}: refused {own:.3f} of the texts of the classes, {foreign:.3f} of foreign ones", flush=True)


if __name__ == "__main__":
    main()
