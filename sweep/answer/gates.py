"""Sentences about gates: which were learned, how fast, and why the others cannot be."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.analysis.names import inputs_of
from sweep.analysis.predictions import fewest_epochs, out_of_reach, plain, predicted_target
from sweep.analysis.question.best import Best, By
from sweep.analysis.question.effects import CHANCE
from sweep.analysis.question.instead import DIVERGED, HALF, Instead
from sweep.analysis.question.separable import MAX_INPUTS, separable
from sweep.analysis.question.subject import asked_for
from sweep.answer.best import at_best, best_has, of_runs, rate_or_median
from sweep.answer.names import setting
from sweep.spec.classes import members
from sweep.spec.gates import n_inputs, shown, truth_table
from sweep.spec.theory import Separable
from sweep.words import NBSP, capital, counted, exact, joined, nats, p_value, percent, small, span

MAX_NAMED = 4
MAX_CLASSES = 200
"""Classes whose members are counted."""
FEWEST_FAILED = 10
"""Failed runs of a gate from which on it is told what they answer."""


def gates(findings: Findings) -> list[str]:
    """Tell which gates were learned, each at its best setting, and why the others were not."""
    counts = findings.counts.groupby(findings.varied["gate"], observed=True).sum()
    learned = [str(gate) for gate in counts.index[counts["n_converged"] > 0]]
    never = [str(gate) for gate in counts.index[counts["n_converged"] == 0] if gate not in findings.unreachable]
    who, why = capital(_model(findings)), separability(findings)
    none = _none_of(counts.loc[never, "n"]) if never else ""
    if not learned:
        return [*([f"{who} never learned {_never(never, 'any of the')}: {none}."] if never else []), *why]
    if not never:
        sentences = [f"{who} learned {_named(learned, 'all' if len(learned) == len(counts) else 'the other')}."]
    else:
        some = f"{small(len(learned))} of the {small(len(counts))} gates"
        some = some if len(learned) > MAX_NAMED else joined(learned)
        sentences = [f"{who} learned {some}; it never learned {_never(never, 'any of the other')}: {none}."]
    if not findings.chooses:
        return [*sentences, *why]
    by = asked_for(findings.experiment.question)[-1]
    bests = findings.best([np.flatnonzero(findings.varied["gate"] == gate) for gate in learned], by)
    if len(learned) > MAX_NAMED:
        return [*sentences, *why[:1], _each(findings, learned, bests, by), *why[1:]]
    texts: dict[str, list[str]] = {}
    for gate, best in zip(learned, bests, strict=True):
        has = best_has(best, setting(findings, best.row, ["gate"]), by)
        texts.setdefault(f"{has}: {of_runs(findings, best)}" if has else of_runs(findings, best), []).append(gate)
    return [
        *sentences,
        *(f"{capital(called(names))}{' each' * (len(names) > 1)}: {text}." for text, names in texts.items()),
        *why,
    ]


def _each(findings: Findings, names: Sequence[str], bests: Sequence[Best], by: By) -> str:
    """How many gates were learned, each at its best setting."""
    shares, medians = ([rate_or_median(findings, best, kind) for best in bests] for kind in ("often", "fast"))
    rates = [best.n_converged / best.n for best in bests]
    sizes = sorted({best.n for best in bests})
    share = f"{_ends(names, rates, shares)} of the runs of each converged"
    if min(rates) == 1.0:
        share = f"all {sizes[0]:,} runs of each converged" if len(sizes) == 1 else "all runs converged"
        share = "the one run of each converged" if sizes == [1] else share
    within = "within" if sizes == [1] else "half of all within"
    return capital(f"{at_best(bests, by)}{share}, {within} {_ends(names, [best.q50 for best in bests], medians)}.")


def _ends(names: Sequence[str], values: Sequence[float], texts: Sequence[str]) -> str:
    """The lowest and the highest of some values, each with a name; one where they are the same."""
    low, high = int(np.argmin(values)), int(np.argmax(values))
    return texts[low] if texts[low] == texts[high] else f"{texts[low]} ({names[low]}) to {texts[high]} ({names[high]})"


def functions(findings: Findings) -> list[str]:
    """Tell how many of many gates were learned, by their inputs, and whether they are the linearly separable ones."""
    counts = findings.result.part("summary", ["gate", "n", "n_converged"]).groupby("gate", observed=True).sum()
    names = [str(gate) for gate in counts.index]
    learned = (counts["n_converged"] > 0).to_numpy()
    sometimes = learned & (counts["n_converged"] < counts["n"]).to_numpy()
    table = pd.DataFrame({"n": 1, "learned": learned, "sometimes": sometimes})
    of_inputs = table.groupby(list(map(inputs_of, names)), sort=False).sum()
    parts = []
    for name, n, n_learned, _ in of_inputs.itertuples(name=None):
        noun, of = ("Boolean function", f" of {name}") if "input" in name else ("own table", "")
        parts.append((f"{n_learned:,} of the {n:,} {noun}s" if learned.any() else counted(n, noun)) + of)
    who = capital(_model(findings))
    if not learned.any():
        return [f"{who} learned none of them: {joined(parts)}."]
    what = _of_classes(findings, names, learned) or joined(parts)
    sentences = [f"{who} learned {what}.", *_exactly(findings, names, learned)]
    if counts["n"].max() > 1:
        some = joined([f"{n:,}" for n in of_inputs["sometimes"]])
        sentences.append(f"It learned each of them in every run, but for {some} that it learned in some.")
    return sentences


def _of_classes(findings: Findings, names: Sequence[str], learned: NDArray[np.bool_]) -> str:
    """How many functions the classes have that were learned, where each gate stands for its class; else nothing."""
    written = {name for grid in findings.experiment.grids for name in grid.spelling.get("gate", grid.values["gate"])}
    of_classes = [name for name, yes in zip(names, learned, strict=True) if yes]
    if len(written) > 1 or not next(iter(written)).startswith("classes-") or len(of_classes) > MAX_CLASSES:
        return ""
    n, n_functions = n_inputs(names[0]), sum(len(members(name)) for name in of_classes)
    return (
        f"{n_functions:,} of the {2**2**n:,} Boolean functions of {n} inputs: those of {len(of_classes):,} of "
        f"{len(names):,} classes, each of which has one function that was trained, and all that negating or permuting "
        "its inputs, or negating its output, makes of it"
    )


def instead(findings: Findings) -> list[str]:
    """Tell what the failed runs answer of the gate that has most of them, or of two that have as many."""
    found = findings.instead
    if found is None or not found.functions:
        return []
    failed: dict[str, NDArray[np.int64]] = {gate: found.of_gate(gate) for gate in dict.fromkeys(found.gates)}
    itself = {gate: found.right[found.gates.index(gate)] for gate in failed}
    most = max(int(counts.sum()) for counts in failed.values())
    if most < FEWEST_FAILED:
        return []
    often = [gate for gate, counts in failed.items() if counts.sum() == most]
    often.sort(key=lambda gate: failed[gate][itself[gate]] if itself[gate] >= 0 else 0)
    by_text: dict[str, list[str]] = {}
    for gate in often[:2]:
        by_text.setdefault(_instead(found, gate, failed[gate], itself[gate]), []).append(shown(gate))
    of_gates = [f"of {joined(gates)}, {text}" for text, gates in by_text.items()]
    each = " each" if len(by_text) < len(often[:2]) else ""
    return [f"In this grid, of the {most:,} failed runs{each} {'; of those '.join(of_gates)}."]


def _instead(found: Instead, gate: str, counts: NDArray[np.int64], itself: int) -> str:
    """Shares of a gate's failed runs that answer it itself, ½ always, and the commonest other function."""
    others = [at for at, kind in enumerate(found.kinds) if kind not in (HALF, DIVERGED) and at != itself and counts[at]]
    shares = [f"{percent(count / counts.sum())}{NBSP}%" for count in counts]
    parts = []
    if itself >= 0 and counts[itself]:
        parts.append(f"{shares[itself]} answer {shown(gate)} itself, short of the target")
    if HALF in found.kinds and counts[found.kinds.index(HALF)]:
        parts.append(f"{shares[found.kinds.index(HALF)]} end at the loss of answering ½ to every row")
    if others:
        commonest = max(others, key=lambda at: counts[at])
        which = "the commonest wrong answer" if parts else "more than any other function"
        parts.append(f"{shares[commonest]} answer {found.kinds[commonest]}, {which}")
    return ", and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def rows_answered(findings: Findings) -> list[str]:
    """Tell, gate by gate, to how many rows runs answer 1 least and most often, and whether chance may be why."""
    sentences = []
    n_tests = sum(math.isfinite(one.p) for one in findings.ones)
    holm = f" by Holm over {n_tests} gates" if n_tests > 1 else ""
    for one in findings.ones:
        n, last = one.counts, len(one.counts) - 1
        first = 0 if math.isfinite(one.p) else int(np.flatnonzero(n)[0])
        n = n[first:]
        on = f"On {shown(one.gate)}, "
        if not last:
            sentences.append(f"{on}none of the {one.n_rows} rows is answered 1 in any of {n[0]:,} runs.")
            continue
        ends = first + int(n.argmin()), last - int(n[::-1].argmax())
        least, most = ("no row" if at == 0 else counted(at, "row") for at in ends)
        test = ""
        if math.isfinite(one.p):
            often = "not equally often, by more than chance" if one.p < CHANCE else "equally often, up to chance"
            degrees = f"{last} degree{'' if last == 1 else 's'} of freedom"
            test = f" {often} (χ²{NBSP}={NBSP}{one.chi_square:.3g}, {degrees}, {p_value(one.p)}{holm})"
        equal = f"{n.mean():,.1f}".removesuffix(".0")
        sentences.append(
            f"{on}{first} to {last} of the {one.n_rows} rows are answered 1{test}: {least} least often ({n.min():,} of "
            f"{n.sum():,} runs), {most} most often ({n.max():,}); equal frequencies would be {equal} each."
        )
    return sentences


