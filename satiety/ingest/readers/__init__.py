"""Readers, one file per format. A reader imports no other reader."""
