"""Replay texts as a stream with planted surges: alerts on the terminal, a page that goes along, and what was found.

python -m examples.opinion_monitoring.replay                     at once
python -m examples.opinion_monitoring.replay --speed 5 --port 8765   five windows a second, with a page to look at
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from examples.opinion_monitoring.answers import KEPT, negative
from examples.opinion_monitoring.arrivals import Planted, planted
from examples.opinion_monitoring.replayed import Readings, readings, tally
from examples.opinion_monitoring.source import Opinion, Replay, load
from satiety.errors import SatietyError
from satiety.files import replacing
from satiety.section import read_yaml
from satiety.stream import Reading, Topics
from satiety.stream.live import serving
from satiety.stream.page import Board
from satiety.stream.page.words import LANGUAGES, Language

PARAMS = Path("examples/opinion_monitoring/tweets.yaml")
SHOWN = 7 * 24
"""Windows on the page."""
SECONDS = 2.0
"""Between two looks of the page."""


def main() -> None:
    """Read the command line, replay, and end with what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=PARAMS)
    parser.add_argument("--model", type=Path, default=Path("models/package"), help="the package that `register` made")
    parser.add_argument("--speed", type=float, default=0, help="windows a second; 0 waits for nothing")
    parser.add_argument("--port", type=int, default=None, help="of the page, on this machine; 0 takes a free one")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the page")
    asked = parser.parse_args()
    try:
        replay(asked)
    except SatietyError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def replay(asked: argparse.Namespace) -> None:
    """Replay as asked on the command line."""
    blocks = read_yaml(asked.params)
    watch = Opinion.check(asked.params, blocks.get("opinion", {}), at=("opinion",))
    params = Replay.check(asked.params, blocks.get("replay", {}), at=("replay",))
    texts = load(params, Topics.of(watch.topics))
    found = negative([one.text for one in texts], asked.model, watch)
    board, plants, told = Board(watch, SHOWN, SECONDS), planted(texts, watch, params), list[Readings]()
    language = cast(Language, asked.language)
    with _page(board, language, asked.port):
        for window in readings(texts, found.__contains__, watch, params, plants):
            board.add(window)
            told.append(window)
            for one in window:
                if one.begins:
                    print(alert(one, plants, len(told) - 1), flush=True)
            if asked.speed:
                time.sleep(1 / asked.speed)
        with replacing(KEPT / "page.html") as temporary:
            temporary.write_text(board.page(language), encoding="utf-8")
        print(said(told, plants, watch.mostly))


def alert(one: Reading, plants: list[Planted], place: int) -> str:
    """Say what an alert says, and whether it is one of those planted."""
    was = next((plant.kind for plant in plants if plant.covers(place) and plant.topic in ("", one.topic)), "nothing")
    return (
        f"{one.start:%Y-%m-%d %H:%M}  {one.topic}: {one.count.negative} negative of {one.count.all} "
        f"(expected {one.expected:.1f}, alarm above {one.limit:.0f}; usual share {one.share:.2f}); planted: {was}"
    )


def said(told: list[Readings], plants: list[Planted], mostly: float) -> str:
    """Say what became of what was planted."""
    sums = tally(told, plants, mostly)
    return (
        f"{sums.found} of {sums.planted} planted surges found in the window they began in; "
        f"{sums.false} false alerts in {sums.windows:,} windows; the page: {KEPT / 'page.html'}"
    )


@contextmanager
def _page(board: Board, language: Language, port: int | None) -> Iterator[None]:
    if port is None:
        yield
        return
    with serving(lambda: board.page(language), port) as address:
        print(f"the page: {address}", flush=True)
        yield


if __name__ == "__main__":
    main()
