"""What somebody must hear of -> the log, and services of Apprise: once per matter, kept while a service is down."""

from flows.alerts.alert import Alert, Severity
from flows.alerts.sending import check, send

__all__ = ["Alert", "Severity", "check", "send"]
