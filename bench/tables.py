"""Measurements on disk and in words: bench.csv, roof.csv, machine.json, and the table in README.md."""

import csv
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args, get_type_hints

from bench.roof import Reached, Roof
from bench.sizes import Size
from bench.timing import Row
from bench.ways import ALL
from sweep.kernel.plan import vector_width

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "bench"
BEGIN, END = "<!-- what `make bench` has found: begin -->", "<!-- end -->"

SIZES = "results/bench/sizes.png"
_SHARES = {
    "a bare loop of sigmoids": "share_of_sigmoids",
    "a bare loop of multiply-adds": "share_of_multiply_adds",
}
_PACKAGES = ("sweep", "numpy", "numba", "llvmlite", "jax", "jaxlib", "torch")
_SIGNIFICANT = 6


def write_rows(path: Path, rows: Sequence[Row] | Sequence[Reached] | Sequence[Size]) -> None:
    """Write named tuples of one kind as CSV, numbers with six digits, None as nothing."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0]._fields)
        writer.writerows([_cell(value) for value in row] for row in rows)


def read_rows(path: Path, kind: type[Any]) -> list[Any]:
    """Read named tuples of a kind that `write_rows` has written."""
    types = get_type_hints(kind)
    with path.open(newline="") as file:
        return [kind(**{name: _value(text, types[name]) for name, text in row.items()}) for row in csv.DictReader(file)]


def _cell(value: object) -> object:
    return f"{value:.{_SIGNIFICANT}g}" if isinstance(value, float) else "" if value is None else value


def _value(text: str, kind: Any) -> Any:
    """A cell's value; an empty one is None where that is allowed."""
    alternatives = get_args(kind) or (kind,)
    return None if not text and type(None) in alternatives else alternatives[0](text)


def machine(rounds: int, roof: Roof) -> dict[str, Any]:
    """Describe the machine and the packages, ready for JSON."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "vectors": "AVX-512" if vector_width() == 8 else f"{vector_width()} float64",
        "sizes": True,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "rounds": rounds,
        "sigmoids_per_second": float(f"{roof.sigmoids:.3g}"),
        "multiply_adds_per_second": float(f"{roof.multiply_adds:.3g}"),
    }


def _cpu() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def text_of(rows: Iterable[Row]) -> list[str]:
    """A workload's rows as lines for a terminal."""
    lines = [f"{'':34}{'cores':>6}{'seconds':>9}{'M epochs/s':>12}{'× ours':>8}{'min':>8}{'max':>8}  same epochs"]
    for row in rows:
        ratios = "".join(f"{_short(value):>8}" for value in (row.ratio_median, row.ratio_min, row.ratio_max))
        same = "" if row.share_same_epochs is None else f"{row.share_same_epochs:.2%}"
        part = "" if row.share_run == 1 else f"extrapolated from {row.share_run:.2%} of the model-epochs"
        remark = "; ".join(filter(None, (part, row.note)))
        speed = row.model_epochs_per_second / 1e6
        lines.append(
            f"{row.way:34}{row.cores:>6}{row.seconds_median:9.2f}{speed:12.2f}{ratios}  {same:>8}  {remark}".rstrip()
        )
    return lines


def text_of_roof(roof: Roof, reached: Iterable[Reached]) -> list[str]:
    """The roof as lines for a terminal."""
    lines = [
        f"one core, per second: {roof.sigmoids / 1e6:,.0f} million sigmoids, "
        f"{roof.multiply_adds / 1e9:.1f} billion multiply-adds",
        f"{'':34}{'sigmoids':>9}{'mult.-adds':>11}{'M epochs/s':>12}"
        f"{'of sigmoids':>13}{'of both':>9}{'of operations':>15}{'instructions':>14}",
    ]
    for row in reached:
        counted = "" if row.instructions is None else f"{row.instructions:.1f}"
        speed = row.model_epochs_per_second / 1e6
        lines.append(
            f"{row.workload:34}{row.sigmoids:>9}{row.multiply_adds:>11}{speed:12.1f}"
            f"{row.share_of_sigmoids:>13.0%}{row.share_of_both:>9.0%}{row.share_of_multiply_adds:>15.0%}{counted:>14}"
        )
    return lines


def _short(value: float) -> str:
    """Two digits, or all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def readme_block(rows: Sequence[Row], reached: Sequence[Reached], where: Mapping[str, Any]) -> str:
    """The part of README.md between the markers: how many times as long as ours each way takes, and on what machine."""
    measured = {row.workload for row in rows}
    titles = [workload.title for workload in ALL if workload.title in measured]
    ways = list(dict.fromkeys(row.way for row in rows if row.workload in titles and row.way != row.beside))
    found = {(row.workload, row.way): row for row in rows}
    baselines = [row for row in rows if row.way == row.beside and row.workload in titles]
    lines = [_line(["", *titles]), _line(["---", *["--:"] * len(titles)])]
    lines += [
        _line([f"**{name}**", *(f"{found[title, name].seconds_median:.2f} s" for title in titles)])
        for name in dict.fromkeys(row.way for row in baselines)
    ]
    for way in ways:
        n_cores = next(row.cores for row in rows if row.way == way)
        cells = [_ratio(found.get((title, way))) for title in titles]
        lines.append(_line([f"{way}, {n_cores} core{'s' if n_cores > 1 else ''}", *cells]))
    epochs = [f"{found[title, baselines[0].way].model_epochs_per_second / 1e6:.1f}" for title in titles]
    lines.append(_line(["million model-epochs per second on a core, ours", *epochs]))
    for name, share in _SHARES.items():
        shares = {row.workload: f"{getattr(row, share):.0%}" for row in reached if getattr(row, share) is not None}
        if shares:
            lines.append(_line([f"speed relative to {name}", *(shares.get(title, "") for title in titles)]))
    picture = [f"\n![Speed over size]({SIZES})"] if where.get("sizes") else []
    return "\n".join([BEGIN, _measured_on(where), "", *lines, *picture, END])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{_short(row.ratio_median)} ({_short(row.ratio_min)}–{_short(row.ratio_max)})"


def _measured_on(where: Mapping[str, Any]) -> str:
    packages = ", ".join(
        f"{name} {number}" for name, number in where["packages"].items() if name not in ("sweep", "jaxlib")
    )
    return (
        f"Measured on {where['cores']} cores of {where['cpu']}{_vectors(where)}, {where['system']}, "
        f"Python {where['python']}, {packages}; medians of {where['rounds']} interleaved rounds, minimum–maximum "
        "in brackets."
    )


def _vectors(where: Mapping[str, Any]) -> str:
    return f" with {where['vectors']}" if "vectors" in where else ""


def with_block(readme: str, block: str) -> str:
    """README.md's text with this block in the place of the one that it has."""
    before, _, rest = readme.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"README.md lacks {BEGIN!r} … {END!r}")
    return before + block + after


def committed_block(directory: Path = RESULTS) -> str:
    """The block that follows from the files in a directory."""
    rows, reached = read_rows(directory / "bench.csv", Row), read_rows(directory / "roof.csv", Reached)
    return readme_block(rows, reached, json.loads((directory / "machine.json").read_text()))
