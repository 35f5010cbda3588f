"""Signals are deferred to the end of a step."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from satiety.training.signals import defer_signals


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell ignores SIGINT for what it runs in the background; tests of it must not."""
    initial = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, initial)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_within_the_block_is_delivered_after_it() -> None:
    steps = []

    def work() -> None:
        with defer_signals():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("whole")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["whole"]


def test_signal_handlers_are_restored_even_if_the_block_fails() -> None:
    initial = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(ValueError, match="broken"), defer_signals():
        raise ValueError("broken")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == initial


def test_a_thread_that_cannot_defer_signals_runs_without() -> None:
    steps = []

    def work() -> None:
        with defer_signals():
            steps.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert steps == ["done"]
