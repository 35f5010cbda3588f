"""Replay texts as a stream with planted surges: alerts on the terminal, a page that goes along, and what was found.

python -m examples.opinion_monitoring.replay                     at once
python -m examples.opinion_monitoring.replay --speed 5 --port 8765   five windows a second, with a page to look at
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from examples.opinion_monitoring.answers import KEPT, negative
from examples.opinion_monitoring.arrivals import angry, planted
from examples.opinion_monitoring.replayed import Readings, readings
from examples.opinion_monitoring.said import alert, missed, summary
from examples.opinion_monitoring.source import Opinion, Replay, load
from examples.opinion_monitoring.stream import Topics
from examples.opinion_monitoring.stream.live import serving
from examples.opinion_monitoring.stream.page import Board
from satiety.core.errors import SatietyError, SetupError
from satiety.core.files import write_atomically
from satiety.core.section import read_yaml
from satiety.core.state import prepare_state
from satiety.report.render import LANGUAGES, Language

PARAMS = Path("examples/opinion_monitoring/tweets.yaml")
SHOWN = 7 * 24
"""Windows on the page."""
SECONDS = 2.0
"""Between two looks of the page."""
SLOWEST = 1e-4
"""Windows a second; one in three hours. Nobody waits longer, nor can `time.sleep` wait for ever."""


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
    """Replay as asked on the command line; what cannot be done is said before any work."""
    if not (asked.speed == 0 or SLOWEST <= asked.speed < math.inf):
        raise SetupError(f"--speed: 0, or windows a second, {SLOWEST} or more (it is {asked.speed:g})")
    blocks = read_yaml(asked.params)
    watch = Opinion.check(asked.params, blocks.get("opinion", {}), keys=("opinion",))
    params = Replay.check(asked.params, blocks.get("replay", {}), keys=("replay",))
    board, language = Board(watch, SHOWN, SECONDS), cast(Language, asked.language)
    with _page(board, language, asked.port):
        texts = load(params, Topics.of(watch.topics))
        found = negative([one.text for one in texts], asked.model, watch)
        plants, told = planted(texts, watch, params), list[Readings]()
        for window in readings(texts, found, watch, params, plants):
            board.add(window)
            told.append(window)
            for one in window:
                if one.begins:
                    print(alert(one, told, plants, watch), flush=True)
            if asked.speed:
                time.sleep(1 / asked.speed)
        prepare_state()
        with write_atomically(KEPT / "page.html") as temporary:
            temporary.write_text(board.page(language), encoding="utf-8")
        for line in missed(told, plants, angry(texts, watch), found, watch):
            print(line)
        print(f"{summary(told, plants, watch)}; the page: {KEPT / 'page.html'}")


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
