"""`--help` imports nothing heavy. benchmarks/startup.py measures its time."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HEAVY = ["torch", "transformers", "mlflow", "great_expectations", "nlpaug", "prefect", "pandas", "pyarrow", "sklearn"]
HEAVY += ["matplotlib", "jinja2"]
STAGES = [*yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"], "promote"]


def find_heavy_imports(module: str) -> set[str]:
    """Return which heavy libraries ``python -m module --help`` imports."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{module!r}, '--help']\n"
        "try:\n"
        f"    runpy.run_module({module!r}, run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print('HEAVY', *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    process = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    assert "usage" in process.stdout.lower()
    return set(process.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("name", STAGES)
def test_the_help_of_a_stage_imports_nothing_heavy(name: str) -> None:
    assert not find_heavy_imports(f"tasks.{name}")


def test_the_help_of_the_command_imports_nothing_heavy() -> None:
    assert not find_heavy_imports("cli.main")
