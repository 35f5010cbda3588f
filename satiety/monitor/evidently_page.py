"""Reference and window -> Evidently's drift page, as a second opinion.

The columns work in any language: answer, confidence, length, out-of-distribution score and share of unseen words. Texts
are left out, because Evidently's text descriptors are English only. Its tests (Kolmogorov–Smirnov, chi-square) run per
column without a correction for their number; the verdict comes from `permutation_test.py`.

Source: Evidently 0.7, https://docs.evidentlyai.com/metrics/preset_data_drift.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.core.errors import SetupError
from satiety.core.files import write_atomically
from satiety.monitor.shift_features import count_word_texts, extract_text_features

if TYPE_CHECKING:
    from collections import Counter

    from satiety.monitor.sample import TextSample
    from satiety.problems import Problem

NUMBERS = {"confidence": "confidence", "words": "length", "knn_distance": "distance", "unseen words": "unseen"}
"""Name of each column, and its field of `TextFeatures`."""
ANSWER = "answer"


def write_page(problem: Problem, reference: TextSample, window: TextSample, path: Path) -> None:
    """Write the page.

    Args:
        problem: its classes are the values of the column ``answer``; problems without classes have no such column.
        reference: test examples.
        window: texts of today.
        path: the HTML file to write, self-contained.

    Raises:
        SetupError: Evidently is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations in pandas, constant columns
        dataset, definition, report = _load_evidently()
        word_counts = count_word_texts(reference.texts)
        reference_table, window_table = (
            _build_table(problem, sample, word_counts, max_count) for sample, max_count in ((reference, 1), (window, 0))
        )
        texts = [ANSWER] if ANSWER in reference_table else []
        schema = definition(numerical_columns=list(NUMBERS), categorical_columns=texts)
        snapshot = report.run(
            *(dataset.from_pandas(table, data_definition=schema) for table in (window_table, reference_table))
        )
        with write_atomically(path) as temporary:
            snapshot.save_html(str(temporary))


def _load_evidently() -> tuple[Any, Any, Any]:
    try:
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset
    except ImportError:
        raise SetupError("monitor.evidently requires an extra: pip install 'satiety[evidently]'") from None
    return Dataset, DataDefinition, Report([DataDriftPreset()])


def _build_table(problem: Problem, sample: TextSample, word_counts: Counter[str], max_count: int) -> Any:
    """Return a DataFrame with one row per text."""
    from pandas import DataFrame

    features = extract_text_features(sample, word_counts, max_count)
    columns: dict[str, Any] = {name: getattr(features, field) for name, field in NUMBERS.items()}
    if problem.categorical:
        columns[ANSWER] = [problem.classes[i] for i in sample.scores.argmax(axis=1)]
    return DataFrame(columns)
