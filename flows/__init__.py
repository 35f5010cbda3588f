"""Flows around the pipeline's stages: what Prefect must know before it is imported is said here."""

import os

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # seconds; one that is silent for thrice as long is taken for dead
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a busy machine takes longer than the 20 it is given
}.items():
    os.environ.setdefault(_name, _value)
