"""Drift detectors, one file each; the registry finds them in this package."""
