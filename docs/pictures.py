"""The project's own services, really running, with a real run in them -> docs/pictures/*.png, by a headless Chromium.

python docs/pictures.py        or `make pictures`, which installs what it needs

Starts the services where they do not run, and the flow `pipeline` where none has completed yet; the browser reaches
this machine only.
"""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, sync_playwright
from rich.console import Console
from rich.text import Text

from cli.health import request_json
from cli.up import start_services, stop_services
from satiety.core.services import is_running, join_services, read
from satiety.core.settings import project_root

PICTURES = Path("docs/pictures")
SIZE = {"width": 1360, "height": 850}
REFUSED = set[str]()
"""Where the pages wanted to go outside this machine: nowhere, or we have told somebody wrong."""
BYTES = 300_000
"""A picture larger than that is a mistake."""
COLOURS = 256
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REMEMBERED = {
    "mlflow.workflowType_v1": '"machine_learning"',
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.assistant.panelOpen_v1": "false",
}
"""What the browser of somebody who trains models, and has closed the offer to chat, knows of MLflow's pages."""
CURVES = "^(dev|train)_"
"""The charts to show of a training run."""
PATIENCE = 60_000
"""Milliseconds until a page must show what it is photographed for."""
DRAWN = 4_000
"""Milliseconds in which a chart draws itself."""
YEAR = Path("examples/year/year.html")
"""Made by `make year`."""
REPORT = "satiety report"
WIDTH = 92
"""Columns of the terminal in the picture."""
MONOSPACE = "DejaVu Sans Mono, Noto Sans Mono, monospace"


def main() -> None:
    """Take every picture; end the services again where they did not run before."""
    root = project_root()
    ours = not is_running(root)
    start_services(root, print)
    join_services()
    try:
        with browser(read(root)) as context:
            for name, what in shots(context):
                save(name, what.screenshot())
    finally:
        if ours:
            print(stop_services(root))
    if REFUSED:
        sys.exit("the pages wanted to tell others: " + ", ".join(sorted(REFUSED)))


def shots(context: BrowserContext) -> Iterator[tuple[str, Page | Locator]]:
    """Yield each picture's name and what is on it, a whole page or a part of one, ready to be taken."""
    run = completed()
    yield "prefect-run", prefect_run(context, run)
    client = MlflowClient()
    wanted = "attributes.run_name = 'finetune' and attributes.status = 'FINISHED'"
    experiment = client.get_experiment_by_name("satiety").experiment_id
    yield "mlflow-run", mlflow_run(context, client.search_runs([experiment], wanted, max_results=1)[0])
    newest = client.search_model_versions(order_by=["last_updated_timestamp DESC"], max_results=1)[0]
    yield "mlflow-model", mlflow_model(context, newest)
    yield "data-docs", data_docs(context)
    yield "worth", meter(context)
    yield "terminal", terminal(context)
    if YEAR.is_file():
        yield "year", year(context)


@contextmanager
def browser(known: dict[str, str]) -> Iterator[BrowserContext]:
    """Open a Chromium that knows both passwords, and can reach nothing but this machine."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    user, password = known["MLFLOW_TRACKING_USERNAME"], known["MLFLOW_TRACKING_PASSWORD"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        context = opened.new_context(
            viewport=SIZE, color_scheme="light", http_credentials={"username": user, "password": password}
        )
        token = base64.b64encode(known["PREFECT_API_AUTH_STRING"].encode()).decode()
        stored = json.dumps(REMEMBERED | {"prefect-password": token})
        context.add_init_script(f"if (location.protocol == 'http:') Object.assign(localStorage, {stored})")
        context.route(lambda url: not re.match(r"(http://127\.0\.0\.1:|file:|data:|blob:)", url), refuse)
        context.set_default_timeout(PATIENCE)
        yield context
        opened.close()


def refuse(route: Any) -> None:
    """Stop a request that would leave this machine, and remember it."""
    REFUSED.add(route.request.url.partition("?")[0])
    route.abort()


def completed() -> dict[str, Any]:
    """Return the longest completed run of the flow `pipeline`; run it where there is none."""
    wanted = {"flows": {"name": {"any_": ["pipeline"]}}, "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    if not (runs := prefect("flow_runs/filter", wanted)):
        subprocess.run([sys.executable, "-m", "flows.pipeline"], check=True)
        runs = prefect("flow_runs/filter", wanted)
    longest: dict[str, Any] = max(runs, key=lambda run: run["total_run_time"])
    return longest


def prefect(path: str, body: dict[str, Any]) -> Any:
    """Return what Prefect's API answers."""
    return request_json("POST", f"{os.environ['PREFECT_API_URL']}/{path}", os.environ["PREFECT_API_AUTH_STRING"], body)


def prefect_run(context: BrowserContext, run: dict[str, Any]) -> Page:
    """Open the page of a flow run, with its stages side by side in time."""
    page = context.new_page()
    page.goto(f"{os.environ['PREFECT_API_URL'].removesuffix('/api')}/runs/flow-run/{run['id']}")
    page.locator("canvas").first.wait_for()
    page.get_by_text("Beginning flow run").first.wait_for()
    page.wait_for_timeout(DRAWN)  # the bars are no text that one could wait for
    return page


def mlflow_run(context: BrowserContext, run: Any) -> Page:
    """Open the curves of a run."""
    page, known = context.new_page(), run.info
    page.goto(
        f"{os.environ['MLFLOW_TRACKING_URI']}/#/experiments/{known.experiment_id}/runs/{known.run_id}/model-metrics"
    )
    page.locator("svg.main-svg").first.wait_for()
    page.get_by_placeholder("Search metric charts").fill(CURVES)
    page.wait_for_timeout(DRAWN)
    return page


def mlflow_model(context: BrowserContext, version: Any) -> Page:
    """Open the page of a version of the registered model."""
    page = context.new_page()
    page.goto(f"{os.environ['MLFLOW_TRACKING_URI']}/#/models/{version.name}/versions/{version.version}")
    page.get_by_text("frozen test examples").first.wait_for()
    return page


def data_docs(context: BrowserContext) -> Page:
    """Open what was expected of the labelled examples, and what was found."""
    page = context.new_page()
    page.goto(next((project_root() / "reports/data_docs").glob("labelled_*.html")).as_uri())
    return page


def meter(context: BrowserContext) -> Page:
    """Open the meter's page, as far down as its learning curve goes."""
    page = context.new_page()
    page.set_viewport_size({"width": 1100, "height": 1000})
    page.goto((project_root() / "reports/worth.html").as_uri())
    return page


def year(context: BrowserContext) -> Locator:
    """Open the picture of the year: scores, what was planted, and what was done."""
    page = context.new_page()
    page.set_viewport_size({"width": 1128, "height": 900})
    page.goto(YEAR.resolve().as_uri())
    return page.locator("figure")


def terminal(context: BrowserContext) -> Locator:
    """Open what `satiety report` writes into a terminal of this width."""
    around = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    said = subprocess.run(REPORT.split(), env=around, text=True, capture_output=True, check=True).stdout
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text(f"$ {REPORT}", style="bold green"), Text.from_ansi(said.rstrip()), sep="\n")
    drawn = console.export_svg(title="Satiety")
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace("Fira Code, monospace", MONOSPACE)
    page = context.new_page()
    page.set_content(f"<body style='margin:0'>{drawn}</body>")
    return page.locator("svg").first


def save(name: str, png: bytes) -> None:
    """Write a picture with as few colours as it can do with."""
    path = PICTURES / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes")
    if size > BYTES:
        sys.exit(f"{path}: larger than {BYTES:,} bytes")


if __name__ == "__main__":
    main()
