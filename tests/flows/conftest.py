"""One Prefect database and one temporary server for all tests of flows."""

from collections.abc import Iterator

import pytest

from tests.patience import PATIENCE


@pytest.fixture(scope="session", autouse=True)
def harness() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=PATIENCE):
        yield
