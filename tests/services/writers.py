"""Eight concurrent processes, each with its own workspace, publish to one MLflow.

python -m tests.services.writers WRITERS POINTS        in the project's root

MLflow is imported before the fork: importing it eight times would take most of the time.
"""

import os
import sys
import time
from pathlib import Path

import mlflow  # noqa: F401

from tasks.outbox import OUTBOX, RUN, track_pipeline, track_run
from tasks.publish import publish
from tests.patience import PATIENCE


def write(writer: int, points: int, parent: str) -> None:
    """Record one run, and publish until the outbox is empty."""
    Path(f"writer{writer}").mkdir()
    os.chdir(f"writer{writer}")
    with track_run("augment", {"writer": str(writer)}, parent=parent) as run:
        for step in range(points):
            run.log_metric("loss", writer + step / points, step)
        # The same input for all writers, so they race for its row.
        run.log_input("train", digest="ab" * 32, uri="data/train.parquet", rows=12)
    deadline = time.monotonic() + PATIENCE
    while list(OUTBOX.glob(f"*/{RUN}")):
        publish()
        assert time.monotonic() < deadline, "not published"
    assert not list(OUTBOX.glob("*.damaged"))


def main(writers: int, points: int) -> None:
    """Fork the writers, and wait for them."""
    with track_pipeline("pipeline", {"writers": str(writers)}) as run:
        children = []
        for writer in range(writers):
            child = os.fork()
            if child == 0:
                try:
                    write(writer, points, run.key)
                except BaseException as error:
                    sys.stderr.write(f"{error!r}\n")
                    os._exit(1)
                os._exit(0)
            children.append(child)
        statuses = [os.waitpid(child, 0)[1] for child in children]
    assert publish() == 1
    sys.exit(any(statuses))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