def separability(findings: Findings) -> list[str]:
    """Tell which gates no weights can learn, and why, and how long theory has those take that were not learned.

    Of all models, those whose targets allow no loss below the target; else only of logistic regression, and only where
    a gate that theory rules out did not converge, as it must be.
    """
    sentences = _perfect_is_too_little(findings)
    table, own = findings.covered, findings.experiment.tables
    if len(table) == 0:
        return sentences
    by_gate = table.groupby("gate", sort=False, observed=True).agg({"n_converged": "sum", "theory": "last"})
    converged, theories = by_gate["n_converged"], {str(gate): theory for gate, theory in by_gate["theory"].items()}
    of_loss = " on cross-entropy" if any("mse" in grid.values["loss"] for grid in findings.experiment.grids) else ""
    who = "" if len(table) == findings.n_settings else f"Without hidden units, by plain gradient descent{of_loss}: "
    barred = [
        gate
        for gate, theory in theories.items()
        if out_of_reach(findings.experiment, gate, theory) and not converged[gate] and gate not in findings.unreachable
    ]
    separable_ones = [gate for gate, theory in theories.items() if isinstance(theory, Separable)]
    if barred:
        its, tells = ("its", "it is") if len(barred) == 1 else ("their", "they are")
        flat = {inputs_of(gate) for gate in barred} == {"2 inputs"}
        reason = f"no {'straight line' if flat else f'weighted sum of {its} inputs'} tells {its} ones from {its} zeros"
        if not all(np.isin(own[gate].targets, (0, 1)).all() for gate in barred if gate in own):
            reason = "no weights give every row its target"
        names = called(barred) if len(barred) <= MAX_NAMED else f"{small(len(barred))} gates"
        sentences.append(
            capital(
                f"{who}{names} cannot be learned: {reason} ({tells} not linearly separable, by a linear program), "
                f"so {_bound(findings, [theories[gate] for gate in barred])}."
            )
        )
    unlearned = [gate for gate in separable_ones if not converged[gate]]
    if len(separable_ones) > MAX_NAMED and not unlearned and barred:
        sentences[-1] = sentences[-1][:-1] + f"; the {small(len(separable_ones))} others are linearly separable."
    return sentences + _too_soon(findings, unlearned)


