"""Zooms into the boundary of trainability of Sohl-Dickstein 2024, each twelvefold, down to where float64 ends.

    python -m experiments.replication.zooms [--side 128] [--zooms 12] [--only tanh_single ...]

trains each window, finds where its boundary is densest, and goes on there. Written are strips of pictures,
docs/replication/fractal_zooms_NAME.png, the whole planes, docs/replication/fractal_planes.png, and windows, dimensions
and checksums, results/fractal_zooms/windows.csv. An interrupted series goes on where it was. With 512 elements a side,
a window of the whole plane takes 14 minutes of one core for tanh, 6 for relu, 0.6 for identity and 0.2 for tanh_single;
windows deep in the boundary take longer.
"""

import argparse
import csv
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

import sweep
from experiments.replication.dimension import local_slopes, sign_changes
from experiments.replication.drawing import save_png, styled
from experiments.replication.parts import Array
from experiments.replication.sections.fractal import CONDITIONS, coloured, pixels, planes
from sweep.spec.experiment import load

FOLDER = Path("results/fractal_zooms")
STRIPS = Path("docs/replication")
FACTOR = 12
POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
WIDEST = (-3.0, 6.0)
"""Ends of the outermost window, in log10 of his rates."""


class Window(NamedTuple):
    """Ends of the two axes in log10 of his rates: x of the input layer's, y of the output layer's."""

    x0: float
    x1: float
    y0: float
    y1: float

    def inside(self, picture: Array) -> "Window":
        """The window, `FACTOR` times smaller, around the place where the boundary is densest."""
        edge = sign_changes(picture < 0).astype(np.int64)
        side = max(len(picture) // FACTOR, 2)
        total = np.pad(edge.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        density = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
        row, column = np.unravel_index(int(np.argmax(density)), density.shape)
        places = [
            (low + (high - low) * (float(at) + side / 2) / len(picture), (high - low) / FACTOR / 2)
            for low, high, at in ((self.x0, self.x1, column), (self.y0, self.y1, row))
        ]
        (x, half_x), (y, half_y) = places
        return Window(x - half_x, x + half_x, y - half_y, y + half_y)


def experiment_of(base: Mapping[str, Any], number: int, window: Window, side: int) -> dict[str, Any]:
    """The experiment of one window of one of the grids of fractal.toml."""
    grid = base["grid"][number]
    squared = 1 / 16 if grid["activation"] == "identity" else 1 / 8
    ends = {"learning_rate": (window.y0, window.y1, 1 / 256), "hidden_learning_rate": (window.x0, window.x1, squared)}
    axes = {
        key: {"from": 10**low * factor, "to": 10**high * factor, "num": side, "scale": "log"}
        for key, (low, high, factor) in ends.items()
    }
    return {**base, "grid": {**grid, **axes}, "columns": ["gate", "learning_rate", "hidden_learning_rate", "init"]}


def zooms(
    base: Mapping[str, Any], number: int, side: int, n: int, folder: Path | None = None
) -> Iterator[tuple[Window, Array]]:
    """Windows and pictures from the outermost on, until they have no boundary or rates coincide.

    With a folder the runs of each window are kept there, so that an interrupted series goes on where it was.
    """
    window = Window(*WIDEST, *WIDEST)
    for zoom in range(n + 1):
        out = folder and folder / f"{zoom:02}"
        try:
            picture = pixels(sweep.run(experiment_of(base, number, window, side), out, figures=False), 0)
        except sweep.SweepError:
            return  # neighbouring rates are the same number
        if not 0 < (picture < 0).sum() < picture.size:
            return
        yield window, picture
        window = window.inside(picture)


def described(picture: Array) -> dict[str, str]:
    """Dimension of a picture's boundary, its local slopes, and the checksum of its classes."""
    slopes = local_slopes(sign_changes(picture < 0))
    dimension = f"{np.median(slopes):.3f}" if slopes.size else ""
    digest = hashlib.sha256(np.ascontiguousarray(picture < 0).tobytes()).hexdigest()
    return {
        "side": str(len(picture)),
        "dimension": dimension,
        "slopes": " ".join(f"{slope:.6g}" for slope in slopes),
        "sha256": digest,
    }


@styled
def strip(frames: Sequence[Array]) -> Figure:
    """Draw the pictures side by side, the outermost first."""
    n_columns = 7
    n_rows = -(-len(frames) // n_columns)
    figure = Figure(figsize=(1.37 * n_columns, 1.55 * n_rows), dpi=160, layout="constrained")
    for i, frame in enumerate(frames):
        axes = figure.add_subplot(n_rows, n_columns, i + 1)
        axes.imshow(coloured(frame), origin="lower", interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"× {FACTOR}{str(i).translate(POWERS)}" if i else "whole plane", fontsize=8)
        axes.grid(visible=False)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the zooms and write them; returns the exit status."""
    parser = argparse.ArgumentParser(description="Zoom into the boundary of trainability.")
    parser.add_argument("--side", type=int, default=128, help="picture elements a side (default: 128)")
    parser.add_argument("--zooms", type=int, default=12, help="how often to zoom (default: 12)")
    parser.add_argument("--only", nargs="+", choices=CONDITIONS, default=list(CONDITIONS), help="which conditions")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    base = load(Path("experiments/fractal.toml")).resolved()
    rows: list[dict[str, Any]] = []
    table = FOLDER / "windows.csv"
    if table.exists():
        with table.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["name"] not in options.only]
    for name in options.only:
        frames: list[Array] = []
        folder = FOLDER / f"{name}_{options.side}"
        for window, picture in zooms(base, list(CONDITIONS).index(name), options.side, options.zooms, folder):
            rows.append({"name": name, "zoom": len(frames), **window._asdict(), **described(picture)})
            frames.append(picture)
            width, dimension = window.x1 - window.x0, rows[-1]["dimension"]
            print(f"{name}: zoom {len(frames) - 1}, width {width:.2g}, dimension {dimension}", flush=True)
        if len(frames) > 1:
            save_png(strip(frames), STRIPS / f"fractal_zooms_{name}.png")
        with table.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    if all((FOLDER / f"{name}_{options.side}").exists() for name in CONDITIONS):
        whole = {name: sweep.read(FOLDER / f"{name}_{options.side}" / "00") for name in CONDITIONS}
        figure = planes({name: pixels(result, 0) for name, result in whole.items()}, 2)
        save_png(figure, STRIPS / "fractal_planes.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
