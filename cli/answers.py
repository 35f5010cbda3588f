"""Whether a service answers, as a user of it would find out: over HTTP on loopback, with the password."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from cli.services import HOST, POOL

SECONDS = 5


def answering(name: str, known: Mapping[str, str], since: datetime) -> bool:
    """Return whether a member does its work.

    Args:
        name: the member.
        known: the addresses and passwords.
        since: a worker must have been heard of later than that, for Prefect keeps those of before for a while.
    """
    prefect, auth = known["PREFECT_API_URL"], known["PREFECT_API_AUTH_STRING"]
    if name == "prefect":
        return ask("GET", f"{prefect}/admin/version", auth) is not None
    if name == "mlflow":
        auth = f"{known['MLFLOW_TRACKING_USERNAME']}:{known['MLFLOW_TRACKING_PASSWORD']}"
        address = f"{known['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/get?experiment_id=0"
        return ask("GET", address, auth) is not None
    workers = ask("POST", f"{prefect}/work_pools/{POOL}/workers/filter", auth) or []
    return any(datetime.fromisoformat(worker["last_heartbeat_time"]) > since for worker in workers)


def ask(method: str, address: str, auth: str, body: Mapping[str, Any] | None = None) -> Any:
    """Return what an address answers, read as JSON, or None where it does not answer, or with another code than 200."""
    parts = urlsplit(address)
    token = base64.b64encode(auth.encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    connection = HTTPConnection(HOST, parts.port, timeout=SECONDS)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body=json.dumps(body or {}), headers=headers)
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status == 200 else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
