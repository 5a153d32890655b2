"""The page: its sections in order, what stands before them, and writing it."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import sweep
from experiments.replication.drawing import save_png
from experiments.replication.opening import opening
from experiments.replication.parts import NEW, Section, markdown
from experiments.replication.sections.boundary import trainability_boundary
from experiments.replication.sections.cycles import cycles
from experiments.replication.sections.fast_learners import fast_learners
from experiments.replication.sections.first_guess import first_guess
from experiments.replication.sections.five_inputs import five_inputs
from experiments.replication.sections.fractal import fractal
from experiments.replication.sections.kolen_pollack import kolen_pollack
from experiments.replication.sections.large_steps import large_steps
from experiments.replication.sections.one_hidden_unit import one_hidden_unit
from experiments.replication.sections.parity import parity
from experiments.replication.sections.published import published
from experiments.replication.sections.slices import slices
from experiments.replication.sections.xor import xor


class Part(NamedTuple):
    """A section of the page: how it is described, and the experiments whose results it takes, in order."""

    describe: Callable[..., Section]
    experiments: tuple[str, ...]


PARTS = {
    "xor": Part(xor, ("xor",)),
    "kolen_pollack": Part(kolen_pollack, ("kolen_pollack",)),
    "kolen_pollack_slices": Part(slices, ("kolen_pollack_slices",)),
    "fractal": Part(fractal, ("fractal",)),
    "trainability_boundary": Part(trainability_boundary, ("trainability_boundary",)),
    "parity": Part(parity, ("parity", "parity_fresh")),
    "published": Part(published, ("published",)),
    "fast_learners": Part(fast_learners, ("quickprop", "fast_learners")),
    "one_hidden_unit": Part(one_hidden_unit, ("one_hidden_unit",)),
    "large_steps": Part(large_steps, ("large_steps",)),
    "cycles": Part(cycles, ("cycles",)),
    "five_inputs": Part(five_inputs, ("five_inputs",)),
    "first_guess": Part(first_guess, ("first_guess",)),
}

OPENING = """# What others reported, and what we measure

![Two maps: starts and learning rates with which a tiny network learns XOR](replication/opening.png)

“One or the other, but not both” is the simplest rule that no straight line can tell. A network of nine numbers
can learn it. If it does depends on which nine numbers it begins with, and on how large a step it takes when it
is wrong. In the pictures every dot is one such network, trained from the beginning: at the left two of its nine
numbers vary, at the right its two step sizes. Dots that end well and dots that fail lie closer together than
one would think. For forty years people have reported how often and how fast such networks learn. This page
trains them again, each case hundreds to thousands of times from starts that anyone can draw again, and says
plainly where the reports hold, where they do not, and what comes out that nobody had reported.
"""

RULES = """The page is made by `make replication` from the results of the experiments named in it; every number and
every verdict is computed. *Agrees* says “yes” or “no” by the rule given in the section; “undecided” where the runs do
not settle it; “possible” where their settings are not known, and some of those scanned are compatible with what
they reported. A no may mean that they erred, or that we assumed wrongly where a source is silent. Lines from
**new** say what was, as far as we know, not reported before."""

HOW = """## How chance is accounted for

- **No run is left out** unless it is said. One that did not converge counts as later than the last epoch; a
  quantile that falls there is given as “>” or “+”.
- **Intervals.** Percentages have Wilson intervals, medians those of order statistics, at 95 % for a single
  number. A claim that rests on m intervals takes each at 1 − 0.05/m, so that they hold together with 95 %
  (Bonferroni), however they depend on each other.
- **Selection.** The best of many settings owes a part of its lead to luck. Wherever a best setting is quoted,
  some seeds choose it and others, as many for each case, say what it does.
- **Unknown settings.** Where a source is silent, settings are scanned, and a number is *possible* if any of
  them is compatible with it. A setting is compatible if the number lies in the range that the setting predicts
  for a number of its kind: a single run's in the range of single runs, a mean of 24 in that of such means. If
  theirs is among the scanned ones, others beside it do not make it less likely to be found compatible.
- **Shared seeds.** Seeds 0, 1, 2 … give the same draws in every setting unless a section says that it has seeds
  of its own. Runs of one setting are independent; settings are not independent of each other. So nothing here
  pools runs that share a seed into one interval, and no verdict multiplies probabilities of different settings.
- **The page as a whole.** {n} lines of the table above are verdicts on a report; each that rests on chance may
  be wrong with a probability of 5 %. The verdicts of one table hold together only in the sense of that rate:
  {expected} of {n} would be the expected number of errors at most.

**Rates.** The papers of 1986 to 1990 do not all state their loss. We assume an error of ½ Σ (target − output)²,
summed over the four rows of XOR in batch updates. Ours is the mean of squares over the rows, without ½, so that
their rate η is 2η in our batch updates and η/2 in our online ones. In the sections on these papers η is theirs."""


def page(sections: Mapping[str, Section]) -> str:
    """Write the page as Markdown."""
    claims = [list(claim) for section in sections.values() for claim in section.claims]
    n = sum(claim[0] != NEW for claim in claims)
    parts = [OPENING, RULES, markdown(["source", "reported", "measured here", "agrees"], claims)]
    parts.append(HOW.format(n=n, expected=f"{0.05 * n:.1f}"))
    for name, section in sections.items():
        parts += [f"## {section.heading}", *section.text, f"![{section.alt}](replication/{name}.png)"]
        sources = " and ".join(f"`experiments/{one}.toml`" for one in PARTS[name].experiments)
        parts.append(f"From {sources}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and its figures; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write replication.md and its figures from the results.")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="where the results are (default: results)"
    )
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the page goes (default: docs)")
    options = parser.parse_args(arguments)
    figures = options.out / "replication"
    sections = {}
    try:
        for name, part in PARTS.items():
            results = [sweep.read(options.results / experiment) for experiment in part.experiments]
            sections[name] = part.describe(*results)
        first = opening(
            *(sweep.read(options.results / name) for name in ("kolen_pollack_slices", "trainability_boundary"))
        )
    except (*sweep.SweepError, ValueError) as error:
        print(f"replication: {error}", file=sys.stderr)
        return 2
    figures.mkdir(parents=True, exist_ok=True)
    for name, section in sections.items():
        save_png(section.figure, figures / f"{name}.png")
    save_png(first, figures / "opening.png")
    (options.out / "replication.md").write_text(page(sections), encoding="utf-8")
    return 0
