"""Cost of the meter: the default study by proxy, with and without cached embeddings, against fine-tuning every run.

Six budgets, eight lever sets and 2,000 test texts, on the tables of a finished run of the default problem (`make run`
first). It has five replicates, for the curve and controls too, and then as many as params.yaml has. Runs and embeddings
go to a scratch folder, so nothing is taken from earlier studies. Fine-tuned runs are evaluated in the same process, one
of each kind, on one thread as the proxy's are: mean time over mean time.

    python -m benchmarks.worth
"""

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.support.memory import memory
from satiety.core.executor import processes
from satiety.core.records import Document, Example, read
from satiety.core.settings import count_cores
from satiety.problems import Problem
from satiety.tuning import Finetune
from satiety.worth.evaluator import Evaluator
from satiety.worth.preparation import StudyData, prepare_study
from satiety.worth.runs import StudyRun
from satiety.worth.section import Worth
from satiety.worth.study import Measurements, run_study

BARS = {"seconds, embeddings cached": 120.0, "seconds, nothing cached": 240.0, "gigabytes": 3.0}
MINIMUMS = {"fine_tuned / proxy": 50.0}
REPLICATES = 5
RESULTS = Path("benchmarks/results/worth.json")


def load_study_data() -> StudyData:
    """Read what the default run made."""
    data = Path("data")
    pool = (*read(data / "train.parquet", Example), *read(data / "dev.parquet", Example))
    test, corpus = read(data / "test.parquet", Example), read(data / "corpus.parquet", Document)
    return StudyData(Problem.load(data / "problem.json"), pool, tuple(test), tuple(corpus), Path("models/base"))


def study(study_data: StudyData, params: Worth, home: Path) -> tuple[float, Measurements, Any]:
    """Prepare and run the study; return its seconds, measurements and plan."""
    clock = time.perf_counter()
    plan, inputs = prepare_study(study_data, params, Finetune.load(), home, "cpu")
    with processes(count_cores()) as executor:
        measurements = run_study(plan, inputs, executor)
    return time.perf_counter() - clock, measurements, plan


def time_fine_tuned(plan: Any, budgets: Sequence[int]) -> list[float]:
    """Return the seconds of fine-tuning one baseline run and one with `self_training` of each budget, on one thread."""
    torch.set_num_threads(1)
    evaluator = Evaluator(plan)
    runs = [StudyRun(n, levers, 0, depth="fine_tuned") for n in budgets if n for levers in ((), ("self_training",))]
    return [evaluator.evaluate(run, f"benchmark-{i}").seconds for i, run in enumerate(runs)]


def main() -> None:
    """Measure, write the results, and print them."""
    default, study_data = Worth.load(), load_study_data()
    params = default.model_copy(update={"replicates": REPLICATES, "curve_replicates": REPLICATES})
    with TemporaryDirectory(prefix="satiety-") as scratch:
        home = Path(scratch)
        with memory() as samples:
            cold, measurements, plan = study(study_data, params, home)
        shutil.rmtree(home / "runs")
        warm, second, _ = study(study_data, params, home)
        cached, third, _ = study(study_data, params, home)
        shutil.rmtree(home / "runs")
        default_seconds, fourth, _ = study(study_data, default, home)
        plan = replace(plan, home=home / "fine_tuned")
        fine_tuned = time_fine_tuned(plan, measurements.budgets)
    proxy = [outcome.seconds for run, outcome in measurements.outcomes.items() if run.budget]
    figures = {
        "seconds, nothing cached": cold,
        "seconds, embeddings cached": warm,
        "seconds, all cached": cached,
        "seconds, embeddings cached, replicates of params.yaml": default_seconds,
        "runs": {
            "first": measurements.computed,
            "embeddings cached": second.computed,
            "all cached": third.computed,
            "replicates of params.yaml": fourth.computed,
        },
        "gigabytes": max(samples) / 1e9,
        "seconds a run": {"proxy": fmean(proxy), "fine_tuned": fmean(fine_tuned)},
        "fine_tuned / proxy": fmean(fine_tuned) / fmean(proxy),
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))
    if any(figures[name] > bar for name, bar in BARS.items()) or any(
        figures[name] < bar for name, bar in MINIMUMS.items()
    ):  # type: ignore[operator]
        sys.exit(f"outside what is promised: at most {BARS}, at least {MINIMUMS}")


if __name__ == "__main__":
    main()
