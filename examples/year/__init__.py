"""A year in a quarter of an hour: twelve months of a world that moves, with Satiety and without (docs/year.md)."""
