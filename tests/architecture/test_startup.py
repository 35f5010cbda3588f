"""What answers `--help` imports nothing heavy. How long it takes is measured by benchmarks/startup.py."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HEAVY = ["torch", "transformers", "mlflow", "great_expectations", "nlpaug", "prefect", "pandas", "pyarrow", "sklearn"]
HEAVY += ["matplotlib", "jinja2"]
STAGES = [*yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"], "promote"]


def loaded(module: str) -> set[str]:
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
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("name", STAGES)
def test_the_help_of_a_stage_imports_nothing_heavy(name: str) -> None:
    assert not loaded(f"tasks.{name}")


def test_the_help_of_the_command_imports_nothing_heavy() -> None:
    assert not loaded("cli.main")
