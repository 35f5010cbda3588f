"""What the monitor compares -> Evidently's page of it: a second look, by tests that are not ours.

It is shown what holds in any language: answers, confidence, length, strangeness and unseen words of each text. Of the
texts themselves it has descriptors for English alone, so it gets none. Its tests (Kolmogorov–Smirnov, chi-square) are
one for each column, and not corrected for their number: the verdict stays with `testing.py`.

Source: Evidently 0.7, https://docs.evidentlyai.com/metrics/preset_data_drift.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.drift.signs import look, vocabulary
from satiety.errors import SetupError
from satiety.files import replacing

if TYPE_CHECKING:
    from collections import Counter

    from satiety.drift.sample import Sample
    from satiety.problems import Problem

NUMBERS = {"confidence": "confidence", "words": "length", "strangeness": "distance", "unseen words": "unseen"}
"""What a column is called, and what of `Looks` it is."""
ANSWER = "answer"


def write(problem: Problem, reference: Sample, window: Sample, path: Path) -> None:
    """Write the page.

    Args:
        problem: whose classes the answers are; where spans are asked for, there is no column of them.
        reference: the test examples.
        window: the texts of today.
        path: of the HTML file, which needs nothing from elsewhere.

    Raises:
        SetupError: Evidently is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of pandas' future and of constant columns is nobody's concern
        data, definition, report = _evidently()
        known = vocabulary(reference.texts)
        own, now = (_table(problem, one, known, i) for one, i in ((reference, 1), (window, 0)))
        texts = [ANSWER] if ANSWER in own else []
        how = definition(numerical_columns=list(NUMBERS), categorical_columns=texts)
        found = report.run(*(data.from_pandas(one, data_definition=how) for one in (now, own)))
        with replacing(path) as temporary:
            found.save_html(str(temporary))


def _evidently() -> tuple[Any, Any, Any]:
    try:
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset
    except ImportError:
        raise SetupError("monitor.evidently: needs the extra: pip install 'satiety[evidently]'") from None
    return Dataset, DataDefinition, Report([DataDriftPreset()])


def _table(problem: Problem, sample: Sample, known: Counter[str], own: int) -> Any:
    """Return a row per text, as pandas has it."""
    from pandas import DataFrame

    seen = look(sample, known, own)
    columns: dict[str, Any] = {name: getattr(seen, what) for name, what in NUMBERS.items()}
    if problem.categorical:
        columns[ANSWER] = [problem.classes[i] for i in sample.scores.argmax(axis=1)]
    return DataFrame(columns)
