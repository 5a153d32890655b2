"""Sentences about the effects of axes: one an axis, gate by gate where gates vary."""

from collections import Counter
from collections.abc import Sequence

from sweep.analysis.findings import Findings
from sweep.analysis.question.effects import FEWEST_SEEDS, MAX_VALUES, Contrast, Effect
from sweep.answer.names import names_of, together, value
from sweep.words import capital, joined, label, number, p_value, small

MAX_GATES = 4
"""Gates that are told one by one."""


def axes(findings: Findings, but: str | None = None) -> list[str]:
    """A sentence for each axis that varies, or for each gate where these are few, but for one that has been told."""
    return [sentence for key in findings.companions if key != but for sentence in axis(findings, key)]


def axis(findings: Findings, key: str) -> list[str]:
    """Tell where along an axis everything was learned, or which of its values did better than others."""
    sentences = []
    if key == findings.layout.x and findings.everywhere is not None:
        sentences.append(_everywhere(findings, key, *findings.everywhere))
    effects = [effect for effect in findings.effects if effect.axis == key]
    learned = [at for at, n in findings.learned_with(key).items() if n]
    if not effects and not sentences and len(learned) == 1 and key not in (findings.subject, "gate", "loss"):
        sentences.append(f"{capital(label(key))}: runs converged with {together(findings, key, learned[0])} only.")
    elif not effects and not sentences and len(learned) > 1 and key not in ("gate", "loss"):
        takes = f"pairs of runs that differ in nothing else, of {FEWEST_SEEDS} seeds or more"
        takes = takes if findings.result.keeps_runs else "single runs, and only counts of them were kept"
        sentences.append(f"{capital(label(key))}: its values are not compared, since that takes {takes}.")
    return sentences + _effect(findings, key, effects)


def _everywhere(findings: Findings, axis: str, first: object, last: object) -> str:
    kind = "gate" if "gate" in findings.varied else findings.subject
    who = "every run"
    if kind and kind != axis:
        who = "every run of every gate that was learned" if kind == "gate" else "wherever any run converged, every run"
    where = f"at {value(axis, first)}"
    if first != last:
        rest = ", whatever else was set" if len(findings.companions) > 1 else ""
        where = f"at every value tried from {number(first)} to {number(last)}{rest}"
    return f"{capital(label(axis))}: {who} converged {where}."


def _effect(findings: Findings, axis: str, effects: Sequence[Effect]) -> list[str]:
    if not effects:
        return []
    telling = [effect for effect in effects if effect.often or effect.fast]
    title = capital(label(axis))
    if not telling:
        n = sum(effect.n_pairs for effect in effects)
        return [f"{title}: {_two(effects)}no difference in when runs converge, in any of {n:,} pairs."]
    if len(telling) > MAX_GATES:
        return [f"{title}: {_two(telling)}{_grouped(findings, axis, telling)}."]
    several = len(effects) > 1
    return [
        f"{title}{f', {effect.gate}' if several else ''}: {_two([effect])}{_told(findings, axis, effect)}."
        for effect in telling
    ]


def _two(effects: Sequence[Effect]) -> str:
    """Say which two of many values are compared; nothing where all are."""
    n = max(effect.n_values for effect in effects)
    return (
        f"of {n:,} values, those with the most and the fewest converged runs are compared; " if n > MAX_VALUES else ""
    )


def _told(findings: Findings, axis: str, effect: Effect) -> str:
    often, fast = effect.often, effect.fast
    if all(contrast is None or contrast.by_chance for contrast in (often, fast)):
        return "no difference beyond chance in how often runs converge, nor in how fast"
    parts = []
    if often is not None and not often.by_chance:
        counts = f"in {often.for_better:,} of {often.n_pairs:,} pairs only the former did"
        counts += f", in {often.for_worse:,} only the latter{_p(often)}"
        parts.append(f"in this grid, runs converged more often {_with(findings, axis, often)} ({counts})")
    elif often is not None:
        parts.append("how often runs converged differed by no more than chance")
    if fast is not None and not fast.by_chance:
        ratio = f", by a median factor of {fast.ratio:.2g}" if fast.ratio >= 1.05 else ""
        counts = f"in {fast.for_better:,} of {fast.n_pairs:,} pairs{_p(fast)}"
        parts.append(f"where both converged, runs were faster {_with(findings, axis, fast)}{ratio} ({counts})")
    elif fast is not None:
        parts.append("neither was faster in more pairs than chance gives")
    return "; ".join(parts)


def _grouped(findings: Findings, axis: str, effects: Sequence[Effect]) -> str:
    """How many gates had which value before another, by more than chance."""
    n = f"of {small(len(effects))} gates"
    parts = []
    for words, kind in (("runs converged more often", "often"), ("where both converged, runs were faster", "fast")):
        contrasts = [contrast for effect in effects if (contrast := getattr(effect, kind)) and not contrast.by_chance]
        winners = Counter(together(findings, axis, contrast.better) for contrast in contrasts).most_common()
        phrases = [f"with {name} than with another for {small(count)}" for name, count in winners[:1]]
        phrases += [f"with {name} for {small(count)}" for name, count in winners[1:]]
        if phrases:
            parts.append(f"{words} {joined(phrases)} {n}")
    if not parts:
        return f"no difference beyond chance for any {n}, in how often runs converge or how fast"
    return "by more than chance, " + "; ".join(parts)


def _with(findings: Findings, axis: str, contrast: Contrast) -> str:
    better, worse = names_of(findings, axis, [[contrast.better], [contrast.worse]])
    return f"with {better} than with {worse}"


def _p(contrast: Contrast) -> str:
    """Return the p of a contrast; nothing where it is below 0.001, as mostly, and the page says how values compare."""
    return "" if contrast.p < 0.001 else f"; {p_value(contrast.p)}"
