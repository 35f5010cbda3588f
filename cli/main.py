"""Command line -> the commands of `satiety`. This module imports no more than it takes to print the help."""

import io
import signal
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from satiety.core.errors import SatietyError, SetupError
from satiety.core.services import join_services
from satiety.core.settings import project_root
from satiety.core.state import STATE, prepare_state

app = typer.Typer(
    name="satiety",
    help="Few labels and much raw text -> a better language model, and what each data technique was worth.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
label = typer.Typer(
    help="Have a random sample of answered texts labelled.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(label, name="label")
Params = Annotated[Path, typer.Argument(help="A params.yaml, or the folder that holds it.")]


@app.command()
def check(params: Params = Path("params.yaml")) -> None:
    """Say all that is wrong with a params.yaml, line by line."""
    from cli.check import check_params

    typer.echo(check_params(params))


@app.command()
def config(
    params: Params = Path("params.yaml"),
    full: Annotated[bool, typer.Option("--full", help="A line per value, with where it comes from.")] = False,
) -> None:
    """Print every value that is in force: what the file says, and the defaults of all else."""
    from cli.config import render_config as render
    from cli.config import render_values as render_full

    typer.echo(render_full(params) if full else render(params))


@app.command()
def deploy() -> None:
    """Make what prefect.yaml says on the Prefect server: pools, limits, deployments, automations."""
    from flows.deploy import deploy as deploy_flows

    typer.echo(deploy_flows())


@app.command("list")
def list_(kind: Annotated[str | None, typer.Argument(help="Only this kind, such as augmenter.")] = None) -> None:
    """List what may be written after `kind:` in params.yaml."""
    from cli.explain import list_components

    typer.echo(list_components(kind))


@app.command()
def explain(
    kind: Annotated[str, typer.Argument(help="A kind of component, or 'stage' for a block of params.yaml.")],
    name: Annotated[str, typer.Argument(help="Its name, as `satiety list` gives it.")],
) -> None:
    """Say what a component does and what its fields mean."""
    from cli.explain import explain_component

    typer.echo(explain_component(kind, name))


@app.command()
def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, --file or stdin is read.")] = None,
    file: Annotated[Path | None, typer.Option(help="A text file, one text a line.")] = None,
    model: Annotated[Path, typer.Option(help="The package that `register` made.")] = Path("models/package"),
    format: Annotated[Literal["jsonl", "table"], typer.Option(help="JSON lines, or a table to look at.")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--out", help="A file for the answers, instead of stdout.")] = None,
) -> None:
    """Let the packaged model answer for texts."""
    from cli.predict import answer_texts, read_texts

    answer_texts(read_texts(texts, file), model, format, output)


@app.command()
def feedback(
    id: Annotated[str | None, typer.Argument(help="Of an answer, as `satiety predict` gave it.")] = None,
    label: Annotated[
        str | None, typer.Argument(help="The right label; or entities, as [[start, end, label], …] of the masked text.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="CSV or JSON lines with id and label, many at once.")] = None,
    author: Annotated[str, typer.Option("--by", help="Who says so.")] = "",
    model: Annotated[Path, typer.Option(help="The package whose labels they are.")] = Path("models/package"),
) -> None:
    """Say what the right answer would have been: retraining learns from it."""
    from cli.feedback import record_corrections

    typer.echo(record_corrections(id, label, file, author, model))


@label.command("next")
def label_next(
    count: Annotated[int, typer.Option("-n", min=1, max=100_000, help="How many texts.")],
    source: Annotated[Literal["traffic"], typer.Option("--from", help="Where texts come from.")] = "traffic",
    random: Annotated[bool, typer.Option("--random", help="Draw at random: such labels alone may promote.")] = True,
    since: Annotated[datetime | None, typer.Option(help="Draw of what was answered from then on (UTC).")] = None,
    output: Annotated[Path, typer.Option("--out", help="The CSV.")] = Path("to_label.csv"),
    model: Annotated[Path, typer.Option(help="The package whose answers they are.")] = Path("models/package"),
) -> None:
    """Write answered texts, drawn at random, to a CSV for people to label."""
    from cli.label import draw_texts

    typer.echo(draw_texts(Path.cwd(), count, output, model, since))


@label.command("import")
def label_import(
    file: Annotated[Path, typer.Argument(help="The CSV of `satiety label next`, its column label filled in.")],
    author: Annotated[str, typer.Option("--by", help="Who labelled.")] = "",
    model: Annotated[Path, typer.Option(help="The package whose labels they are.")] = Path("models/package"),
) -> None:
    """Record the labels of such a CSV: retraining learns from some, and tests its model on the others."""
    from cli.label import import_labels

    typer.echo(import_labels(Path.cwd(), file, author, model))


@app.command()
def report() -> None:
    """Show what the pipeline made of the problem in this folder."""
    from cli.report import show

    show(Path.cwd())


@app.command()
def history(
    format: Annotated[Literal["table", "jsonl"], typer.Option(help="To look at, or one JSON line a move.")] = "table",
) -> None:
    """Show every move of the alias champion: who made it, why, with what scores, on what data."""
    from cli.history import show

    show(Path.cwd(), format)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option("--why", help="The reason, which the history keeps.")],
    version: Annotated[str | None, typer.Argument(help="A version's number; without it, the champion before.")] = None,
) -> None:
    """Make the champion before, or a version, champion.

    Its package is verified first. What was taken back is not promoted again by itself.
    """
    from cli.rollback import roll_back

    typer.echo(roll_back(Path.cwd(), version, reason))


@app.command()
def trace(
    id: Annotated[str, typer.Argument(help="Of an answer, as `satiety predict` gave it.")],
    nearest: Annotated[int, typer.Option(min=1, max=100, help="Training examples to show.")] = 5,
    format: Annotated[Literal["text", "json"], typer.Option(help="To read, or JSON.")] = "text",
) -> None:
    """Trace an answer back: its model, the data, how the levers were set, the nearest training examples."""
    from cli.trace import show

    show(Path.cwd(), id, nearest, format)


@app.command()
def verify() -> None:
    """Check all artefacts and cached objects against their digests.

    DVC itself does not notice a flipped byte.
    """
    from cli.verify import verify_all

    typer.echo(verify_all(project_root()))


@app.command()
def workspace(params: Params) -> None:
    """Make the folder of a params.yaml ready for `dvc repro`.

    Writes its dvc.yaml, anew from the root's, and data/raw/ and .gitignore where they are missing.
    """
    from cli.workspace import make_workspace

    typer.echo(make_workspace(params))


@app.command()
def worth() -> None:
    """Measure what labels buy and what each lever is worth in labels, and show it.

    Runs the stage `worth`, and what it rests on, where anything changed.
    """
    from cli.worth import measure

    measure(Path.cwd())


@app.command()
def monitor(
    table: Annotated[Path | None, typer.Option(help="CSV, TSV, JSONL, Parquet or text, with a column `text`.")] = None,
) -> None:
    """Say whether the texts of today are those the model was tested on, and what it costs if they are not.

    Looks at the newest texts that `satiety predict` answered, or at those of a table.
    """
    from cli.monitor import run_monitor

    run_monitor(Path.cwd(), table)


@app.command()
def up() -> None:
    """Start Prefect, MLflow and a worker for this project, on this machine only; return when all answer."""
    from cli.up import start_services as start

    start(project_root(), typer.echo)


@app.command()
def down() -> None:
    """End what `satiety up` started, and all that came of it."""
    from cli.up import stop_services as end

    typer.echo(end(project_root()))


def _close_state() -> None:
    """Close the project's state folder to other users, if there is one; who cannot may still look."""
    root = project_root()
    if (root / STATE).exists():
        with suppress(SetupError):
            prepare_state(root)


def run() -> None:
    """Do what the command line says; a user's mistake is a message on stderr and exit code 1.

    SIGTERM and SIGHUP end it in order, with code 143 or 129: no half-written file is left.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
            signal.signal(number, _stop)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without the character is no reason to stop
    try:
        _close_state()
        join_services()
        app()
    except SatietyError as error:
        sys.exit(str(error))


def _stop(number: int, _: object) -> None:
    """Leave every block that is open; the next signal ends the process at once, should that take too long."""
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)


if __name__ == "__main__":
    run()
