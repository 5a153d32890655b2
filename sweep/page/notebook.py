"""A result as a notebook shows it: the question, the answer, the main figure, how often runs converged."""

import base64
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from sweep.analysis.findings import Findings
from sweep.answer.captions import described
from sweep.answer.overview import overview

MAX_ROWS = 10
"""Rows of the summary that are shown."""


def shown(findings: Findings, answered: Sequence[str]) -> str:
    """A result as HTML that stands within a page: question, answer, main figure, a few rows, the first of the summary.

    The figure is the report's first, taken from there if it has been drawn, else drawn.
    """
    result = findings.result
    parts = [f"<h3>{escape(result.manifest.get('question') or result.manifest['name'])}</h3>"]
    parts += [f"<p>{escape(sentence)}</p>" for sentence in answered]
    parts += _figure(findings, answered)
    found = overview(findings)
    if found.rows:
        parts.append(_table(found.columns, found.rows))
        parts += [f"<p><small>{escape(found.note)}</small></p>"] if found.note else []
        summary = result.summary
        first = summary.head(MAX_ROWS)
        named = f"<code>summary</code>: {len(first):,} of {len(summary):,} settings"
        cells = [[str(cell) for cell in row] for row in first.itertuples(index=False)]
        parts.append(
            f'<details><summary>{named}</summary><div style="overflow-x: auto">'
            f"{_table(list(map(str, first.columns)), cells)}</div></details>"
        )
    return f"<div>{''.join(parts)}</div>"


def _figure(findings: Findings, answered: Sequence[str]) -> list[str]:
    from sweep.plots.drawing.style import save
    from sweep.plots.registry import figures_for

    result = findings.result
    name, draw = next(iter(figures_for(findings).items()), (None, None))
    if name is None or draw is None:
        return []
    file = f"figures/{name}.png"
    if result.path is not None and file in result.manifest["files"] and (result.path / file).exists():
        picture = (result.path / file).read_bytes()
    else:
        with tempfile.TemporaryDirectory() as folder:
            save(draw(findings), Path(folder) / name)
            picture = (Path(folder) / f"{name}.png").read_bytes()
    source = f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"
    description = described(findings, name, answered)
    return [
        f'<img src="{source}" alt="{escape(description.alt)}" style="max-width: 100%; background: white">'
        f"<p><small>{escape(description.caption)}</small></p>"
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
