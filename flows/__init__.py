"""Prefect flows around the stages of the pipeline. Sets variables that Prefect reads when it is imported."""

import os

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # seconds; a run counts as dead after three missed heartbeats
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # the default of 20 is too short on a busy machine
}.items():
    os.environ.setdefault(_name, _value)
