"""`satiety workspace`: prepare the folder of a params.yaml for `dvc repro`.

Each further problem has a folder inside the project with its own dvc.yaml, data and results. Cache, locks and registry
are shared.
"""

import os
import subprocess
from pathlib import Path

from flows.dvc import build_environment
from flows.recovery import repair_rwlock
from satiety.core.errors import SetupError
from satiety.core.files import write_text
from satiety.core.project import check_version
from satiety.core.section import PARAMS_FILE, read_yaml
from satiety.core.settings import project_root
from satiety.core.state import STATE, prepare_site
from tasks.stage import begin_pipeline

HEADER = "# Made from the root's dvc.yaml by `satiety workspace {path}`; change that one, then run the command again.\n"
ROOT_LINE = "  - root: ."
# `?*`, since DVC applies `/data/*` to the folder itself and would ignore the .dvc files in it.
GITIGNORE = """\
/.satiety/
/data/?*
!/data/*.dvc
!/data/raw/
/data/raw/?*
!/data/raw/.gitkeep
!/data/raw/README.md
!/data/raw/*.dvc
/models/
/reports/data_docs/
/reports/worth.html
/reports/worth.zh.html
/reports/promote.json
/reports/monitor*
"""
"""Ignored by git: files tracked by DVC, raw data and local state."""


PLOTS_TEMPLATE = STATE / "plots.html"
VEGA_LITE_VERSION = "5.20"
"""The newest that reads the charts of DVC, which are of Vega-Lite 5."""
VEGA_EXPORTS = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"
PLOTS_PAGE = """\
<!DOCTYPE html>
<html>
<head><meta charset="utf-8">{refresh_tag}<title>DVC plots</title><script>VEGA</script></head>
<body>{plot_divs}</body>
</html>
"""


def make_workspace(params: Path) -> str:
    """Prepare the folder of a params.yaml; return a message. Running it again changes nothing.

    Raises:
        SetupError: the file is missing, has another name or is outside a project, or dvc.yaml was not generated.
        ParamsError: the file is not YAML or of an earlier version.
    """
    file = params / PARAMS_FILE if params.is_dir() else params
    path = file.resolve()
    folder, root = path.parent, project_root(path.parent)
    if path.name != PARAMS_FILE.name and not path.exists():
        raise SetupError(f"{params}: no such file or folder")
    if path.name != PARAMS_FILE.name:
        raise SetupError(
            f"{params}: DVC requires the name {PARAMS_FILE}; rename the file and move it to a separate folder"
        )
    if not path.is_file():
        raise SetupError(f"{params}: no such file; copy the root's {PARAMS_FILE} there and edit it")
    if not (root / "dvc.yaml").is_file() or not (root / ".dvc").is_dir():
        raise SetupError(f"{params}: not in a project: no parent folder has .dvc/ and dvc.yaml; move it into a project")
    check_version(file, read_yaml(file))
    if folder != root:
        _write(folder / "dvc.yaml", render_stages(folder, root))
        _create_missing(folder / "data" / "raw" / ".gitkeep", "")
        _create_missing(folder / ".gitignore", GITIGNORE)
    begin_pipeline(folder)
    repair_rwlock(root)
    _configure_dvc(root)
    return f"{os.path.relpath(folder)}: ready; run `dvc repro` in it"


def render_stages(folder: Path, root: Path) -> str:
    """Return the root's dvc.yaml, adapted to a folder."""
    relative_root = Path(os.path.relpath(root, folder)).as_posix()
    path = folder.relative_to(root).as_posix()
    lines = (root / "dvc.yaml").read_text(encoding="utf-8").splitlines()
    roots = [number for number, line in enumerate(lines) if line.partition("#")[0].rstrip() == ROOT_LINE]
    if len(roots) != 1:
        raise SetupError(f"{root / 'dvc.yaml'}: must contain the line {ROOT_LINE.strip()!r} exactly once in vars")
    lines[roots[0]] = f"  - root: {relative_root}"
    return HEADER.format(path=path) + "\n".join(lines) + "\n"


def _configure_dvc(root: Path) -> None:
    """Set DVC's folder for pickles and its template of plots in config.local, readable by its owner only."""
    options = {"core.site_cache_dir": str(prepare_site(root))}
    if _write_plots_template(root / PLOTS_TEMPLATE):
        options["plots.html_template"] = f"../{PLOTS_TEMPLATE.as_posix()}"  # seen from .dvc
    config = root / ".dvc" / "config.local"
    for name, value in options.items():
        if config.is_file() and value in config.read_text(encoding="utf-8"):
            continue
        command = ["dvc", "config", "--local", name, value]
        process = subprocess.run(
            command, cwd=root, env=build_environment(), capture_output=True, text=True, check=False
        )
        if process.returncode:
            raise SetupError(f"{config}: DVC cannot write the file: {process.stderr.strip()}")
    config.chmod(0o600)


def _write_plots_template(path: Path) -> bool:
    """Write the page that `dvc plots` fills, with Vega in it; return whether it is there.

    Vega comes with vl-convert. Where that is not installed, DVC's own page stays, which loads Vega from a CDN.
    """
    if path.is_file():
        return True
    try:
        import vl_convert
    except ImportError:
        return False
    vega = vl_convert.javascript_bundle(VEGA_EXPORTS, VEGA_LITE_VERSION)
    write_text(path, PLOTS_PAGE.replace("VEGA", vega))
    return True


def _write(path: Path, text: str) -> None:
    content = path.read_text(encoding="utf-8") if path.exists() else None
    if content is not None and not content.startswith(HEADER.partition("{")[0]):
        raise SetupError(f"{path}: not generated by `satiety workspace`, so it is not overwritten; move it away")
    if content != text:
        write_text(path, text)


def _create_missing(path: Path, text: str) -> None:
    if not path.exists():
        write_text(path, text)
