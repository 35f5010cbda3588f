"""Parse `SATIETY_ALERTS` into Apprise services. Addresses are secret and never shown."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flows.alerts.alert import Notification, Severity
from satiety.core.errors import SetupError

if TYPE_CHECKING:
    from satiety.core.settings import Settings

OBSOLETE = ("SATIETY_ALERT_WEBHOOK", "SATIETY_ALERT_MAIL_TO", "SATIETY_SMTP")
"""Settings that `SATIETY_ALERTS` has replaced."""
SERVICES_URL = "https://appriseit.com/services"
TYPES = {
    Severity.RESOLVED: "success",
    Severity.NOTICE: "info",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "failure",
}


class AlertService:
    """An Apprise service at one address."""

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin

    def deliver(self, notification: Notification) -> bool:
        """Deliver a notification; return whether it was accepted."""
        from apprise import NotifyType

        kind = NotifyType(TYPES[notification.alert.severity])
        return bool(self._plugin.notify(body=notification.body, title=notification.heading, notify_type=kind))


def load_services(settings: Settings) -> dict[str, AlertService]:
    """Return the configured services by name; names do not reveal addresses.

    Raises:
        SetupError: lists all invalid addresses.
    """
    problems = [f"{name}: obsolete; move its address to SATIETY_ALERTS" for name in OBSOLETE if name in os.environ]
    plugins = {address: _load_plugin(address) for address in (settings.alerts or "").split()}
    for number, plugin in enumerate(plugins.values(), 1):
        prefix = f"SATIETY_ALERTS: address {number} (secret, not shown)"
        problems += (f"{prefix} {problem}" for problem in _find_problems(plugin))
    if problems:
        raise SetupError("; ".join(problems))
    return {_name_service(address, plugin): AlertService(plugin) for address, plugin in plugins.items()}


def _load_plugin(address: str) -> Any:
    """Return Apprise's plugin for an address, or None if the address is not valid."""
    from apprise import Apprise, AppriseAsset

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its log may contain the address
    asset = AppriseAsset(app_id="Satiety", app_desc="Satiety", http_redirects=False)  # a redirected POST becomes a GET
    return Apprise.instantiate(address, asset=asset, suppress_exceptions=True)


def _find_problems(plugin: Any) -> Iterator[str]:
    if plugin is None:
        yield f"is not a valid Apprise URL, see {SERVICES_URL}"
        return
    if getattr(plugin, "secure_mode", None) == "insecure" and plugin.password:
        yield "would send a password unencrypted: use mailtos:// instead of mailto://"
    if len(plugin) > 1:
        yield "has several receivers: use one address each, so that a retry does not repeat the alert for all"


def _name_service(address: str, plugin: Any) -> str:
    return f"{plugin.service_name} {hashlib.sha256(address.encode()).hexdigest()[:8]}"
