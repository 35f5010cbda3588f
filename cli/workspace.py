"""A params.yaml -> a folder in which `dvc repro` runs it: the root's dvc.yaml written anew, data/raw/ and a .gitignore.

A problem other than the default lives in a folder of its own inside the project, so that problems never overwrite each
other's results; cache, lock and registry are shared. DVC takes each folder's dvc.yaml for itself.
"""

import os
import subprocess
from pathlib import Path

from flows.dvc import build_environment
from flows.lock import repair_rwlock
from satiety.core.errors import SetupError
from satiety.core.files import write_text
from satiety.core.project import check_version
from satiety.core.section import PARAMS_FILE, read_yaml
from satiety.core.settings import project_root
from satiety.core.state import STATE, prepare_site
from tasks.stage import begin_pipeline

HEADER = "# Made from the root's dvc.yaml by `satiety workspace {path}`; change that one, then run the command again.\n"
ROOT_LINE = "  - root: ."
# `?*`, for DVC takes `/data/*` for a word on the folder, too, and would see no .dvc file in it.
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
"""What git leaves alone: DVC keeps it, or it is true of this machine only. Raw data is never committed by accident."""


PLOTS_TEMPLATE = STATE / "plots.html"
VEGA_LITE_VERSION = "5.20"
"""The newest that reads the charts of DVC, which are of Vega-Lite 5."""
PLOTS_PAGE = """\
<!DOCTYPE html>
<html>
<head><meta charset="utf-8">{refresh_tag}<title>DVC plots</title><script>VEGA</script></head>
<body>{plot_divs}</body>
</html>
"""


def make_workspace(params: Path) -> str:
    """Make the params file's folder ready; return one line saying so. Doing it again changes nothing.

    Raises:
        SetupError: the file is missing, called otherwise, or outside the project; or a dvc.yaml of the user's is there.
        ParamsError: the file is of an earlier version, or no YAML.
    """
    file = params / PARAMS_FILE if params.is_dir() else params
    path = file.resolve()
    folder, root = path.parent, project_root(path.parent)
    if path.name != PARAMS_FILE.name:
        raise SetupError(
            f"{params}: must be called {PARAMS_FILE}, for DVC reads no other name; give it a folder of its own"
        )
    if not path.is_file():
        raise SetupError(f"{params}: no such file; copy the root's {PARAMS_FILE} there and change it")
    if not (root / "dvc.yaml").is_file() or not (root / ".dvc").is_dir():
        raise SetupError(
            f"{params}: lies outside a project: no folder above it has a .dvc/ and a dvc.yaml; put it below the root"
        )
    check_version(file, read_yaml(file))
    if folder != root:
        _write(folder / "dvc.yaml", render_stages(folder, root))
        _create_missing(folder / "data" / "raw" / ".gitkeep", "")
        _create_missing(folder / ".gitignore", GITIGNORE)
    begin_pipeline(folder)
    repair_rwlock(root)
    _configure_dvc(root)
    return f"{os.path.relpath(folder)}: ready; run `dvc repro` there"


def render_stages(folder: Path, root: Path) -> str:
    """Return the root's dvc.yaml as it must stand in ``folder``."""
    relative_root = Path(os.path.relpath(root, folder)).as_posix()
    path = folder.relative_to(root).as_posix()
    lines = (root / "dvc.yaml").read_text(encoding="utf-8").splitlines()
    roots = [number for number, line in enumerate(lines) if line.partition("#")[0].rstrip() == ROOT_LINE]
    if len(roots) != 1:
        raise SetupError(f"{root / 'dvc.yaml'}: must hold the line {ROOT_LINE.strip()!r} once under vars")
    lines[roots[0]] = f"  - root: {relative_root}"
    return HEADER.format(path=path) + "\n".join(lines) + "\n"


def _configure_dvc(root: Path) -> None:
    """Set where DVC's pickles and the template of its plots lie, in a file that only its owner reads."""
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
            raise SetupError(f"{config}: DVC cannot write it: {process.stderr.strip()}")
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
    vega = vl_convert.javascript_bundle(vl_version=VEGA_LITE_VERSION)
    write_text(path, PLOTS_PAGE.replace("VEGA", vega))
    return True


def _write(path: Path, text: str) -> None:
    content = path.read_text(encoding="utf-8") if path.exists() else None
    if content is not None and not content.startswith(HEADER.partition("{")[0]):
        raise SetupError(f"{path}: was not made by `satiety workspace`; move it away, or it would be lost")
    if content != text:
        write_text(path, text)


def _create_missing(path: Path, text: str) -> None:
    if not path.exists():
        write_text(path, text)
