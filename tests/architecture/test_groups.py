"""Tests that share something slow share a process: where groups are not seen, each process makes it anew."""

import pytest


@pytest.mark.xdist_group("groups")
def test_a_group_is_seen_where_tests_are_shared_out(request: pytest.FixtureRequest) -> None:
    shared_out = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@groups") == shared_out
