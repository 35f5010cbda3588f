"""A year in ten minutes: twelve months of a world that moves, with Satiety and without (docs/year.md)."""
