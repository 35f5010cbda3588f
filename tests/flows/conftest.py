"""One Prefect database and one temporary server for all tests of flows."""

from collections.abc import Iterator

import pytest

from tests.patience import PATIENCE


@pytest.fixture(scope="session", autouse=True)
def harness() -> Iterator[None]:
    from prefect.logging.configuration import setup_logging
    from prefect.testing.utilities import prefect_test_harness

    setup_logging()  # the first flow of a process would do it, and take pytest's handler off in the middle of a test
    with prefect_test_harness(server_startup_timeout=PATIENCE):
        yield
