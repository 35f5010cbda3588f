"""What somebody must hear of -> the log, a webhook and mail: once per matter, kept while a receiver is down."""

from satiety.alerts.alert import Alert, Severity
from satiety.alerts.sending import check, send

__all__ = ["Alert", "Severity", "check", "send"]
