"""The distributions that `pip` gets, installed into an environment of their own outside the clone."""

import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

import pytest

import sweep

CLONE = Path(__file__).parents[1]
EXPERIMENT = '[grid]\ngate = ["AND", "XOR"]\nlearning_rate = [0.1, 1]\nseeds = 20\n[train]\nmax_epochs = 100\n'


def call(*command: str | Path, folder: Path) -> str:
    """Call a program that knows nothing of the clone; return what it prints."""
    known = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(package: Path) -> dict[Path, bytes]:
    """Files of a package by their place in it."""
    found = (path for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {path.relative_to(package): path.read_bytes() for path in found}


@pytest.mark.processes
def test_wheel_and_source_distribution_run_an_experiment_and_its_report(tmp_path: Path) -> None:
    copy = tmp_path / "copy"  # where no earlier build left a list of files
    shutil.copytree(CLONE / "sweep", copy / "sweep", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(CLONE / name, copy)
    call(sys.executable, "-m", "build", "--outdir", tmp_path, copy, folder=tmp_path)
    (source,), (wheel,) = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    assert f"sweep-{sweep.__version__}" in source.name and f"sweep-{sweep.__version__}" in wheel.name
    tested = [f"{package.name}=={package.version}\n" for package in distributions() if package.name != "sweep"]
    (tmp_path / "tested.txt").write_text("".join(sorted(tested)))
    (tmp_path / "small.toml").write_text(EXPERIMENT)
    venv.create(tmp_path / "env", with_pip=True)
    run = tmp_path / "env" / "bin"
    for distribution in (wheel, source):
        folder = tmp_path / distribution.suffix[1:]
        folder.mkdir()
        options = ("--quiet", "--disable-pip-version-check", "--constraint", "tested.txt")
        call(run / "pip", "install", *options, distribution, folder=tmp_path)
        (place,) = call(run / "python", "-c", "import sweep; print(sweep.__path__[0])", folder=folder).split()
        assert Path(place).is_relative_to(tmp_path)
        assert files(Path(place)) == files(CLONE / "sweep")
        call(run / "sweep", "run", "../small.toml", folder=folder)
        written = (folder / "results/small/report.html").read_bytes()
        (folder / "results/small/report.html").unlink()
        call(run / "sweep", "report", "results/small", folder=folder)
        assert (folder / "results/small/report.html").read_bytes() == written
        call(run / "sweep", "verify", "results/small", folder=folder)
        call(run / "pip", "uninstall", "--yes", "sweep", folder=tmp_path)
