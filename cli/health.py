"""Health checks of the services: an authenticated HTTP request on loopback."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from cli.services import HOST, POOL

SECONDS = 5
"""Timeout of a request."""


def is_healthy(name: str, environment: Mapping[str, str], since: datetime) -> bool:
    """Return whether a service is ready.

    Args:
        name: name of the service.
        environment: addresses and passwords.
        since: earliest heartbeat of the worker; Prefect lists workers that have ended for a while.
    """
    prefect, auth = environment["PREFECT_API_URL"], environment["PREFECT_API_AUTH_STRING"]
    if name == "prefect":
        return request_json("GET", f"{prefect}/admin/version", auth) is not None
    if name == "mlflow":
        auth = f"{environment['MLFLOW_TRACKING_USERNAME']}:{environment['MLFLOW_TRACKING_PASSWORD']}"
        address = f"{environment['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/get?experiment_id=0"
        return request_json("GET", address, auth) is not None
    workers = request_json("POST", f"{prefect}/work_pools/{POOL}/workers/filter", auth) or []
    return any(datetime.fromisoformat(worker["last_heartbeat_time"]) > since for worker in workers)


def request_json(method: str, address: str, auth: str, body: Mapping[str, Any] | None = None) -> Any:
    """Return the JSON response of an address, or None on an error or a status other than 200."""
    parts = urlsplit(address)
    token = base64.b64encode(auth.encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    connection = HTTPConnection(HOST, parts.port, timeout=SECONDS)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body=json.dumps(body or {}), headers=headers)
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == 200 else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
