"""Levers: data techniques whose worth is measured. One file each, with its implementation in a folder beside it."""
