"""Commands of `satiety`. Each imports what it needs by itself, so that `satiety --help` is fast."""

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
    help="Fine-tune a language model from few labels, and measure what each data technique is worth in labels.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
label = typer.Typer(
    help="Draw a random sample of predictions and import their labels.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(label, name="label")
Params = Annotated[Path, typer.Argument(help="A params.yaml, or its folder.")]
Package = Annotated[Path, typer.Option(help="Model package, as written by the stage register.")]
PACKAGE = Path("models/package")


@app.command()
def check(params: Params = Path("params.yaml")) -> None:
    """Validate params.yaml; report every error with its line number."""
    from cli.config import check_params

    typer.echo(check_params(params))


@app.command()
def config(
    params: Params = Path("params.yaml"),
    full: Annotated[bool, typer.Option("--full", help="Print one line per value, with its source.")] = False,
) -> None:
    """Print params.yaml with every default filled in."""
    from cli.config import render_config, render_values

    typer.echo(render_values(params) if full else render_config(params))


@app.command()
def deploy() -> None:
    """Deploy prefect.yaml to the Prefect server.

    Creates or updates work pools, concurrency limits, deployments and automations.
    """
    from flows.deploy import deploy as deploy_flows

    typer.echo(deploy_flows())


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(help="Kind of component, e.g. augmenter.")] = None,
) -> None:
    """List the components available for `kind:` in params.yaml."""
    from cli.explain import list_components

    typer.echo(list_components(kind))


@app.command()
def explain(
    kind: Annotated[str, typer.Argument(help="Kind of component, or 'section' for one of params.yaml.")],
    name: Annotated[str, typer.Argument(help="Name, as printed by `satiety list`.")],
) -> None:
    """Describe a component or a section of params.yaml."""
    from cli.explain import explain_component

    typer.echo(explain_component(kind, name))


@app.command()
def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to predict. Default: read --file or stdin.")] = None,
    file: Annotated[Path | None, typer.Option(help="Text file, one text per line.")] = None,
    model: Package = PACKAGE,
    format: Annotated[Literal["jsonl", "table"], typer.Option(help="Output format.")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--out", help="Write JSON lines to a file instead of stdout.")] = None,
) -> None:
    """Run the packaged model on texts."""
    from cli.predict import predict_texts, read_texts

    predict_texts(read_texts(texts, file), model, format, output)


@app.command()
def feedback(
    id: Annotated[str | None, typer.Argument(help="Prediction id, as printed by `satiety predict`.")] = None,
    label: Annotated[
        str | None, typer.Argument(help="Correct label, or entities of the masked text: [[start, end, label], …].")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="CSV or JSON lines file with columns id and label.")] = None,
    author: Annotated[str, typer.Option("--by", help="Name of the person who corrects.")] = "",
    model: Package = PACKAGE,
) -> None:
    """Record the correct answer for a prediction.

    The next retraining trains on it.
    """
    from cli.feedback import record_corrections

    typer.echo(record_corrections(id, label, file, author, model))


@label.command("next")
def label_next(
    count: Annotated[int, typer.Option("-n", min=1, max=100_000, help="Number of texts.")],
    since: Annotated[datetime | None, typer.Option(help="Draw only from predictions since this time (UTC).")] = None,
    output: Annotated[Path, typer.Option("--out", help="CSV file to write.")] = Path("to_label.csv"),
    model: Package = PACKAGE,
) -> None:
    """Write a random sample of predicted texts to a CSV file."""
    from cli.label import draw_texts

    typer.echo(draw_texts(Path.cwd(), count, output, model, since))


@label.command("import")
def label_import(
    file: Annotated[Path, typer.Argument(help="CSV file of `satiety label next`, with the column label filled in.")],
    author: Annotated[str, typer.Option("--by", help="Name of the person who labelled.")] = "",
    model: Package = PACKAGE,
) -> None:
    """Import labels from a CSV file of `satiety label next`.

    The next retraining trains on some of them, and tests the new model on the others.
    """
    from cli.label import import_labels

    typer.echo(import_labels(Path.cwd(), file, author, model))


@app.command()
def report() -> None:
    """Show scores, stages and promotion decision of the last run."""
    from cli.report import show

    show(Path.cwd())


@app.command()
def history(
    format: Annotated[Literal["table", "jsonl"], typer.Option(help="Output format.")] = "table",
) -> None:
    """Show the promotion history.

    Prints version, date, author, reason, scores and data of every change of the champion.
    """
    from cli.history import show

    show(Path.cwd(), format)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option("--why", help="Reason, stored in the promotion history.")],
    version: Annotated[str | None, typer.Argument(help="Version number. Default: the previous champion.")] = None,
) -> None:
    """Make the previous champion, or a given version, the champion.

    Its package is verified first. The replaced version is never promoted again automatically.
    """
    from cli.rollback import roll_back

    typer.echo(roll_back(Path.cwd(), version, reason))


@app.command()
def trace(
    id: Annotated[str, typer.Argument(help="Prediction id, as printed by `satiety predict`.")],
    nearest: Annotated[int, typer.Option(min=1, max=100, help="Number of nearest training examples.")] = 5,
    format: Annotated[Literal["text", "json"], typer.Option(help="Output format.")] = "text",
) -> None:
    """Trace a prediction to its model, data and levers.

    Also shows the nearest training examples.
    """
    from cli.trace import show

    show(Path.cwd(), id, nearest, format)


@app.command()
def verify() -> None:
    """Verify the checksums of all stored files.

    Covers artifacts, cached objects, packages and registered models. Detects corrupted files, which DVC does not.
    """
    from cli.verify import verify_all

    typer.echo(verify_all(project_root()))


@app.command()
def workspace(params: Params) -> None:
    """Prepare the folder of a params.yaml for `dvc repro`.

    Generates its dvc.yaml from the root's, and creates data/raw/ and .gitignore if they are missing.
    """
    from cli.workspace import make_workspace

    typer.echo(make_workspace(params))


@app.command()
def worth() -> None:
    """Measure what each lever is worth in labels.

    Runs the stage `worth` and its upstream stages if anything changed, then prints the results.
    """
    from cli.worth import measure

    measure(Path.cwd())


@app.command()
def monitor(
    table: Annotated[
        Path | None, typer.Option(help="CSV, TSV, JSONL, Parquet or text file with a column text.")
    ] = None,
) -> None:
    """Detect drift from the test set, and estimate its cost in score.

    Reads the newest texts of `satiety predict`, or those of a table.
    """
    from cli.monitor import run_monitor

    run_monitor(Path.cwd(), table)


@app.command()
def up() -> None:
    """Start Prefect, MLflow and a worker on this machine.

    Returns when all of them are ready.
    """
    from cli.up import start_services

    start_services(project_root(), typer.echo)


@app.command()
def down() -> None:
    """Stop the services of `satiety up`.

    Also ends all processes that they started.
    """
    from cli.up import stop_services

    typer.echo(stop_services(project_root()))


def run() -> None:
    """Run the command line; a user's mistake is a message on stderr and exit code 1.

    SIGTERM and SIGHUP end it cleanly with exit code 143 or 129: no partial file is left.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored under `nohup`
            signal.signal(number, _stop)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals without Unicode
    try:
        if (project_root() / STATE).exists():
            with suppress(SetupError):  # a user without write access may still use commands that only read
                prepare_state(project_root())
        join_services()
        app()
    except SatietyError as error:
        sys.exit(str(error))


def _stop(number: int, _: object) -> None:
    """Exit cleanly; a second signal kills the process."""
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)


if __name__ == "__main__":
    run()
