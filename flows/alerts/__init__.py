"""Send alerts to the log and to services of Apprise: once per incident, queued while a service is down."""

from flows.alerts.alert import Alert, Severity
from flows.alerts.sending import check, send

__all__ = ["Alert", "Severity", "check", "send"]
