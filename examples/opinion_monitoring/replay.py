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

from examples.opinion_monitoring.answers import FOLDER, predict_negative
from examples.opinion_monitoring.arrivals import angry, draw_plants
from examples.opinion_monitoring.messages import describe_alert, describe_missed, summarize
from examples.opinion_monitoring.outcomes import iterate_assessments
from examples.opinion_monitoring.source import Opinion, Replay, load
from examples.opinion_monitoring.stream import Assessments, Topics
from examples.opinion_monitoring.stream.live import serving
from examples.opinion_monitoring.stream.page import Board
from satiety.core.errors import SatietyError, SetupError
from satiety.core.files import write_atomically
from satiety.core.section import read_yaml
from satiety.core.state import prepare_state
from satiety.report.render import LANGUAGES, Language

PARAMS = Path("examples/opinion_monitoring/tweets.yaml")
MAX_WINDOWS = 7 * 24
"""Windows on the page."""
SECONDS = 2.0
"""Between two requests of the page for the next one."""
SLOWEST = 1e-4
"""Windows a second; one in three hours, for `time.sleep` cannot wait for ever."""


def main() -> None:
    """Read the command line, replay, and end with what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=PARAMS)
    parser.add_argument("--model", type=Path, default=Path("models/package"), help="the package that `register` made")
    parser.add_argument("--speed", type=float, default=0, help="windows a second; 0 waits for nothing")
    parser.add_argument("--port", type=int, default=None, help="of the page, on this machine; 0 takes a free one")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the page")
    arguments = parser.parse_args()
    try:
        replay(arguments)
    except SatietyError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def replay(arguments: argparse.Namespace) -> None:
    """Replay as asked on the command line; what cannot be done is said before any work."""
    if not (arguments.speed == 0 or SLOWEST <= arguments.speed < math.inf):
        raise SetupError(f"--speed: 0, or windows a second, {SLOWEST} or more (it is {arguments.speed:g})")
    blocks = read_yaml(arguments.params)
    stream_params = Opinion.check(arguments.params, blocks.get("opinion", {}), keys=("opinion",))
    params = Replay.check(arguments.params, blocks.get("replay", {}), keys=("replay",))
    board, language = Board(stream_params, MAX_WINDOWS, SECONDS), cast(Language, arguments.language)
    with _page(board, language, arguments.port):
        texts = load(params, Topics.of(stream_params.topics))
        probabilities = predict_negative([text.text for text in texts], arguments.model, stream_params)
        plants, history = draw_plants(texts, stream_params, params), list[Assessments]()
        for window in iterate_assessments(texts, probabilities, stream_params, params, plants):
            board.add(window)
            history.append(window)
            for assessment in window:
                if assessment.begins:
                    print(describe_alert(assessment, history, plants, stream_params), flush=True)
            if arguments.speed:
                time.sleep(1 / arguments.speed)
        prepare_state()
        with write_atomically(FOLDER / "page.html") as temporary:
            temporary.write_text(board.page(language), encoding="utf-8")
        for line in describe_missed(history, plants, angry(texts, stream_params), probabilities, stream_params):
            print(line)
        print(f"{summarize(history, plants, stream_params)}; the page: {FOLDER / 'page.html'}")


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
