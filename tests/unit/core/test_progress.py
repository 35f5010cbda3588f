"""Long work reports its progress, also in a log without a progress bar."""

import logging

import pytest

from satiety.core import progress


def test_long_work_is_logged_and_yields_every_item(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with caplog.at_level(logging.INFO):
        assert list(progress.track(range(3), "read a.csv", total=3000)) == [0, 1, 2]
    assert [record.message for record in caplog.records] == [f"read a.csv: {i} of 3,000" for i in range(3)]


def test_short_work_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert list(progress.track([1, 2], "train")) == [1, 2]
    assert not caplog.records


def test_resumed_work_counts_from_its_initial_number(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with caplog.at_level(logging.INFO):
        assert list(progress.track(range(8, 10), "train", total=10, initial=8)) == [8, 9]
    assert [record.message for record in caplog.records] == ["train: 8 of 10", "train: 9 of 10"]


def test_total_is_the_length_of_an_iterable_that_has_one(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with caplog.at_level(logging.INFO):
        list(progress.track(["a"], "words"))
        list(progress.track((letter for letter in "a"), "lines"))
    assert [record.message for record in caplog.records] == ["words: 0 of 1", "lines: 0"]
