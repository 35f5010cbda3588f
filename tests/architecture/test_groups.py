"""Tests that share a slow fixture run in one process: without xdist groups, every process would build it again."""

import pytest


@pytest.mark.xdist_group("groups")
def test_xdist_groups_are_enabled_with_several_workers(request: pytest.FixtureRequest) -> None:
    is_worker = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@groups") == is_worker
