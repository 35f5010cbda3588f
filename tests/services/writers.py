"""Eight processes, each with a workspace of its own, spool and deliver to one MLflow at once.

python -m tests.services.writers WRITERS POINTS        in the project's root

MLflow is loaded before the processes part: loading it eight times would be most of the time.
"""

import os
import sys
import time
from pathlib import Path

import mlflow  # noqa: F401

from satiety.core.section import Section
from tasks import tracking
from tasks.spool import SPOOL, open_parent_run, track_run
from tasks.spool_reader import close_and_list
from tests.patience import PATIENCE


class Made(Section):
    """A section for this script."""

    writer: int
    """Which process."""


def write(writer: int, points: int, above: str) -> None:
    """Spool one run, and deliver until nothing waits."""
    Path(f"writer{writer}").mkdir()
    os.chdir(f"writer{writer}")
    os.environ["SATIETY_PARENT_RUN"] = above
    with track_run("augment", Made(writer=writer)) as run:
        for step in range(points):
            run.log_metric("loss", writer + step / points, step)
        run.log_input(
            "train", digest="ab" * 32, uri="data/train.parquet", rows=12
        )  # the same for all: a race for its row
        run.finish({})
    latest = time.monotonic() + PATIENCE
    while close_and_list():
        tracking.deliver()
        assert time.monotonic() < latest, "not delivered"
    assert not list(SPOOL.glob("*.refused"))


def main(writers: int, points: int) -> None:
    """Part, and wait for all."""
    with open_parent_run("pipeline", {"writers": str(writers)}) as run:
        children = []
        for writer in range(writers):
            child = os.fork()
            if child == 0:
                try:
                    write(writer, points, run.head["run"])
                except BaseException as error:
                    sys.stderr.write(f"{error!r}\n")
                    os._exit(1)
                os._exit(0)
            children.append(child)
        ended = [os.waitpid(child, 0)[1] for child in children]
    assert tracking.deliver() == 1
    sys.exit(any(ended))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
