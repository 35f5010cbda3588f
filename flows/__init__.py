"""Prefect flows: when the stages run, and in what order. No data passes through here, and no result is cached here."""
