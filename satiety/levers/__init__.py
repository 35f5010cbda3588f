"""Data techniques whose worth is measured: one file each, and what it draws on in a folder or file beside it."""