def _exactly(findings: Findings, names: Sequence[str], learned: Any) -> list[str]:
    """Compare what was learned with the linearly separable functions, where all are Boolean with few inputs."""
    if not plain(findings.experiment) or any(gate in findings.experiment.tables for gate in names):
        return []
    inputs = np.array([n_inputs(gate) for gate in names])
    if inputs.max() > MAX_INPUTS:
        return []
    tables = np.array([int(truth_table(gate)[::-1], 2) for gate in names], np.int64)
    within = np.zeros(len(names), np.bool_)
    for n in np.unique(inputs):
        within[inputs == n] = separable(tables[inputs == n], int(n))
    if (learned & ~within).any():
        return []
    because = "no weighted sum of the inputs tells the ones of any other function from its zeros"
    if (learned == within).all():
        return [f"These are exactly the linearly separable ones: {because}."]
    counts = [f"{int(within[inputs == n].sum()):,} with {n} input{'s' if n > 1 else ''}" for n in np.unique(inputs)]
    return [f"Linearly separable are more, {joined(counts)}; {because}, so that it cannot be learned."]


def _model(findings: Findings) -> str:
    """Name the model that was trained, as the subject of a sentence."""
    hidden = {units for grid in findings.experiment.grids for units in grid.values["hidden"]}
    return "logistic regression" if hidden == {0} else "the network" if 0 not in hidden else "the model"


