"""The share of runs that converged."""

from sweep.analysis.findings import Findings
from sweep.plots.drawing.canvas import panels, rows
from sweep.plots.drawing.lines import FEW_POINTS, band, lines, note_if_none_converged, plot, row_positions
from sweep.plots.drawing.looks import check_runs, line_handles, looks_of, per, present
from sweep.plots.drawing.marks import Drawing, figure_of, mark
from sweep.plots.drawing.scales import percent_ticks, scale_x
from sweep.plots.drawing.style import styled
from sweep.words import label


@styled
def success_rate(findings: Findings) -> Drawing:
    """Draw the share of runs that converged, with its Wilson 95 % interval as a band or a bar."""
    check_runs(findings)
    layout, table = findings.layout, findings.points
    title = "Share of runs that converged" + per(layout)
    if table["converged_low"].notna().any():
        title += ", with 95\N{NO-BREAK SPACE}% intervals"
    looks = looks_of(list(table["line"].cat.categories), layout, findings.settings)
    legend = line_handles(looks, layout, findings.settings)
    if layout.x is None:
        names = present(table["panel"], "all runs")
        counts = [f"{row.n_converged:,} of {row.n:,}" for row in table.sort_values("panel").itertuples()]
        remarks = counts if len(counts) == len(names) else []
        axes = rows(names, title, "share of runs that converged", legend, remarks)
        for y, look, row in row_positions(table, looks):
            axes.hlines(y, row["converged_low"], row["converged_high"], color=look.colour, linewidth=4, alpha=0.35)
            axes.plot(row["converged_rate"], y, "o", color=look.colour, markersize=6, clip_on=False, zorder=3)
            mark(axes, row["converged_rate"], y, [row["rows"]])
        axes.set_xlim(-0.02, 1.02)
        percent_ticks(axes.xaxis)
        return figure_of(axes)

    names = present(table["panel"])
    all_axes = panels(names, title, label(layout.x), "runs that converged", legend)
    few = table["x"].nunique() <= FEW_POINTS
    for axes, name in zip(all_axes, names, strict=True):
        drawn = lines(table, name, looks)
        for look, line in drawn:
            band(axes, look, line["x"], line["converged_low"], line["converged_high"])
            plot(axes, look, line["x"], line["converged_rate"], few)
            mark(axes, line["x"], line["converged_rate"], line["rows"], line=look.name)
        note_if_none_converged(axes, [line for _, line in drawn])
        axes.set_ylim(-0.05, 1.05)
        percent_ticks(axes.yaxis)
        scale_x(axes, table["x"].to_numpy())
    return figure_of(all_axes[0])
