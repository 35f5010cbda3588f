"""Progress bars for long work: on a terminal only, on stderr, so that logs and pipes stay clean."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items; show how many went by, out of ``total`` where it is known."""
    from tqdm import tqdm

    yield from tqdm(items, desc=what, total=total, disable=None, leave=False, dynamic_ncols=True)