def _named(several: Sequence[str], which: str) -> str:
    return f"{which} {small(len(several))} gates" if len(several) > MAX_NAMED else joined(several)


def called(gates: Sequence[str]) -> str:
    """Name gates in a sentence: "AND and OR", but "the gate parity-3", which may be the first word with a capital."""
    names = list(map(shown, gates))
    kind = "" if names[0][0].isupper() else "the gate " if len(names) == 1 else "the gates "
    return kind + joined(names)


def _never(several: Sequence[str], which: str) -> str:
    return _named(several, which) if len(several) > MAX_NAMED else " or ".join(several)


def _none_of(n: "pd.Series[int]") -> str:
    if n.max() == 1:
        return "its one run did not converge" if len(n) == 1 else "their runs, one each, did not converge"
    return f"none of {span(n)} runs{' each' if len(n) > 1 else ' converged'}"


def _too_soon(findings: Findings, unlearned: Sequence[str]) -> list[str]:
    """Tell the epochs that theory predicts for separable gates that no run learned, where training was shorter."""
    target = predicted_target(findings.experiment)
    if target is None or not 0 < len(unlearned) <= MAX_NAMED:
        return []
    max_epochs = findings.train.max_epochs
    sentences = []
    for gate in unlearned:
        found = fewest_epochs(findings.covered, gate, target)
        if found is None or found.epochs <= max_epochs:
            continue
        at = "even at" if found.n > 1 else "at"
        epochs, rate = float(f"{found.epochs:.2g}"), found.learning_rate
        sentences.append(
            f"{capital(called([gate]))} is linearly separable and takes longer: theory predicts about {epochs:,.0f} "
            f"epochs until the loss is {exact(target)}{NBSP}nats, {at} η{NBSP}={NBSP}{rate:.6g}, and training ended "
            f"after {max_epochs:,}."
        )
    return sentences


def _bound(findings: Findings, theories: Sequence[Any]) -> str:
    """Tell the bound that keeps runs on these tables from converging."""
    target = findings.train.target_loss
    lowest = [float(theory.infimum) for theory in theories]
    if target is None or target > min(lowest):
        return "some output is always on the wrong side of ½"
    different = sorted({round(value, 9) for value in lowest})
    least = f"{different[0]:.3g} to {different[-1]:.3g}{nats(['bce'])}"
    least = in_nats(different[0]) if len(different) == 1 else least
    return f"no weights bring the loss below {least}, and the target is {exact(target)}{NBSP}nats"


def _perfect_is_too_little(findings: Findings) -> list[str]:
    """Tell of tables whose least loss, that of a perfect fit, lies above the target."""
    tables, target = list(findings.unreachable), findings.train.target_loss
    if not tables or target is None:
        return []
    least = list(findings.unreachable.values())
    names, losses = f"{small(len(tables))} gates", f"{min(least):.6g} to {max(least):.6g}"
    if len(tables) <= MAX_NAMED:
        names, losses = called(tables), joined([f"{loss:.6g}" for loss in least])
    return [
        f"No run on {names} can converge: the target is {exact(target)}{NBSP}nats, below the least loss that "
        f"{'its' if len(tables) == 1 else 'their'} targets allow, {losses}{NBSP}nats of a perfect fit."
    ]


def in_nats(loss: float) -> str:
    """A loss, by the name of ln 2 where it is that."""
    return f"ln{NBSP}2 ≈ 0.693{NBSP}nats" if abs(loss - math.log(2)) < 1e-8 else f"{loss:.3g}{NBSP}nats"
