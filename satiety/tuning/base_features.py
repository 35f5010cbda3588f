"""Windows -> their features by the untouched encoder, computed once where several fits ask for the same texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satiety.problems import Window
    from satiety.problems.base import Floats

    Key = tuple[tuple[int, ...], tuple[int, ...]]


class BaseFeatures:
    """Features by the tokens of a window; for one encoder, prefix and pooling."""

    def __init__(self, rows: Mapping[Key, Floats] | None = None) -> None:
        self._rows: dict[Key, Floats] = dict(rows or {})

    def copy(self) -> BaseFeatures:
        """Return the same features; what is computed for the copy is not in the original."""
        return BaseFeatures(self._rows)

    def compute(self, windows: Sequence[Window], compute: Callable[[list[Window]], list[Floats]]) -> list[Floats]:
        """Return the features of the windows, computing those that are not there yet."""
        keys = [(tuple(window.input_ids), tuple(window.token_type_ids)) for window in windows]
        missing = {key: window for key, window in zip(keys, windows, strict=True) if key not in self._rows}
        self._rows |= zip(missing, compute(list(missing.values())), strict=True)
        return [self._rows[key] for key in keys]
